//! The codes of findings with their explanations, which are the sections of docs/codes.md.

use tenantgate::config::Code;

/// The explanation of a code.
pub(crate) struct Explanation {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

/// The explanation of `code`.
pub(crate) fn find(code: Code) -> Option<Explanation> {
    let name = code.to_string();
    let section = SECTIONS.split("\n## ").skip(1).find_map(|section| section.strip_prefix(name.as_str()))?;
    let (title, text) = section.split_once('\n')?;
    Some(Explanation { title: title.trim(), text: text.trim() })
}

/// The code with this name: `TG014`, `tg14` or `14`.
pub(crate) fn parse(name: &str) -> Option<Code> {
    let digits = name.trim_start_matches(['T', 't', 'G', 'g']);
    digits.parse().ok().map(Code::new)
}

const SECTIONS: &str = include_str!("../../../docs/codes.md");

/// The text is no file that Envoy would read.
pub(crate) const ENCODING: Code = Code::new(100);
/// A tab or an invisible character where YAML has none.
pub(crate) const ODD_CHARACTER: Code = Code::new(101);
/// A member that occurs twice.
pub(crate) const DUPLICATE_KEY: Code = Code::new(102);
/// A merge key, a tag or another part of YAML that Envoy does not have.
pub(crate) const NOT_IN_ENVOY: Code = Code::new(103);
/// No configuration of the gate.
pub(crate) const NO_GATE: Code = Code::new(110);

/// A rule that can never match.
pub(crate) const RULE_SHADOWED: Code = Code::new(200);
/// A rule about a host that the tenant does not have.
pub(crate) const RULE_HOST: Code = Code::new(201);
/// A rule about a path that the gate answers itself.
pub(crate) const RULE_OWN_PATH: Code = Code::new(202);
/// A rule about scopes, where no bearer tokens are accepted.
pub(crate) const RULE_SCOPES: Code = Code::new(203);
/// A rule about e-mail addresses, where none is verified.
pub(crate) const RULE_EMAIL: Code = Code::new(204);
/// A rule that leaves other methods to a looser one.
pub(crate) const RULE_METHODS: Code = Code::new(205);
/// A rule that opens all other paths.
pub(crate) const RULE_CATCH_ALL: Code = Code::new(206);
/// Scopes that do not fit the rest of the configuration.
pub(crate) const SCOPES: Code = Code::new(207);
/// Two tenants that take each other's bearer tokens.
pub(crate) const SHARED_AUDIENCE: Code = Code::new(208);
/// A cookie domain that is a public suffix.
pub(crate) const PUBLIC_SUFFIX: Code = Code::new(209);

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

/// A cluster that is not there.
pub(crate) const CLUSTER_MISSING: Code = Code::new(120);
/// A cluster of two providers.
pub(crate) const CLUSTER_SHARED: Code = Code::new(121);
/// A cluster without TLS for an https issuer.
pub(crate) const PLAIN_TEXT: Code = Code::new(122);
/// A cluster that accepts certificates of any authority.
pub(crate) const CERTIFICATE_UNCHECKED: Code = Code::new(123);
/// A cluster that accepts certificates for other hosts.
pub(crate) const CERTIFICATE_NAME: Code = Code::new(124);
/// A cluster that does not tell the server which host it wants.
pub(crate) const SNI: Code = Code::new(125);
/// A cluster that leads to another host than that of the issuer.
pub(crate) const CLUSTER_ADDRESS: Code = Code::new(126);
/// A cluster with TLS for an http issuer.
pub(crate) const NEEDLESS_TLS: Code = Code::new(127);
/// A cluster of a kind that the filter cannot call.
pub(crate) const CLUSTER_UNCALLABLE: Code = Code::new(128);
/// A plugin that lets requests pass after a crash.
pub(crate) const FAIL_OPEN: Code = Code::new(130);
/// A plugin that stays away after a crash.
pub(crate) const NO_RELOAD: Code = Code::new(131);
/// Back-channel logout without the body of the request.
pub(crate) const NO_BODY: Code = Code::new(132);
/// A plugin without an id of its own.
pub(crate) const NO_VM_ID: Code = Code::new(133);
/// A chain whose last filter is not the router.
pub(crate) const ROUTER: Code = Code::new(140);
/// A filter before the gate that believes the client.
pub(crate) const FILTER_ORDER: Code = Code::new(141);
/// Paths that Envoy does not normalize.
pub(crate) const PATHS: Code = Code::new(142);
/// Addresses of clients that the client itself writes.
pub(crate) const CLIENT_ADDRESS: Code = Code::new(143);
/// Requests that pass without the filter.
pub(crate) const SWITCHED_OFF: Code = Code::new(144);

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

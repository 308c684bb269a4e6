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
pub(crate) const VM_ID: Code = Code::new(133);
/// A runtime that Envoy does not have.
pub(crate) const RUNTIME: Code = Code::new(134);
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
/// Two gates in one chain of filters.
pub(crate) const TWICE: Code = Code::new(145);

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
/// An exact path of a rule, with a looser rule for what is below.
pub(crate) const RULE_BELOW: Code = Code::new(210);
/// Rules without a word about all other paths.
pub(crate) const RULES_END: Code = Code::new(211);
/// Rules that let everybody in.
pub(crate) const RULE_ALL_PUBLIC: Code = Code::new(212);
/// A path in the language of another program.
pub(crate) const RULE_PATH: Code = Code::new(213);
/// A method that no client sends.
pub(crate) const RULE_METHOD: Code = Code::new(214);
/// A setting that nothing uses.
pub(crate) const NO_EFFECT: Code = Code::new(215);
/// A role that no rule asks for.
pub(crate) const ROLE_UNUSED: Code = Code::new(216);
/// A name that nobody can have.
pub(crate) const NAME: Code = Code::new(217);
/// A name of another form than those of the tokens.
pub(crate) const NAME_FORM: Code = Code::new(218);
/// A claim that is not written as its name or path.
pub(crate) const CLAIM: Code = Code::new(219);
/// A header for a claim, the wrong way round.
pub(crate) const HEADER_CLAIM: Code = Code::new(220);
/// Rules that need a scope that is not asked for.
pub(crate) const SCOPE_MISSING: Code = Code::new(221);
/// A misspelled part of the authorization request.
pub(crate) const REQUEST: Code = Code::new(222);
/// An audience that other tokens have, or none has.
pub(crate) const AUDIENCE: Code = Code::new(223);
/// An issuer that is not written as its provider does.
pub(crate) const ISSUER_FORM: Code = Code::new(224);
/// An issuer in another form than that of a known provider.
pub(crate) const ISSUER_PROVIDER: Code = Code::new(225);
/// Plain http beyond one machine.
pub(crate) const INSECURE: Code = Code::new(226);
/// An endpoint that is probably another one.
pub(crate) const ENDPOINT: Code = Code::new(227);
/// An endpoint that is not where the issuer is.
pub(crate) const ENDPOINT_ELSEWHERE: Code = Code::new(228);
/// An endpoint that is discovered, too.
pub(crate) const ENDPOINT_DISCOVERED: Code = Code::new(229);
/// A cluster that is no name of one.
pub(crate) const CLUSTER_NAME: Code = Code::new(230);
/// A client id that the issuer cannot have given.
pub(crate) const CLIENT_ID: Code = Code::new(231);
/// A client without credentials.
pub(crate) const PUBLIC_CLIENT: Code = Code::new(232);
/// A client secret that is probably none.
pub(crate) const SECRET: Code = Code::new(233);
/// A secret in the file.
pub(crate) const SECRET_IN_FILE: Code = Code::new(234);
/// A secret that two clients have.
pub(crate) const SHARED_SECRET: Code = Code::new(235);
/// A session key that is not random or not new.
pub(crate) const SESSION_KEY: Code = Code::new(236);
/// A client that two tenants have.
pub(crate) const SHARED_CLIENT: Code = Code::new(237);
/// A public key that two issuers have.
pub(crate) const SHARED_KEY: Code = Code::new(238);
/// A host that browsers elsewhere do not reach.
pub(crate) const HOST_LOCAL: Code = Code::new(239);
/// A host without the one that people type as well.
pub(crate) const HOST_TWIN: Code = Code::new(240);
/// An issuer behind the host that needs it.
pub(crate) const OWN_GATE: Code = Code::new(241);
/// The end of a sign-out is somewhere else.
pub(crate) const SIGN_OUT: Code = Code::new(242);
/// A front-channel logout without cookies.
pub(crate) const FRONTCHANNEL: Code = Code::new(243);
/// HTML in a text that is plain.
pub(crate) const PAGE_MARKUP: Code = Code::new(244);
/// A trusted origin that is another tenant's.
pub(crate) const FOREIGN_ORIGIN: Code = Code::new(245);

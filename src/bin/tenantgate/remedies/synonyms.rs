//! What other programs call the fields.

use super::is_url;
use crate::yaml::Node;

/// A field by the name that other programs give it.
pub(super) struct Meant {
    pub(super) path: &'static str,
    form: &'static str,
}

impl Meant {
    pub(super) fn help(&self, name: &str, value: Option<&Node>) -> String {
        let Self { path, form } = self;
        if form.is_empty() || value.is_none() {
            return format!("did you mean `{path}`?");
        }
        format!("`{name}` is `{path}` here; write `{form}`")
    }
}

/// What other programs call by this name, in the object `home`.
pub(super) fn meant(home: &str, name: &str, value: Option<&Node>) -> Option<Meant> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let is_address = value.and_then(Node::text).is_some_and(is_url);
    SYNONYMS
        .iter()
        .find(|(at, names, _, _)| *at == home && names.contains(&plain.as_str()))
        .filter(|(_, _, path, _)| !path.ends_with("jwks_uri") || is_address)
        .map(|(_, _, path, form)| Meant { path, form })
}

/// The object, names in other programs (letters and digits in lower case), the field here, and how
/// it is written.
type Synonym = (&'static str, &'static [&'static str], &'static str, &'static str);

const TENANT: &str = "tenants[]";
const PROVIDER: &str = "tenants[].provider";
const RULE: &str = "tenants[].access[]";
const ALLOW: &str = "tenants[].access[].allow";

const SYNONYMS: [Synonym; 42] = [
    ("", &["tenant", "sites", "clients"], "tenants", ""),
    (TENANT, &["scope", "scopes"], "login.scopes", "login: {scopes: [...]}"),
    ("tenants[].bearer", &["audience", "aud"], "audiences", "audiences: [...]"),
    (ALLOW, &["anyuser", "authenticated", "everyone"], "allow", "allow: any_user"),
    (ALLOW, &["public", "anonymous"], "allow", "allow: public"),
    (
        TENANT,
        &["domain", "domains", "hostname", "hostnames", "servername", "servernames", "fqdn"],
        "hosts",
        "hosts: [acme.example.com]",
    ),
    (TENANT, &["iss", "issuerurl", "oidcissuer", "oidcissuerurl", "authority"], "issuer", ""),
    (
        TENANT,
        &["clientsecretenv", "clientsecretref", "clientsecretfile"],
        "client_secret",
        "client_secret: {env: NAME}",
    ),
    (TENANT, &["jwks", "jwksuri", "jwksurl"], "provider.jwks_uri", ""),
    (TENANT, &["audience", "audiences"], "bearer.audiences", "bearer: {audiences: [...]}"),
    (TENANT, &["groupclaim", "groupsclaim", "oidcgroupsclaim"], "identity.groups", "identity: {groups: ...}"),
    (TENANT, &["userclaim", "usernameclaim", "useridclaim"], "identity.user", "identity: {user: ...}"),
    (TENANT, &["emailclaim", "oidcemailclaim"], "identity.email", "identity: {email: ...}"),
    (TENANT, &["rules", "policies", "policy", "authorization", "acl"], "access", "access: [...]"),
    (TENANT, &["redirecturl"], "login.redirect_uri", ""),
    (TENANT, &["cookiedomains"], "login.cookie_domain", ""),
    (
        PROVIDER,
        &["authendpoint", "authurl", "authorizeurl", "authorizationurl", "authorizationuri", "loginurl"],
        "authorization_endpoint",
        "",
    ),
    (PROVIDER, &["tokenurl", "tokenuri", "redeemurl"], "token_endpoint", ""),
    (PROVIDER, &["userinfourl", "userinfouri", "profileurl"], "userinfo_endpoint", ""),
    (PROVIDER, &["logouturl", "logoutendpoint", "endsessionurl", "logouturi"], "end_session_endpoint", ""),
    (PROVIDER, &["revocationurl", "revokeurl", "revokeendpoint"], "revocation_endpoint", ""),
    (PROVIDER, &["jwks", "jwksurl", "keysurl", "jwksendpoint", "certs"], "jwks_uri", ""),
    (
        PROVIDER,
        &["discoveryurl", "wellknown", "metadataurl", "wellknownurl", "metadata"],
        "discovery",
        "discovery: true",
    ),
    (PROVIDER, &["upstream", "backend", "clustername"], "cluster", ""),
    ("session", &["ttl", "maxage", "timeout", "expire", "expiry", "cookieexpire", "duration"], "lifetime", ""),
    ("session", &["idletimeout", "inactivity"], "idle", ""),
    ("session", &["key", "secret", "cookiesecret"], "keys", "keys: [{id: a, env: NAME}]"),
    ("session.keys[]", &["name", "kid"], "id", ""),
    ("session.keys[]", &["value", "secret", "variable"], "env", "env: NAME"),
    (RULE, &["require", "requires", "allowed", "permit", "who"], "allow", "allow: {groups: [...]}"),
    (RULE, &["prefix", "pathprefix", "route", "routes", "match", "uri", "url"], "paths", "paths: [/admin/*]"),
    (RULE, &["roles", "groups", "users", "emails", "scopes", "claims"], "allow", "allow: {groups: [...]}"),
    (RULE, &["public", "anonymous", "skipauth", "unauthenticated"], "allow", "allow: public"),
    (
        RULE,
        &["ips", "ip", "cidr", "cidrs", "sourceips", "sourceip", "remoteips", "ipblocks", "clientip"],
        "client_ips",
        "client_ips: [10.0.0.0/8]",
    ),
    (RULE, &["verb", "verbs"], "methods", "methods: [GET]"),
    (RULE, &["action", "effect"], "deny", "deny: true"),
    (ALLOW, &["domains", "domain"], "email_domains", "email_domains: [acme.example]"),
    (ALLOW, &["anyof", "oneof"], "allow", "groups: [...]"),
    ("tenants[].identity", &["groupsclaim", "groupclaim"], "groups", ""),
    ("tenants[].identity", &["userclaim", "username", "usernameclaim", "subject"], "user", ""),
    ("tenants[].identity", &["emailclaim", "mail"], "email", ""),
    ("tenants[].roles[]", &["members", "role"], "groups", "name: admin, groups: [...]"),
];

//! Tests of the configuration: the exact text of every message about a mistake.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::http::host::Host;
use crate::jose::HostAlgorithms;
use crate::runtime::{Runtime, TenantEntry};

const PUBLIC: &str = include_str!("../../tests/vectors/keys/ec.public.pem");
const PRIVATE: &str = include_str!("../../tests/vectors/keys/ec.private.pem");
const SHORT: &str = include_str!("../../tests/vectors/keys/rsa1024.public.pem");
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

struct Variables;

impl Environment for Variables {
    fn var(&self, name: &str) -> Option<String> {
        match name {
            "KEY" => Some(KEY.to_owned()),
            "SECRET" => Some("s3cr3t".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }
}

const CONTEXT: LoadContext<'static> = LoadContext { environment: &Variables, host: HostAlgorithms::NONE };

fn tenant() -> Value {
    json!({
        "name": "acme",
        "hosts": ["acme.example"],
        "issuer": "https://issuer.example",
        "client_id": "gate",
        "client_secret": { "env": "SECRET" },
        "keys": [{ "pem": PUBLIC }],
        "provider": {
            "cluster": "issuer",
            "authorization_endpoint": "https://issuer.example/auth",
            "token_endpoint": "https://issuer.example/token",
        },
    })
}

fn configuration(tenants: &[Value]) -> Value {
    json!({ "session": { "keys": [{ "id": "a", "env": "KEY" }] }, "tenants": tenants })
}

/// Returns `base` with `value` at the JSON pointer. A `value` of null removes the member there.
fn with(mut base: Value, pointer: &str, value: Value) -> Value {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match base.pointer_mut(parent).unwrap() {
        Value::Object(object) if value.is_null() => drop(object.remove(last)),
        Value::Object(object) => drop(object.insert(last.to_owned(), value)),
        Value::Array(array) => array[last.parse::<usize>().unwrap()] = value,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => panic!("{pointer} leads nowhere"),
    }
    base
}

fn load_json(value: &Value) -> Result<Loaded, ConfigErrors> {
    load(value.to_string().as_bytes(), CONTEXT)
}

/// All messages, both of a refused configuration and of one with broken tenants.
fn messages(value: &Value) -> Vec<String> {
    match load_json(value) {
        Ok(loaded) => loaded.problems.iter().map(ToString::to_string).collect(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

fn entry_of<'a>(runtime: &'a Runtime, host: &str) -> Option<&'a TenantEntry> {
    runtime.select(&Host::from_name(host).unwrap())
}

#[test]
fn a_valid_configuration_serves() {
    let loaded = load_json(&configuration(&[tenant()])).unwrap();
    assert_eq!(loaded.problems, []);
    let Some(TenantEntry::Served(tenant)) = entry_of(&loaded.runtime, "acme.example") else { panic!("not served") };
    assert_eq!(tenant.model.login.callback_path, "/oauth2/callback");
    assert_eq!(tenant.model.headers.user.as_deref(), Some("x-auth-request-user"));
    assert_eq!(loaded.runtime.policy().lifetime.as_secs(), 8 * 60 * 60);
    assert!(!format!("{loaded:?}").contains("s3cr3t"));
}

#[test]
fn bytes_that_are_not_a_configuration_are_refused() {
    let message = |bytes: &[u8]| load(bytes, CONTEXT).unwrap_err().to_string();
    assert_eq!(message(b" "), "the configuration is empty; it needs at least `session` and `tenants`");
    assert_eq!(message(b"tenants:"), "not JSON: expected ident at line 1 column 2");
    assert_eq!(
        message(br#"{"strict":true,"strict":false}"#),
        "not JSON: member \"strict\" occurs twice at line 1 column 23"
    );
    assert_eq!(message(b"\n{}"), "session: is missing\ntenants: is missing");
    assert_eq!(message(b"[]"), "must be an object, not an array");
    assert_eq!(message(b"{}"), "session: is missing\ntenants: is missing");
}

/// Each case is `(pointer, value, message)`.
#[test]
fn a_mistake_that_concerns_all_tenants_refuses_the_configuration() {
    for (pointer, value, expected) in [
        ("/tenant", json!([]), "unknown field \"tenant\"; did you mean \"tenants\"?"),
        (
            "/listen",
            json!(1),
            "unknown field \"listen\"; the fields here are strict, session, assertion, filter_state, stats, log, store, tenants_from, tenants",
        ),
        ("/strict", json!("yes"), "strict: must be true or false, not a string"),
        ("/tenants", json!({}), "tenants: must be an array, not an object"),
        ("/tenants", json!([]), "tenants: is empty; at least one is needed"),
        ("/session/keys", json!([]), "session.keys: is empty; at least one is needed"),
        ("/session/keys", Value::Null, "session.keys: is missing"),
        (
            "/session/lifetime",
            json!("8 hours and a bit"),
            "session.lifetime: \"8 hours and a bit\" is not a duration; write it as \"8h\", \"30m\" or \"5s\"",
        ),
        ("/session/lifetime", json!("1s"), "session.lifetime: \"1s\" is out of range; it has to be from 1m to 30days"),
        ("/session/lifetime", json!(8), "session.lifetime: must be a string, not a number"),
        ("/session/idle", json!("1m"), "session.idle: \"1m\" is out of range; it has to be from 5m to 30days"),
        ("/session/idle", json!("8h"), "session.idle: is not shorter than `lifetime`, so it would never end a session"),
        ("/session/end_with_id_token", json!(1), "session.end_with_id_token: must be true or false, not a number"),
        (
            "/session/keys/0",
            json!({ "id": "a", "env": "NONE" }),
            "session.keys[0].env: environment variable \"NONE\" is not set",
        ),
        (
            "/session/keys/0",
            json!({ "id": "a", "env": "EMPTY" }),
            "session.keys[0].env: environment variable \"EMPTY\" is empty",
        ),
        (
            "/session/keys/0",
            json!({ "id": "a", "env": "SECRET" }),
            "session.keys[0].env: is not base64 of 32 bytes; `tenantgate session-key` makes one",
        ),
        (
            "/session/keys/0",
            json!({ "id": "a", "key": "c2hvcnQ=" }),
            "session.keys[0].key: is not base64 of 32 bytes; `tenantgate session-key` makes one",
        ),
        (
            "/session/keys/0",
            json!({ "id": "a", "key": "A".repeat(43) }),
            "session.keys[0].key: repeats one byte and is not a random key; `tenantgate session-key` makes one",
        ),
        (
            "/session/keys/0",
            json!({ "id": "a", "key": KEY, "env": "KEY" }),
            "session.keys[0]: has both `env` and `key`; give one of them",
        ),
        ("/session/keys/0", json!({ "id": "a" }), "session.keys[0]: has neither `env` nor `key`; give one of them"),
        ("/session/keys/0", json!({ "env": "KEY" }), "session.keys[0].id: is missing"),
        (
            "/session/keys/0",
            json!({ "id": "a.b", "env": "KEY" }),
            "session.keys[0].id: \"a.b\" is not an id: 1 to 32 letters, digits, \"-\" and \"_\"",
        ),
    ] {
        let broken = with(configuration(&[tenant()]), pointer, value);
        let errors = load_json(&broken).expect_err(expected);
        assert_eq!(errors.to_string(), expected);
    }
    let twice = json!([{ "id": "a", "env": "KEY" }, { "id": "a", "env": "KEY" }]);
    assert_eq!(
        messages(&with(configuration(&[tenant()]), "/session/keys", twice)),
        ["session.keys[1]: another key has the id \"a\", too; an id names one key"]
    );
}

#[test]
fn two_tenants_cannot_share_a_name_or_a_host() {
    let other = |name: &str, host: &str| with(with(tenant(), "/name", json!(name)), "/hosts", json!([host]));
    let error = |tenants: &[Value]| load_json(&configuration(tenants)).unwrap_err().to_string();
    assert_eq!(
        error(&[tenant(), other("globex", "ACME.example")]),
        "tenant \"acme\" and tenant \"globex\" both have the host \"acme.example\""
    );
    assert_eq!(
        error(&[tenant(), other("acme", "b.example")]),
        "tenants[0] and tenants[1] are both named \"acme\"; names must be unique, whatever their case"
    );
    assert_eq!(
        error(&[tenant(), other("ACME", "b.example")]),
        "tenants[0] and tenants[1] are both named \"ACME\"; names must be unique, whatever their case"
    );
    // The hosts of a tenant with another mistake are also compared.
    let broken = with(other("globex", "acme.example"), "/issuer", Value::Null);
    assert!(error(&[tenant(), broken]).starts_with("tenant \"acme\" and tenant \"globex\" both have the host"));
}

/// Each case is `(hosts of globex, message about the whole configuration)`. acme has
/// `*.saas.example`.
#[test]
fn a_wildcard_takes_no_host_that_could_not_be_read() {
    let login = json!({ "redirect_uri": "https://x.saas.example/oauth2/callback", "cookie_domain": "saas.example" });
    let acme = with(with(tenant(), "/hosts", json!(["x.saas.example", "*.saas.example"])), "/login", login);
    let load = |hosts: &Value| {
        let globex = with(with(tenant(), "/name", json!("globex")), "/hosts", hosts.clone());
        load_json(&configuration(&[acme.clone(), globex]))
    };
    let certain = |host: &str| {
        format!(
            "tenant \"globex\": hosts[0]: cannot be read, and \"*.saas.example\" of tenant \"acme\" would take its requests; write \"{host}\""
        )
    };
    let uncertain = |place: &str| {
        format!(
            "tenant \"globex\": {place}: cannot be read, and \"*.saas.example\" of tenant \"acme\" or another wildcard may take its \
             requests; write a DNS name without scheme, port and path (\"acme.example\")"
        )
    };
    for (hosts, expected) in [
        (json!(["g.saas.example:443", "globex.example"]), certain("g.saas.example")),
        (json!([" https://G.saas.example:8443/x"]), certain("g.saas.example")),
        (json!(["g.saas.example."]), certain("g.saas.example")),
        (json!(["*.g.saas.example:443"]), certain("*.g.saas.example")),
        (json!(["*.saas.example:443"]), certain("*.saas.example")),
        (json!(["g\u{f6}.saas.example"]), uncertain("hosts[0]")),
        (json!(["ada@g.other.example"]), uncertain("hosts[0]")),
        (json!(["globex.example", 7]), uncertain("hosts[1]")),
        (json!("g.saas.example"), certain("g.saas.example").replace("hosts[0]", "hosts")),
        (json!([]), uncertain("hosts")),
        (Value::Null, uncertain("hosts")),
    ] {
        let errors = load(&hosts).expect_err(&expected);
        assert_eq!(errors.iter().next().map(ToString::to_string), Some(expected), "{hosts}");
    }
    // No wildcard of another tenant takes these, so the other tenant serves.
    for hosts in [json!(["saas.example:443"]), json!(["globex.example:443"]), json!(["*.example.org:443", "h.example"])]
    {
        let loaded = load(&hosts).unwrap();
        assert!(matches!(entry_of(&loaded.runtime, "x.saas.example"), Some(TenantEntry::Served(_))), "{hosts}");
    }
    // The own wildcard leads to the broken tenant itself.
    let own = with(acme.clone(), "/hosts", json!(["*.saas.example", "g.saas.example:443", 7]));
    assert!(load_json(&configuration(&[own])).is_ok());
}

/// A browser sends the cookies of a domain to every host there, and takes them from each.
#[test]
fn a_cookie_domain_has_no_hosts_of_another_tenant() {
    let sharing = |name: &str, hosts: Value, domain: Value| {
        let tenant = with(with(tenant(), "/name", json!(name)), "/hosts", hosts);
        let login = json!({ "redirect_uri": "https://x.acme.example/oauth2/callback", "cookie_domain": domain });
        if domain.is_null() { tenant } else { with(tenant, "/login", login) }
    };
    let own = || json!(["x.acme.example", "*.acme.example", "acme.example"]);
    let message = |domain: &str, pattern: &str| {
        format!(
            "tenant \"acme\": login.cookie_domain: \"{domain}\" covers \"{pattern}\" of tenant \"globex\", where \
             browsers would send the cookies of this tenant; name a domain that has hosts of this tenant only, or leave \
             `cookie_domain` and `redirect_uri` out, so that each host has its own cookies"
        )
    };
    for (hosts, domain, other, covered) in [
        (own(), "acme.example", "globex.example", false),
        (own(), "acme.example", "*.example.net", false),
        (own(), "acme.example", "y.acme.example", true),
        (own(), "acme.example", "*.y.acme.example", true),
        // The longest wildcard of the hosts of the domain is that of this tenant.
        (own(), "acme.example", "*.shop.example", false),
        (json!(["x.shop.acme.example"]), "acme.example", "*.shop.acme.example", true),
        (json!(["x.acme.example"]), "x.acme.example", "*.acme.example", true),
        (json!(["x.acme.example", "*.x.acme.example"]), "x.acme.example", "*.acme.example", false),
        (json!(["y.x.acme.example", "*.x.acme.example"]), "x.acme.example", "*.acme.example", true),
    ] {
        let tenants = [sharing("acme", hosts, json!(domain)), sharing("globex", json!([other]), Value::Null)];
        let expected = if covered { vec![message(domain, other)] } else { vec![] };
        let own: Vec<String> =
            messages(&configuration(&tenants)).into_iter().filter(|message| message.contains("covers")).collect();
        assert_eq!(own, expected, "{domain} {other}");
    }
    // Two tenants with one domain are both wrong. Each covered host is not listed.
    let tenants = [
        sharing("acme", json!(["x.acme.example"]), json!("acme.example")),
        sharing("globex", json!(["y.acme.example", "z.acme.example"]), json!("acme.example")),
    ];
    let messages = messages(&configuration(&tenants));
    assert_eq!(
        messages.iter().filter(|message| message.contains("\"acme.example\" covers")).count(),
        2,
        "{messages:?}"
    );
}

/// Each case is `(pointer, value, message)`, with the pointer into the tenant.
#[test]
fn a_mistake_inside_a_tenant_is_named_with_tenant_and_field() {
    for (pointer, value, expected) in [
        (
            "/name",
            json!("a b"),
            "tenants[0]: name: \"a b\" is not a tenant name: 1 to 63 letters, digits, \"-\", \"_\" and \".\"",
        ),
        ("/name", Value::Null, "tenants[0]: name: is missing"),
        ("/hots", json!([]), "tenant \"acme\": unknown field \"hots\"; did you mean \"hosts\"?"),
        ("/hosts", json!([]), "tenant \"acme\": hosts: is empty; at least one is needed"),
        ("/hosts", json!("acme.example"), "tenant \"acme\": hosts: must be an array, not a string"),
        ("/hosts", json!(["a.example", "A.example"]), "tenant \"acme\": hosts[1]: \"a.example\" is listed twice"),
        (
            "/hosts",
            json!(["a.example", "*.acme.*"]),
            "tenant \"acme\": hosts[1]: \"*.acme.*\" is not a host pattern: a wildcard may only be the first label (\"*.acme.example\")",
        ),
        (
            "/hosts",
            json!(["*.com"]),
            "tenant \"acme\": hosts[0]: \"*.com\" is not a host pattern: a wildcard has to stand below a domain of at least two labels (\"*.acme.example\")",
        ),
        (
            "/hosts",
            json!(["https://a.example"]),
            "tenant \"acme\": hosts[0]: \"https://a.example\" is not a host pattern; write \"a.example\", without scheme, port and path",
        ),
        ("/issuer", Value::Null, "tenant \"acme\": issuer: is missing"),
        (
            "/issuer",
            json!("issuer.example"),
            "tenant \"acme\": issuer: is not an absolute URL; write it as \"https://host/path\"",
        ),
        (
            "/issuer",
            json!("http://issuer.example"),
            "tenant \"acme\": issuer: is an http URL; use https, or set `allow_insecure_issuer: true` for development",
        ),
        ("/issuer", json!("ftp://issuer.example"), "tenant \"acme\": issuer: is not an https URL"),
        (
            "/issuer",
            json!("https://issuer.example?a=b"),
            "tenant \"acme\": issuer: has a query; an Issuer Identifier has none",
        ),
        ("/issuer", json!("https://issuer.example#a"), "tenant \"acme\": issuer: has a fragment (#...); leave it out"),
        (
            "/issuer",
            json!("https://u:s3cr3t@issuer.example"),
            "tenant \"acme\": issuer: has a user name or password; leave them out",
        ),
        (
            "/client_id",
            json!(""),
            "tenant \"acme\": client_id: is not a client id: 1 to 255 printable ASCII characters",
        ),
        ("/client_secret", json!(""), "tenant \"acme\": client_secret: is empty"),
        (
            "/client_secret",
            json!("s3cr3t\n"),
            "tenant \"acme\": client_secret: has a line break or another control character, often at its end; remove it",
        ),
        ("/client_secret", json!(1), "tenant \"acme\": client_secret: must be a string or {env: NAME}"),
        (
            "/client_secret",
            json!({ "env": "NONE" }),
            "tenant \"acme\": client_secret.env: environment variable \"NONE\" is not set",
        ),
        (
            "/client_secret",
            json!({ "s3cr3t": "x", "env": "SECRET" }),
            "tenant \"acme\": client_secret: must be a string or {env: NAME}",
        ),
        ("/keys", json!([]), "tenant \"acme\": keys: is empty; at least one is needed"),
        (
            "/keys",
            Value::Null,
            "tenant \"acme\": keys: is missing; give the public keys of the issuer, or have them fetched by `provider.discovery` or `provider.jwks_uri`",
        ),
        ("/keys/0", json!("x"), "tenant \"acme\": keys[0]: must be an object, not a string"),
        (
            "/keys/0",
            json!({ "jwks": { "keys": [] } }),
            "tenant \"acme\": keys[0].jwks.keys: is empty; at least one is needed",
        ),
        ("/keys/0", json!({}), "tenant \"acme\": keys[0]: has to have exactly one of `pem`, `jwk` and `jwks`"),
        (
            "/keys/0",
            json!({ "pem": SHORT }),
            "tenant \"acme\": keys[0].pem: RSA modulus has 1024 bits; at least 2048 are required",
        ),
        (
            "/keys/0",
            json!({ "pem": PRIVATE }),
            "tenant \"acme\": keys[0].pem: is a private key; give the public key only (openssl pkey -in key.pem -pubout), and replace the private one if others saw it",
        ),
        (
            "/keys/0",
            json!({ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": "x", "d": "s3cr3t" } }),
            "tenant \"acme\": keys[0].jwk: is a private key; give the public key only (openssl pkey -in key.pem -pubout), and replace the private one if others saw it",
        ),
        (
            "/keys/0",
            json!({ "jwks": { "keys": [{ "kty": "RSA", "use": "enc" }, { "kty": "oct", "k": "s3cr3t" }] } }),
            "tenant \"acme\": keys[0].jwks.keys[1]: is a symmetric key; tokens are verified with public keys only",
        ),
        (
            "/keys/0",
            json!({ "jwks": { "keys": [{ "kty": "RSA", "use": "enc" }] } }),
            "tenant \"acme\": keys[0].jwks.keys: has no key that could verify a token: RSA, EC (P-256, P-384, P-521) or Ed25519",
        ),
        (
            "/keys/0",
            json!({ "pem": PUBLIC, "alg": "RS256" }),
            "tenant \"acme\": keys[0].alg: `alg` is \"RS256\", but a key of this type verifies ES256",
        ),
        ("/keys", json!([{ "pem": PUBLIC }, { "pem": PUBLIC }]), "tenant \"acme\": keys: the same key is listed twice"),
        ("/provider", Value::Null, "tenant \"acme\": provider: is missing"),
        ("/provider/cluster", Value::Null, "tenant \"acme\": provider.cluster: is missing"),
        ("/provider/cluster", json!(""), "tenant \"acme\": provider.cluster: is not the name of an Envoy cluster"),
        (
            "/provider/token_endpoint",
            json!("http://issuer.example/token"),
            "tenant \"acme\": provider.token_endpoint: is an http URL; use https, or set `allow_insecure_issuer: true` for development",
        ),
        (
            "/provider/authorization_endpoint",
            json!("https://i.example/?state=x"),
            "tenant \"acme\": provider.authorization_endpoint: has the parameter \"state\" in its query, which Tenantgate sets itself; leave it out",
        ),
        (
            "/provider/token_endpoint",
            Value::Null,
            "tenant \"acme\": provider.token_endpoint: is missing; give it, or set `discovery: true`",
        ),
        (
            "/provider/jwks_uri",
            json!("http://issuer.example/keys"),
            "tenant \"acme\": provider.jwks_uri: is an http URL; use https, or set `allow_insecure_issuer: true` for development",
        ),
        (
            "/provider/jwks_interval",
            json!("5m"),
            "tenant \"acme\": provider.jwks_interval: needs `discovery` or `jwks_uri`; without them nothing is fetched",
        ),
        (
            "/provider",
            json!({ "cluster": "issuer", "discovery": true, "jwks_uri": "https://issuer.example/keys" }),
            "tenant \"acme\": provider.jwks_uri: is found by `discovery`; remove one of them",
        ),
        (
            "/provider",
            json!({ "cluster": "issuer", "discovery": true, "jwks_interval": "1s" }),
            "tenant \"acme\": provider.jwks_interval: \"1s\" is out of range; it has to be from 30s to 1day",
        ),
        (
            "/provider",
            json!({ "cluster": "issuer", "discovery": true, "jwks_interval": "1h", "jwks_max_age": "5m" }),
            "tenant \"acme\": provider.jwks_max_age: is shorter than `jwks_interval`, so there would be times without keys",
        ),
        (
            "/provider/trusted_origins",
            json!(["https://keys.example"]),
            "tenant \"acme\": provider.trusted_origins: is for addresses that `discovery` finds; remove it, or set `discovery: true`",
        ),
        (
            "/provider",
            json!({ "cluster": "issuer", "discovery": true, "trusted_origins": ["https://keys.example/"] }),
            "tenant \"acme\": provider.trusted_origins[0]: \"https://keys.example/\" is not an origin; write it as \"https://keys.example\"",
        ),
        (
            "/id_token_signed_response_alg",
            json!(["HS256"]),
            "tenant \"acme\": id_token_signed_response_alg[0]: \"HS256\" is not a supported algorithm",
        ),
        (
            "/id_token_signed_response_alg",
            json!(["PS256"]),
            "tenant \"acme\": id_token_signed_response_alg: has no algorithm of a key in `keys`",
        ),
        ("/trusted_audiences", json!([]), "tenant \"acme\": trusted_audiences: is empty; at least one is needed"),
        (
            "/refresh",
            json!({ "interval": "500ms" }),
            "tenant \"acme\": refresh.interval: \"500ms\" is out of range; it has to be from 1s to 1day",
        ),
        (
            "/refresh",
            json!({ "interval": "10m", "max_stale": "5m" }),
            "tenant \"acme\": refresh.max_stale: is shorter than `interval`, so sessions would end before they are refreshed",
        ),
        (
            "/refresh",
            json!({ "without_token": "maybe" }),
            "tenant \"acme\": refresh.without_token: has to be `end` or `keep`",
        ),
        (
            "/provider/token_endpoint_auth_method",
            json!("client_secret_jwt"),
            "tenant \"acme\": provider.token_endpoint_auth_method: \"client_secret_jwt\" is not supported; use client_secret_basic, client_secret_post, private_key_jwt or none",
        ),
        (
            "/provider/token_endpoint_auth_method",
            json!("private_key_jwt"),
            "tenant \"acme\": provider.token_endpoint_auth_method: needs a `client_key`, and there is none",
        ),
        (
            "/client_key",
            json!({ "pem": PRIVATE }),
            "tenant \"acme\": client_key: cannot be combined with `client_secret`; remove one of them",
        ),
        (
            "/provider/token_endpoint_auth_method",
            json!("none"),
            "tenant \"acme\": provider.token_endpoint_auth_method: is none, but there is a `client_secret`; leave one of them out",
        ),
        (
            "/provider/timeout",
            json!("2m"),
            "tenant \"acme\": provider.timeout: \"2m\" is out of range; it has to be from 100ms to 1m",
        ),
        ("/login", json!({ "scopes": "openid" }), "tenant \"acme\": login.scopes: must be an array, not a string"),
        (
            "/login",
            json!({ "scopes": ["email"] }),
            "tenant \"acme\": login.scopes: lacks \"openid\", without which there is no ID token",
        ),
        (
            "/login",
            json!({ "scopes": ["openid", "a b"] }),
            "tenant \"acme\": login.scopes[1]: \"a b\" is not a scope: printable ASCII without spaces, quotes and backslashes",
        ),
        (
            "/login",
            json!({ "userinfo": true }),
            "tenant \"acme\": provider.userinfo_endpoint: is missing; `login.userinfo` needs it",
        ),
        ("/login", json!({ "prompt": "none" }), "tenant \"acme\": login.prompt: is \"none\", so no user could sign in"),
        (
            "/login",
            json!({ "prompt": "login  consent" }),
            "tenant \"acme\": login.prompt: \"login  consent\" is not a prompt; write it as \"login\" or \"select_account\"",
        ),
        (
            "/login",
            json!({ "max_age": "31d" }),
            "tenant \"acme\": login.max_age: \"31d\" is out of range; it has to be from 0s to 30days",
        ),
        (
            "/login",
            json!({ "acr_values": ["a b"] }),
            "tenant \"acme\": login.acr_values[0]: \"a b\" is not one value: printable ASCII without spaces",
        ),
        ("/login", json!({ "acr_values": [] }), "tenant \"acme\": login.acr_values: is empty; at least one is needed"),
        ("/login", json!({ "claims": "{}" }), "tenant \"acme\": login.claims: must be an object, not a string"),
        (
            "/login",
            json!({ "resource": ["https://api.example#a"] }),
            "tenant \"acme\": login.resource[0]: has a fragment (#...); leave it out",
        ),
        (
            "/login",
            json!({ "parameters": { "max_age": "1" } }),
            "tenant \"acme\": login.parameters: has \"max_age\", which Tenantgate sets itself or has a field for; leave it out",
        ),
        (
            "/login",
            json!({ "parameters": { "login_hint": "@acme.example" } }),
            "tenant \"acme\": login.parameters: has \"login_hint\", which Tenantgate sets itself or has a field for; leave it out",
        ),
        (
            "/login",
            json!({ "login_hint": "" }),
            "tenant \"acme\": login.login_hint: \"\" is not a hint; write it as the issuer wants it, such as \"@acme.example\"",
        ),
        (
            "/login",
            json!({ "login_hint": "a\nb" }),
            "tenant \"acme\": login.login_hint: \"a\\nb\" is not a hint; write it as the issuer wants it, such as \"@acme.example\"",
        ),
        (
            "/login",
            json!({ "parameters": { "ui_locales": 1 } }),
            "tenant \"acme\": login.parameters: \"ui_locales\" has to be a name with a string as its value",
        ),
        ("/login", json!({ "parameters": [] }), "tenant \"acme\": login.parameters: must be an object, not an array"),
        (
            "/login",
            json!({ "callback_path": "/a/../b" }),
            "tenant \"acme\": login.callback_path: \"/a/../b\" is not a plain path; write it as \"/oauth2/callback\"",
        ),
        (
            "/login",
            json!({ "logout_path": "/oauth2/callback" }),
            "tenant \"acme\": login.logout_path: is the same as `callback_path`; each needs its own",
        ),
        (
            "/login",
            json!({ "backchannel_logout_path": "backchannel" }),
            "tenant \"acme\": login.backchannel_logout_path: \"backchannel\" is not a plain path; write it as \"/oauth2/backchannel-logout\"",
        ),
        (
            "/login",
            json!({ "frontchannel_logout_path": "/a?b" }),
            "tenant \"acme\": login.frontchannel_logout_path: \"/a?b\" is not a plain path; write it as \"/oauth2/frontchannel-logout\"",
        ),
        (
            "/login",
            json!({ "frontchannel_logout_path": "/a", "backchannel_logout_path": "/a" }),
            "tenant \"acme\": login.backchannel_logout_path: is the same as `frontchannel_logout_path`; each needs its own",
        ),
        (
            "/login",
            json!({ "frontchannel_logout_path": "/oauth2/logout" }),
            "tenant \"acme\": login.frontchannel_logout_path: is the same as `logout_path`; each needs its own",
        ),
        (
            "/login",
            json!({ "keep_id_token": "yes" }),
            "tenant \"acme\": login.keep_id_token: must be true or false, not a string",
        ),
        (
            "/login",
            json!({ "redirect_uri": "https://evil.example/oauth2/callback" }),
            "tenant \"acme\": login.redirect_uri: is on a host that is not one of this tenant's `hosts`",
        ),
        (
            "/login",
            json!({ "redirect_uri": "https://acme.example/cb" }),
            "tenant \"acme\": login.redirect_uri: has another path than `callback_path`",
        ),
        (
            "/login",
            json!({ "cookie_domain": "example" }),
            "tenant \"acme\": login.cookie_domain: \"example\" is not a domain of at least two labels (\"acme.example\")",
        ),
        (
            "/login",
            json!({ "cookie_domain": "globex.example" }),
            "tenant \"acme\": login.cookie_domain: \"acme.example\" is not within \"globex.example\", so browsers would refuse its cookies",
        ),
        (
            "/login",
            json!({ "timeout": "1s" }),
            "tenant \"acme\": login.timeout: \"1s\" is out of range; it has to be from 1m to 1h",
        ),
        (
            "/sessions_not_before",
            json!("25 November"),
            "tenant \"acme\": sessions_not_before: \"25 November\" is not a time; write it as \"2026-11-25T08:30:00Z\"",
        ),
        (
            "/csrf",
            json!({ "trusted_origins": ["https://app.acme.example/"] }),
            "tenant \"acme\": csrf.trusted_origins[0]: \"https://app.acme.example/\" is not an origin; write it as \"https://app.acme.example\"",
        ),
        (
            "/csrf",
            json!({ "trusted_origins": ["https://APP.acme.example:443/x?y"] }),
            "tenant \"acme\": csrf.trusted_origins[0]: \"https://APP.acme.example:443/x?y\" is not an origin; write it as \"https://app.acme.example\"",
        ),
        (
            "/csrf",
            json!({ "trusted_origins": ["http://app.acme.example"] }),
            "tenant \"acme\": csrf.trusted_origins[0]: is an http URL; use https, or set `allow_insecure_issuer: true` for development",
        ),
        (
            "/csrf",
            json!({ "trusted_origins": ["null"] }),
            "tenant \"acme\": csrf.trusted_origins[0]: is not an absolute URL; write it as \"https://host/path\"",
        ),
        (
            "/csrf",
            json!({ "trusted_origins": ["https://*.acme.example"] }),
            "tenant \"acme\": csrf.trusted_origins[0]: \"https://*.acme.example\" has a wildcard; name each origin",
        ),
        (
            "/csrf",
            json!({ "trusted_origins": [] }),
            "tenant \"acme\": csrf.trusted_origins: is empty; at least one is needed",
        ),
        ("/bearer", json!({}), "tenant \"acme\": bearer.audiences: is missing"),
        ("/bearer", json!({ "audiences": [] }), "tenant \"acme\": bearer.audiences: is empty; at least one is needed"),
        (
            "/bearer",
            json!({ "audiences": [""] }),
            "tenant \"acme\": bearer.audiences[0]: is empty; give the audience that tokens for this service have",
        ),
        (
            "/bearer",
            json!({ "audiences": ["a"], "scopes": ["a b"] }),
            "tenant \"acme\": bearer.scopes[0]: \"a b\" is not a scope: printable ASCII without spaces, quotes and backslashes",
        ),
        (
            "/bearer",
            json!({ "audiences": ["a"], "claims": { "tier": [] } }),
            "tenant \"acme\": bearer.claims[\"tier\"]: is empty; at least one is needed",
        ),
        (
            "/bearer",
            json!({ "audiences": ["a"], "claims": { "tier": ["gold", ""] } }),
            "tenant \"acme\": bearer.claims[\"tier\"][1]: is empty; give a value that the claim has to have",
        ),
        (
            "/bearer",
            json!({ "audiences": ["a"], "claims": { "tier": 1 } }),
            "tenant \"acme\": bearer.claims[\"tier\"]: must be a string, not a number",
        ),
        (
            "/bearer",
            json!({ "audiences": ["a"], "claims": { "": "gold" } }),
            "tenant \"acme\": bearer.claims[\"\"]: has an empty name; give the name of a claim",
        ),
        ("/identity", json!({ "user": "" }), "tenant \"acme\": identity.user: is empty; give the name of a claim"),
        (
            "/identity",
            json!({ "groups": 1 }),
            "tenant \"acme\": identity.groups: must be the name of a claim, or a list of names that leads to it",
        ),
        ("/identity", json!({ "groups": [] }), "tenant \"acme\": identity.groups: is empty; at least one is needed"),
        (
            "/identity",
            json!({ "email": ["a", ""] }),
            "tenant \"acme\": identity.email[1]: is empty; give the name of a claim",
        ),
        (
            "/identity",
            json!({ "group_field": "" }),
            "tenant \"acme\": identity.group_field: is empty; give the name of the field that names a group",
        ),
        (
            "/identity",
            json!({ "group_prefix": 1 }),
            "tenant \"acme\": identity.group_prefix: must be a string, not a number",
        ),
        ("/roles", json!({}), "tenant \"acme\": roles: must be an array, not an object"),
        ("/roles", json!([{ "groups": ["a"] }]), "tenant \"acme\": roles[0].name: is missing"),
        (
            "/roles",
            json!([{ "name": "a,b", "groups": ["a"] }]),
            "tenant \"acme\": roles[0].name: \"a,b\" is not a role name: 1 to 63 letters, digits, \"-\", \"_\", \".\" and \":\"",
        ),
        (
            "/roles",
            json!([{ "name": "a" }]),
            "tenant \"acme\": roles[0]: selects no user; give it `users`, `emails` or `groups`",
        ),
        (
            "/roles",
            json!([{ "name": "a", "groups": [] }]),
            "tenant \"acme\": roles[0].groups: is empty; at least one is needed",
        ),
        (
            "/roles",
            json!([{ "name": "a", "users": ["x", ""] }]),
            "tenant \"acme\": roles[0].users[1]: is empty; an empty name matches no user",
        ),
        (
            "/roles",
            json!([{ "name": "a", "users": ["x"] }, { "name": "a", "groups": ["y"] }]),
            "tenant \"acme\": roles[1]: another role has the name \"a\", too; put the grants of both into one",
        ),
        (
            "/access",
            json!([{ "paths": ["/"] }]),
            "tenant \"acme\": access[0]: has neither `allow` nor `deny`; give one of them",
        ),
        (
            "/access",
            json!([{ "allow": "public", "deny": true }]),
            "tenant \"acme\": access[0]: has both `allow` and `deny`; give one of them",
        ),
        (
            "/access",
            json!([{ "deny": false }]),
            "tenant \"acme\": access[0].deny: is false, which has no effect; set it to true, or give `allow` instead",
        ),
        ("/access", json!([{ "deny": "yes" }]), "tenant \"acme\": access[0].deny: must be true or false, not a string"),
        (
            "/access",
            json!([{ "allow": "everybody" }]),
            "tenant \"acme\": access[0].allow: \"everybody\" is not one of \"public\", \"any_user\"",
        ),
        (
            "/access",
            json!([{ "allow": true }]),
            "tenant \"acme\": access[0].allow: must be \"public\", \"any_user\" or an object",
        ),
        (
            "/access",
            json!([{ "allow": {} }]),
            "tenant \"acme\": access[0].allow: allows no user; give `users`, `emails`, `email_domains`, `groups`, `roles`, `scopes` or `claims`, or write \"any_user\"",
        ),
        (
            "/access",
            json!([{ "allow": { "all_of": {} } }]),
            "tenant \"acme\": access[0].allow.all_of: is empty; give `groups`, `roles`, `scopes` or `claims`, or leave it out",
        ),
        (
            "/access",
            json!([{ "allow": { "groups": [] } }]),
            "tenant \"acme\": access[0].allow.groups: is empty; at least one is needed",
        ),
        (
            "/access",
            json!([{ "allow": { "emails": [""] } }]),
            "tenant \"acme\": access[0].allow.emails[0]: is empty; an empty name matches no user",
        ),
        (
            "/access",
            json!([{ "allow": { "roles": ["admin"] } }]),
            "tenant \"acme\": access[0].allow.roles[0]: \"admin\" is not one of this tenant's `roles`",
        ),
        (
            "/access",
            json!([{ "allow": { "scopes": ["a b"] } }]),
            "tenant \"acme\": access[0].allow.scopes[0]: \"a b\" is not a scope: printable ASCII without spaces, quotes and backslashes",
        ),
        (
            "/access",
            json!([{ "allow": { "claims": [{ "values": ["x"] }] } }]),
            "tenant \"acme\": access[0].allow.claims[0].claim: is missing; give the name of a claim",
        ),
        (
            "/access",
            json!([{ "allow": { "claims": [{ "claim": "acr" }] } }]),
            "tenant \"acme\": access[0].allow.claims[0].values: is missing; list the accepted values",
        ),
        (
            "/access",
            json!([{ "allow": { "claims": [{ "claim": "acr", "values": [] }] } }]),
            "tenant \"acme\": access[0].allow.claims[0].values: is empty; at least one is needed",
        ),
        (
            "/access",
            json!([{ "allow": { "claims": [{ "claim": "acr", "values": [2] }] } }]),
            "tenant \"acme\": access[0].allow.claims[0].values[0]: must be a string, true or false",
        ),
        (
            "/access",
            json!([{ "allow": { "claims": [{ "claim": "acr", "values": [""] }] } }]),
            "tenant \"acme\": access[0].allow.claims[0].values[0]: is empty; an empty claim matches nothing",
        ),
        (
            "/access",
            json!([{ "paths": [], "deny": true }]),
            "tenant \"acme\": access[0].paths: is empty; at least one is needed",
        ),
        (
            "/access",
            json!([{ "paths": ["admin"], "deny": true }]),
            "tenant \"acme\": access[0].paths[0]: \"admin\" is not a path: it has to begin with \"/\"",
        ),
        (
            "/access",
            json!([{ "paths": ["/a*b"], "deny": true }]),
            "tenant \"acme\": access[0].paths[0]: \"/a*b\" is not a path: \"*\" stands for a segment (\"/a/*/b\"), for the rest of one (\"/a*\") or, at the end, for everything below (\"/a/*\")",
        ),
        (
            "/access",
            json!([{ "paths": ["/a%20b"], "deny": true }]),
            "tenant \"acme\": access[0].paths[0]: \"/a%20b\" is not a path: write the path decoded, without query and fragment",
        ),
        (
            "/access",
            json!([{ "paths": ["/a/../b"], "deny": true }]),
            "tenant \"acme\": access[0].paths[0]: \"/a/../b\" is not a path: a path with an empty segment, a dot segment, \"\\\", \";\" or a control character is refused before any rule",
        ),
        (
            "/access",
            json!([{ "methods": ["get"], "deny": true }]),
            "tenant \"acme\": access[0].methods[0]: \"get\" is not a method; write it in upper case (\"GET\")",
        ),
        (
            "/access",
            json!([{ "hosts": ["*"], "deny": true }]),
            "tenant \"acme\": access[0].hosts[0]: \"*\" is not a host pattern: a wildcard may only be the first label (\"*.acme.example\")",
        ),
        (
            "/access_default",
            json!("allow"),
            "tenant \"acme\": access_default: \"allow\" is not one of \"any_user\", \"deny\"",
        ),
        (
            "/access",
            json!([]),
            "tenant \"acme\": access: is empty; leave it out to let every user of the tenant in, or write [{deny: true}] to let nobody in",
        ),
        (
            "/identity",
            json!({ "user": "email", "email": "contact" }),
            "tenant \"acme\": identity.user: names the user by an e-mail address, and `email_verified` is about the claim `email` only; write `email` for both `user` and `email`, or set `require_email_verified: false`",
        ),
        (
            "/access",
            json!([{ "client_ips": ["10.0.0.1/8"], "deny": true }]),
            "tenant \"acme\": access[0].client_ips[0]: \"10.0.0.1/8\" names an address within the network; write its first address, with zeros after the prefix",
        ),
        (
            "/access",
            json!([{ "client_ips": ["::ffff:10.0.0.0/104"], "deny": true }]),
            "tenant \"acme\": access[0].client_ips[0]: \"::ffff:10.0.0.0/104\" is a network of IPv4 in the form of IPv6; write it as \"10.0.0.0/8\"",
        ),
        (
            "/access",
            json!([{ "client_ips": ["office"], "deny": true }]),
            "tenant \"acme\": access[0].client_ips[0]: \"office\" is not a network; write it as \"10.0.0.0/8\" or \"2001:db8::/32\"",
        ),
        (
            "/access",
            json!([{ "allow": { "email_domains": ["@acme.example"] } }]),
            "tenant \"acme\": access[0].allow.email_domains[0]: \"@acme.example\" is not a domain: give a DNS name without scheme, port and path (\"acme.example\")",
        ),
        (
            "/path_matching",
            json!("loose"),
            "tenant \"acme\": path_matching: \"loose\" is not one of \"strict\", \"exact\", \"ignore_case\"",
        ),
        ("/access_dry_run", json!("no"), "tenant \"acme\": access_dry_run: must be true or false, not a string"),
        ("/cors_preflight", json!(1), "tenant \"acme\": cors_preflight: must be true or false, not a number"),
        ("/headers", json!({ "user": "x user" }), "tenant \"acme\": headers.user: \"x user\" is not a header name"),
        (
            "/headers",
            json!({ "user": "Cookie" }),
            "tenant \"acme\": headers.user: \"cookie\" has a meaning in HTTP or Envoy; use another name, such as \"x-auth-request-user\"",
        ),
        (
            "/headers",
            json!({ "access_token": "cookie" }),
            "tenant \"acme\": headers.access_token: \"cookie\" has a meaning in HTTP or Envoy; use another name, such as \"x-auth-request-access-token\"",
        ),
        (
            "/headers",
            json!({ "access_token": "authorization", "authorization": "any" }),
            "tenant \"acme\": headers.authorization: is \"any\", but a token of the login is forwarded under the same name; use \"verified\"",
        ),
        (
            "/headers",
            json!({ "access_token": "authorization", "id_token": "Authorization" }),
            "tenant \"acme\": headers.id_token: \"authorization\" is also the name for `access_token`, to a server that reads \"-\" and \"_\" alike",
        ),
        (
            "/headers",
            json!({ "email": "x_auth_request_user" }),
            "tenant \"acme\": headers.email: \"x_auth_request_user\" is also the name for `user`, to a server that reads \"-\" and \"_\" alike",
        ),
        (
            "/pages",
            json!({ "signed_ou": { "title": "T", "message": "M" } }),
            "tenant \"acme\": pages: unknown field \"signed_ou\"; did you mean \"signed_out\"?",
        ),
        ("/pages", json!({ "signed_out": { "title": "T" } }), "tenant \"acme\": pages.signed_out.message: is missing"),
        (
            "/pages",
            json!({ "signed_out": { "title": "", "message": "M" } }),
            "tenant \"acme\": pages.signed_out.title: is empty",
        ),
        ("/pages", json!({ "site_name": "" }), "tenant \"acme\": pages.site_name: is empty"),
        ("/pages", json!({ "labels": { "site": "" } }), "tenant \"acme\": pages.labels.site: is empty"),
        (
            "/pages",
            json!({ "labels": { "sing_in": "x" } }),
            "tenant \"acme\": pages.labels: unknown field \"sing_in\"; did you mean \"sign_in\"?",
        ),
        (
            "/pages",
            json!({ "contact": "mailto:it@acme.example" }),
            "tenant \"acme\": pages.contact: \"mailto:it@acme.example\" is neither an e-mail address nor an https URL",
        ),
        (
            "/pages",
            json!({ "contact": "it@acme.example?cc=evil@acme.example" }),
            "tenant \"acme\": pages.contact: \"it@acme.example?cc=evil@acme.example\" is neither an e-mail address nor an https URL",
        ),
        ("/pages", json!({ "contact": "javascript://x" }), "tenant \"acme\": pages.contact: is not an https URL"),
        (
            "/pages",
            json!({ "logo": "https://acme.example/logo.png" }),
            "tenant \"acme\": pages.logo: is not a data URL of an image; write it as \"data:image/png;base64,...\", with gif, jpeg, png, svg+xml or webp",
        ),
        (
            "/pages",
            json!({ "logo": format!("data:image/png;base64,{}", "A".repeat(16 * 1024)) }),
            "tenant \"acme\": pages.logo: is longer than 16384 bytes; each page has it",
        ),
        (
            "/pages",
            json!({ "colors": { "light": { "accent": "blue" } } }),
            "tenant \"acme\": pages.colors.light.accent: \"blue\" is not a color; write it as \"#0b57d0\"",
        ),
        (
            "/pages",
            json!({ "colors": { "light": { "accent": "#eeeeee" } } }),
            "tenant \"acme\": pages.colors.light.accent: has a contrast of 1.07:1 with `background`; at least 3.00:1 is needed",
        ),
        (
            "/pages",
            json!({ "colors": { "dark": { "background": "#ffffff" } } }),
            "tenant \"acme\": pages.colors.dark.text: has a contrast of 1.24:1 with `background`; at least 4.50:1 is needed",
        ),
    ] {
        let broken = configuration(&[with(tenant(), pointer, value)]);
        let loaded = load_json(&broken).expect(expected);
        let messages: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        assert_eq!(messages, [expected], "{pointer}");
        assert!(!matches!(entry_of(&loaded.runtime, "acme.example"), Some(TenantEntry::Served(_))), "{pointer}");
    }
}

#[test]
fn a_public_client_has_no_secret() {
    let public = with(tenant(), "/client_secret", Value::Null);
    assert_eq!(messages(&configuration(std::slice::from_ref(&public))), <[String; 0]>::default());
    let basic = with(public, "/provider/token_endpoint_auth_method", json!("client_secret_basic"));
    assert_eq!(
        messages(&configuration(&[basic])),
        ["tenant \"acme\": provider.token_endpoint_auth_method: needs a `client_secret`, and there is none"]
    );
}

#[test]
fn a_client_key_is_a_private_key() {
    let keyed = |key: Value| with(with(tenant(), "/client_secret", Value::Null), "/client_key", key);
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    for good in [
        json!({ "pem": PRIVATE, "kid": "k" }),
        json!({ "pem": include_str!("../../tests/vectors/keys/rsa.private.pem"), "audience": "token_endpoint" }),
        json!({ "jwk": jwk.to_string() }),
    ] {
        assert_eq!(messages(&configuration(&[keyed(good)])), <[String; 0]>::default());
    }
    for (key, expected) in [
        (json!({}), "client_key: has to have exactly one of `pem` and `jwk`"),
        (json!({ "pem": PUBLIC }), "client_key.pem: is not a private key that can sign: it is a public key"),
        (
            json!({ "pem": "-----BEGIN RSA PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----" }),
            "client_key.pem: is not a private key that can sign: its PEM is not PKCS#8; convert it (openssl pkcs8 -topk8 -nocrypt)",
        ),
        (
            json!({ "pem": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----" }),
            "client_key.pem: is not a private key that can sign: damaged PKCS#8",
        ),
        (json!({ "jwk": "{" }), "client_key.jwk: is not a private key that can sign: it is not one JSON object"),
        (
            json!({ "jwk": r#"{"kty":"RSA","n":"AA","e":"AQAB","d":"AA"}"# }),
            "client_key.jwk: is not a private key that can sign: a JWK has to be for P-256 or Ed25519; give an RSA key as PEM",
        ),
        (
            json!({ "jwk": with(jwk.clone(), "/x", json!("AAAA")).to_string() }),
            "client_key.jwk: is not a private key that can sign: its public part belongs to another key",
        ),
        (
            json!({ "jwk": with(jwk.clone(), "/d", json!("AAAA")).to_string() }),
            "client_key.jwk: is not a private key that can sign: `d` is missing or of the wrong length",
        ),
        (
            json!({ "pem": PRIVATE, "audience": "us" }),
            "client_key.audience: \"us\" is neither issuer nor token_endpoint",
        ),
    ] {
        assert_eq!(messages(&configuration(&[keyed(key)])), [format!("tenant \"acme\": {expected}")]);
    }
}

#[test]
fn each_kid_names_one_key() {
    let jwk = |kid: &str, x: &str| json!({ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid } });
    let keys = json!([jwk("k", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), { "pem": PUBLIC, "kid": "k" }]);
    let broken = configuration(&[with(tenant(), "/keys", keys)]);
    assert_eq!(messages(&broken), ["tenant \"acme\": keys: two keys have the `kid` \"k\"; a `kid` names one key"]);
}

#[test]
fn several_hosts_need_one_redirect_uri_and_one_cookie_domain() {
    let hosts = with(tenant(), "/hosts", json!(["acme.example", "*.acme.example"]));
    assert_eq!(
        messages(&configuration(std::slice::from_ref(&hosts))),
        [
            "tenant \"acme\": login.redirect_uri: is missing; with a wildcard in `hosts` the one redirect URI has to be named",
            "tenant \"acme\": login.cookie_domain: is missing; with a wildcard in `hosts` cookies have to be shared between the hosts",
        ]
    );
    let login = json!({ "redirect_uri": "https://acme.example/oauth2/callback", "cookie_domain": "acme.example" });
    let loaded = load_json(&configuration(&[with(hosts, "/login", login)])).unwrap();
    assert_eq!(loaded.problems, []);
    assert!(matches!(entry_of(&loaded.runtime, "a.b.acme.example"), Some(TenantEntry::Served(_))));
    let exact = with(tenant(), "/hosts", json!(["acme.example", "b.example"]));
    let login = json!({ "redirect_uri": "https://acme.example/oauth2/callback" });
    assert_eq!(
        messages(&configuration(&[with(exact, "/login", login)])),
        [
            "tenant \"acme\": login.cookie_domain: is missing; with `redirect_uri` and several hosts cookies have to be shared between them"
        ]
    );
}

#[test]
fn an_unknown_field_has_a_place() {
    for (pointer, place) in [
        ("/hots", "tenants[0].hots"),
        ("/a b", "tenants[0].[\"a b\"]"),
        ("/provider/clusters", "tenants[0].provider.clusters"),
        ("/provider/a b", "tenants[0].provider[\"a b\"]"),
        ("/keys/0/jwks_", "tenants[0].keys[0].jwks_"),
    ] {
        let loaded = load_json(&configuration(&[with(tenant(), pointer, json!(1))])).unwrap();
        assert_eq!(loaded.problems.iter().map(ConfigError::place).collect::<Vec<_>>(), [place]);
    }
}

#[test]
fn an_http_issuer_has_to_be_permitted() {
    let text = tenant().to_string().replace("https:", "http:");
    let insecure = with(serde_json::from_str(&text).unwrap(), "/allow_insecure_issuer", json!(true));
    assert_eq!(messages(&configuration(&[insecure])), <[String; 0]>::default());
}

#[test]
fn every_mistake_of_one_load_is_named_at_once() {
    let first = with(with(tenant(), "/issuer", json!(1)), "/keys", json!([{ "pem": PRIVATE }, { "pem": SHORT }]));
    let second = with(with(tenant(), "/name", json!("globex")), "/hosts", json!(["*"]));
    let broken = with(configuration(&[first, second]), "/session/lifetime", json!("1"));
    let expected = [
        "session.lifetime: \"1\" is not a duration; write it as \"8h\", \"30m\" or \"5s\"",
        "tenant \"acme\": issuer: must be a string, not a number",
        "tenant \"acme\": keys[0].pem: is a private key; give the public key only (openssl pkey -in key.pem -pubout), and replace the private one if others saw it",
        "tenant \"acme\": keys[1].pem: RSA modulus has 1024 bits; at least 2048 are required",
        "tenant \"globex\": hosts[0]: \"*\" is not a host pattern: a wildcard may only be the first label (\"*.acme.example\")",
    ];
    assert_eq!(load_json(&broken).unwrap_err().to_string(), expected.join("\n"));
}

#[test]
fn one_broken_tenant_does_not_stop_the_others() {
    let globex = with(with(tenant(), "/name", json!("globex")), "/hosts", json!(["globex.example"]));
    let broken = with(globex, "/client_secret", json!({ "env": "NONE" }));
    let both = configuration(&[tenant(), broken]);
    let loaded = load_json(&both).unwrap();
    assert_eq!(loaded.problems.len(), 1);
    assert!(matches!(entry_of(&loaded.runtime, "acme.example"), Some(TenantEntry::Served(_))));
    assert!(matches!(entry_of(&loaded.runtime, "globex.example"), Some(TenantEntry::Broken(_))));

    let strict = load_json(&with(both, "/strict", json!(true))).unwrap_err();
    assert_eq!(strict.to_string(), "tenant \"globex\": client_secret.env: environment variable \"NONE\" is not set");
}

#[test]
fn no_message_repeats_a_secret() {
    let body: Vec<&str> = PRIVATE.lines().filter(|line| !line.contains("-----")).collect();
    let inline = json!({ "session": { "keys": [{ "id": "a", "key": "czNjcjN0" }] }, "tenants": [with(tenant(), "/client_secret", json!(["s3cr3t"]))] });
    let private = configuration(&[with(tenant(), "/keys/0", json!({ "pem": PRIVATE }))]);
    for message in [messages(&inline), messages(&private)].concat() {
        assert!(!message.contains("czNjcjN0") && !message.contains("s3cr3t"), "{message}");
        assert!(body.iter().all(|line| !message.contains(line)), "{message}");
    }
}

/// Each case is `(headers, message)`, in a configuration with a signed assertion.
#[test]
fn header_names_are_valid_and_unique() {
    for (headers, expected) in [
        (json!({ "user": true }), "headers.user: must be the name of a header, or false"),
        (
            json!({ "user": "x-tenantgate.assertion" }),
            "headers.user: \"x-tenantgate.assertion\" is also the name for `assertion.header`, to a server that reads \"-\" and \"_\" alike",
        ),
        (
            json!({ "claims": { "X-Auth-Request-Roles": "r" } }),
            "headers.claims[\"X-Auth-Request-Roles\"]: \"x-auth-request-roles\" is also the name for `roles`, to a server that reads \"-\" and \"_\" alike",
        ),
        (
            json!({ "claims": { "x-a": "a", "x.a": "b" } }),
            "headers.claims[\"x.a\"]: \"x.a\" is also the name for `claims.x-a`, to a server that reads \"-\" and \"_\" alike",
        ),
        (
            json!({ "claims": { "host": "a" } }),
            "headers.claims[\"host\"]: \"host\" has a meaning in HTTP or Envoy; use another name, such as \"x-auth-request-department\"",
        ),
        (json!({ "claims": { "x-a": "" } }), "headers.claims[\"x-a\"]: is empty; give the name of a claim"),
        (
            json!({ "claims": { "x-a": 1 } }),
            "headers.claims[\"x-a\"]: must be the name of a claim, or a list of names that leads to it",
        ),
        (json!({ "claims": [] }), "headers.claims: must be an object, not an array"),
        (
            json!({ "lists": "tab" }),
            "headers.lists: \"tab\" is not one of \"comma\", \"semicolon\", \"pipe\", \"json\", \"lines\"",
        ),
        (
            json!({ "authorization": "pass" }),
            "headers.authorization: \"pass\" is not one of \"remove\", \"verified\", \"any\"",
        ),
        (json!({ "pass": "x-user" }), "headers.pass: must be an array, not a string"),
        (json!({ "pass": ["x user"] }), "headers.pass[0]: \"x user\" is not a header name"),
        (
            json!({ "pass": ["x-original-url", "Cookie"] }),
            "headers.pass[1]: \"Cookie\" cannot be passed here; see `headers.authorization` and the cookies",
        ),
        (
            json!({ "user": "remote_user", "pass": ["Remote-User"] }),
            "headers.pass[0]: \"Remote-User\" is also the name for `user`; a client must not send it",
        ),
        (
            json!({ "pass": ["x-tenantgate-assertion"] }),
            "headers.pass[0]: \"x-tenantgate-assertion\" is also the name for `assertion.header`; a client must not send it",
        ),
        (
            json!({ "email": false, "pass": ["x_auth_request_email"] }),
            "headers.pass[0]: \"x_auth_request_email\" is a default name of Tenantgate; a client must not send it",
        ),
    ] {
        let configuration = with(configuration(&[with(tenant(), "/headers", headers)]), "/assertion", assertion());
        assert_eq!(messages(&configuration), [format!("tenant \"acme\": {expected}")]);
    }
}

/// Tenants may share an upstream.
#[test]
fn no_tenant_passes_the_header_of_another() {
    let globex = with(with(tenant(), "/name", json!("globex")), "/hosts", json!(["globex.example"]));
    let globex = with(globex, "/headers", json!({ "user": "X-Forwarded-User" }));
    let acme = |pass: &str| with(tenant(), "/headers", json!({ "pass": ["x-user", pass] }));
    let message = "tenant \"acme\": headers.pass: \"x-forwarded-user\" is the name of an identity header of another tenant; \
                   a client must not send it";
    assert_eq!(messages(&configuration(&[acme("x_forwarded_user"), globex.clone()])), [message]);
    assert_eq!(messages(&configuration(&[acme("x-forwarded-email"), globex.clone()])), <[String; 0]>::default());
    // A mistake beside the name changes nothing.
    let globex = with(globex, "/headers", json!({ "user": "X-Forwarded-User", "lists": "words" }));
    let found = messages(&configuration(&[acme("x_forwarded_user"), globex]));
    assert_eq!((found.len(), found[0].as_str()), (2, message), "{found:?}");
}

#[test]
fn the_default_name_of_a_disabled_header_is_available() {
    let headers = json!({ "email": false, "user": "x-auth-request-preferred-username", "claims": { "x-auth-request-email": "upn" } });
    assert_eq!(messages(&configuration(&[with(tenant(), "/headers", headers)])), <[String; 0]>::default());
    let headers = json!({ "user": "x-auth-request-preferred-username" });
    let loaded = load_json(&configuration(&[with(tenant(), "/headers", headers)])).unwrap();
    let Some(TenantEntry::Served(tenant)) = entry_of(&loaded.runtime, "acme.example") else { panic!("not served") };
    assert!(tenant.model.headers.claims.is_empty());
}

fn assertion() -> Value {
    json!({ "keys": [{ "pem": PRIVATE }], "audiences": ["upstream"] })
}

/// Each case is `(pointer, value, message)`.
#[test]
fn a_mistake_in_the_assertion_refuses_the_configuration() {
    let rsa = include_str!("../../tests/vectors/keys/rsa.private.pem");
    let public = "assertion.keys[0].pem: is not a private key that can sign: it is a public key";
    for (pointer, value, expected) in [
        ("/assertion/keys", Value::Null, "assertion.keys: is missing"),
        ("/assertion/keys", json!([]), "assertion.keys: is empty; at least one is needed"),
        ("/assertion/keys/0", json!({}), "assertion.keys[0]: has to have exactly one of `pem` and `jwk`"),
        ("/assertion/keys/0", json!({ "pem": PUBLIC }), public),
        (
            "/assertion/keys/0",
            json!({ "pem": { "env": "NONE" } }),
            "assertion.keys[0].pem.env: environment variable \"NONE\" is not set",
        ),
        ("/assertion/keys/0", json!({ "pem": PRIVATE, "kid": "" }), "assertion.keys[0].kid: is empty"),
        (
            "/assertion/keys/0",
            json!({ "pem": rsa }),
            "assertion.keys[0]: is an RSA key; give one on P-256 or for Ed25519",
        ),
        (
            "/assertion/keys",
            json!([{ "pem": PRIVATE }, { "pem": PRIVATE }]),
            "assertion.keys[1]: has the `kid` of another key; each needs its own",
        ),
        ("/assertion/audiences", json!([]), "assertion.audiences: is empty; at least one is needed"),
        (
            "/assertion/audiences",
            json!(["up", "https://{path}"]),
            "assertion.audiences[1]: \"https://{path}\" is not an audience: a text in which {host} and {tenant} stand for those of the request",
        ),
        ("/assertion/issuer", json!(""), "assertion.issuer: is empty"),
        ("/assertion/lifetime", json!("1d"), "assertion.lifetime: \"1d\" is out of range; it has to be from 30s to 1h"),
        ("/assertion/header", json!("a b"), "assertion.header: \"a b\" is not a header name"),
        (
            "/assertion/jwks_path",
            json!("jwks"),
            "assertion.jwks_path: \"jwks\" is not a plain path; write it as \"/.well-known/tenantgate/jwks.json\"",
        ),
        ("/filter_state", json!(1), "filter_state: must be true or false, not a number"),
        ("/log", json!({ "user": true }), "log: unknown field \"user\"; did you mean \"users\"?"),
        ("/log", json!({ "audit": "yes" }), "log.audit: must be true or false, not a string"),
    ] {
        let configuration = with(configuration(&[tenant()]), "/assertion", assertion());
        assert_eq!(messages(&configuration), <[String; 0]>::default());
        assert_eq!(load_json(&with(configuration, pointer, value)).expect_err(expected).to_string(), expected);
    }
    let configuration = with(configuration(&[tenant()]), "/assertion", assertion());
    let login = json!({ "frontchannel_logout_path": "/front", "backchannel_logout_path": "/back" });
    let configuration = with(configuration, "/tenants/0/login", login);
    for path in ["/oauth2/callback", "/oauth2/logout", "/front", "/back"] {
        assert_eq!(
            messages(&with(configuration.clone(), "/assertion/jwks_path", json!(path))),
            [format!("tenant \"acme\": login: has a path that is `assertion.jwks_path`, too: \"{path}\"")]
        );
    }
}

#[test]
fn a_mistake_in_the_store_refuses_the_configuration() {
    for (etcd, expected) in [
        (json!({}), "store.etcd.cluster: is missing"),
        (
            json!({ "cluster": "e", "prefix": "tenantgate" }),
            "store.etcd.prefix: \"tenantgate\" is not a prefix of keys; write it as \"/tenantgate/\"",
        ),
        (
            json!({ "cluster": "e", "prefix": "/a b/" }),
            "store.etcd.prefix: \"/a b/\" is not a prefix of keys; write it as \"/tenantgate/\"",
        ),
        (
            json!({ "cluster": "e", "username": "u" }),
            "store.etcd: has one of `username` and `password`; give both, or neither for an etcd without users",
        ),
        (
            json!({ "cluster": "e", "password": "p" }),
            "store.etcd: has one of `username` and `password`; give both, or neither for an etcd without users",
        ),
        (
            json!({ "cluster": "e", "interval": "61s" }),
            "store.etcd.interval: \"61s\" is out of range; it has to be from 1s to 1m",
        ),
        (
            json!({ "cluster": "e", "interval": "20s" }),
            "store.etcd.max_staleness: is shorter than two times `interval`, so one late answer would count as none",
        ),
        (
            json!({ "cluster": "e", "when_away": "deny" }),
            "store.etcd.when_away: \"deny\" is not one of \"serve\", \"refuse\"",
        ),
        (json!({ "cluster": "e", "user": "u" }), "unknown field \"user\""),
    ] {
        let mut value = configuration(&[tenant()]);
        value["store"] = json!({ "etcd": etcd });
        let messages = messages(&value);
        assert!(messages.len() == 1 && messages[0].contains(expected), "{messages:?}");
    }
    let mut value = configuration(&[tenant()]);
    value["store"] = json!({});
    assert_eq!(messages(&value), ["store.etcd: is missing"]);
}

/// A tenant is the same, and has the same mistakes, whichever tenant was read before it.
#[test]
fn what_tenants_have_alike_depends_on_nothing_else() {
    let fetched = json!({ "cluster": "issuer", "authorization_endpoint": "https://issuer.example/auth",
        "token_endpoint": "https://issuer.example/token", "jwks_uri": "https://issuer.example/keys" });
    let rules =
        json!([{ "paths": ["/a"], "allow": { "roles": ["admin"], "claims": [{ "claim": "x", "values": ["y"] }] } }]);
    let insecure = ("/allow_insecure_issuer", json!(true));
    let variants: Vec<Vec<(&str, Value)>> = vec![
        vec![],
        vec![insecure.clone()],
        vec![("/headers", json!({ "user": "x-user", "claims": { "x-department": "department" } }))],
        vec![("/headers", json!({ "user": 1, "email": "x-mail" }))],
        vec![("/login", json!({ "timeout": "5m" }))],
        vec![("/login", json!({ "timeout": "5" }))],
        vec![("/login", json!({ "redirect_uri": "https://acme.example/oauth2/callback" }))],
        vec![("/login", json!({ "redirect_uri": "https://x.example/oauth2/callback" }))],
        vec![("/login", json!({ "cookie_domain": "acme.example" }))],
        vec![("/login", json!({ "post_logout_redirect_uri": "http://x.example/" }))],
        vec![("/login", json!({ "post_logout_redirect_uri": "http://x.example/" })), insecure.clone()],
        vec![("/hosts", json!(["acme.example", "b.acme.example"])), ("/login", json!({ "timeout": "5m" }))],
        vec![("/hosts", json!(["*.acme.example"])), ("/login", json!({ "timeout": "5m" }))],
        vec![("/pages", json!({ "site_name": "Site", "contact": "http://x.example/help" }))],
        vec![("/pages", json!({ "site_name": "Site", "contact": "http://x.example/help" })), insecure],
        vec![("/access", rules.clone())],
        vec![("/access", rules.clone()), ("/roles", json!([{ "name": "admin", "groups": ["admins"] }]))],
        vec![("/access", rules), ("/roles", json!([{ "name": "admin", "groups": ["owners"] }]))],
        vec![("/access_default", json!("deny"))],
        vec![("/path_matching", json!("exact"))],
        vec![("/access_dry_run", json!(true)), ("/cors_preflight", json!(true))],
        vec![("/bearer", json!({ "audiences": ["api"] }))],
        vec![("/bearer", json!({ "audiences": [] }))],
        vec![("/identity", json!({ "user": "email" }))],
        vec![("/id_token_signed_response_alg", json!(["RS256"]))],
        vec![("/id_token_signed_response_alg", json!(["RS256"])), ("/provider", fetched.clone())],
        vec![("/id_token_signed_response_alg", json!(["ES256"]))],
        vec![("/keys", Value::Null), ("/provider", fetched)],
        vec![("/keys", Value::Null)],
        vec![("/listen", json!(1))],
    ];
    let acme = |changes: &Vec<(&str, Value)>| {
        changes.iter().fold(tenant(), |tenant, (pointer, value)| with(tenant, pointer, value.clone()))
    };
    let of_acme = |tenants: &[Value]| {
        let loaded = load_json(&configuration(tenants)).unwrap();
        let problems = loaded.problems.into_iter().filter(|problem| problem.tenant() == Some("tenant \"acme\""));
        let messages: Vec<String> = problems.map(|problem| problem.to_string()).collect();
        let served = entry_of(&loaded.runtime, "acme.example").or_else(|| entry_of(&loaded.runtime, "x.acme.example"));
        let model = match served.unwrap() {
            TenantEntry::Served(tenant) => format!("{:?}", tenant.model),
            TenantEntry::Broken(tenant) => format!("{tenant:?}"),
        };
        (messages, model)
    };
    for after in &variants {
        let alone = of_acme(&[acme(after)]);
        for before in &variants {
            let before = serde_json::from_str(&acme(before).to_string().replace("acme", "first")).unwrap();
            assert_eq!(of_acme(&[before, acme(after)]), alone);
        }
    }
}

/// Tenants with the same sections have the same objects in memory.
#[test]
fn what_tenants_have_alike_is_there_once() {
    let other = |name: &str| serde_json::from_str::<Value>(&tenant().to_string().replace("acme", name)).unwrap();
    let loaded = load_json(&configuration(&[tenant(), other("globex")])).unwrap();
    let [TenantEntry::Served(a), TenantEntry::Served(b)] = loaded.runtime.entries() else { panic!("not served") };
    let (a, b) = (&a.model, &b.model);
    assert!(Arc::ptr_eq(&a.headers, &b.headers) && Arc::ptr_eq(&a.identity, &b.identity));
    assert!(Arc::ptr_eq(&a.roles, &b.roles) && Arc::ptr_eq(&a.access, &b.access));
    assert!(Arc::ptr_eq(&a.login, &b.login) && Arc::ptr_eq(&a.pages, &b.pages) && Arc::ptr_eq(&a.keys, &b.keys));
}

/// Also if many before them were not alike.
#[test]
fn what_tenants_have_alike_after_others_is_there_once() {
    let tenants: Vec<Value> = (0..60)
        .map(|number| {
            let tenant = serde_json::from_str(&tenant().to_string().replace("acme", &format!("t{number}"))).unwrap();
            with(tenant, "/keys", json!([{ "pem": include_str!("../../tests/vectors/keys/ec.public.pem"), "kid": format!("key-{}", number.min(40)) }]))
        })
        .collect();
    let loaded = load_json(&configuration(&tenants)).unwrap();
    let keys: Vec<_> = loaded
        .runtime
        .entries()
        .iter()
        .filter_map(|entry| match entry {
            TenantEntry::Served(tenant) => Some(tenant.model.keys.clone()),
            TenantEntry::Broken(_) => None,
        })
        .collect();
    assert_eq!(keys.len(), 60);
    assert!(keys[57..].windows(2).all(|two| Arc::ptr_eq(&two[0], &two[1])));
    assert!(keys[..41].windows(2).all(|two| !Arc::ptr_eq(&two[0], &two[1])));
}

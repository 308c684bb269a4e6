//! The issuer, its endpoints, the client and the hosts.

use super::{IDENTITY, ISSUER, LOGIN, assert_each, assert_one, assert_quiet, findings, with};

/// The base with another issuer for acme, whose endpoints are discovered.
fn issuer(issuer: &str) -> String {
    let (provider, identity) = (super::BASE.find("    provider:").unwrap(), super::BASE.find("    login:").unwrap());
    let text = format!(
        "{}    provider: {{cluster: login_acme, discovery: true}}\n{}",
        &super::BASE[..provider],
        &super::BASE[identity..]
    );
    with(&text, ISSUER, &format!("issuer: {issuer}\n"))
}

#[test]
fn issuers_that_are_not_written_as_in_the_metadata() {
    for (text, code, help) in [
        ("https://a.example/.well-known/openid-configuration", "TG224", "such as \"https://a.example\""),
        ("\"https://a.example \"", "TG224", "write \"https://a.example\""),
        ("https://Login.a.example/x", "TG224", "write \"https://login.a.example/x\""),
        ("https://a.example:443", "TG224", "write \"https://a.example\""),
        ("HTTPS://a.example", "TG224", "write \"https://a.example\""),
        ("https://a.example/{tenantid}", "TG224", "write the issuer exactly as in the metadata"),
        ("https://login.microsoftonline.com/common/v2.0", "TG224", "<tenant id>/v2.0\" with the id of the tenant"),
        ("https://login.microsoftonline.com/{tenantid}/v2.0", "TG224", "write the issuer exactly"),
        ("https://a.example/oauth2/authorize", "TG224", "such as \"https://a.example/oauth2\""),
        ("https://login.microsoftonline.com/acme.example/v2.0", "TG225", "which is a UUID"),
        ("https://login.microsoftonline.com/8c6ac1f0-5d0e-4a2c-9a0e-3f4f0c5f7f11", "TG225", "f7f11/v2.0\""),
        ("https://sts.windows.net/8c6ac1f0-5d0e-4a2c-9a0e-3f4f0c5f7f11", "TG225", "f7f11/\""),
        ("https://accounts.google.com/", "TG225", "write \"https://accounts.google.com\""),
        ("https://acme.auth0.com", "TG225", "write \"https://acme.auth0.com/\""),
        ("https://acme.okta.com/", "TG225", "write \"https://acme.okta.com\""),
        ("https://acme-admin.okta.com", "TG225", "write \"https://acme.okta.com\""),
        (
            "https://acme.okta.com/oauth2/default/v1/authorize",
            "TG225",
            "write \"https://acme.okta.com/oauth2/default\"",
        ),
        ("https://sso.a.example/realms/acme/", "TG225", "write \"https://sso.a.example/realms/acme\""),
        (
            "https://sso.a.example/realms/acme/protocol/openid-connect",
            "TG225",
            "write \"https://sso.a.example/realms/acme\"",
        ),
        ("https://acme.auth.eu-west-1.amazoncognito.com", "TG225", "write \"https://cognito-idp."),
        ("https://github.com", "TG225", "put an OpenID Provider such as dex in front"),
    ] {
        assert_one(&issuer(text), code, text, help);
    }
    assert_eq!(findings(&issuer("https://a.example/")), []);
    assert_eq!(findings(&issuer("https://a.example:8443/auth")), []);
}

#[test]
fn endpoints() {
    let authorization = "authorization_endpoint: https://login.acme.example/auth\n";
    let token = "      token_endpoint: https://login.acme.example/token\n";
    let swapped = "authorization_endpoint: https://login.acme.example/token\n      token_endpoint: https://login.acme.example/auth\n";
    let at = |field: &str, address: &str| format!("      {field}: {address}\n");
    assert_each(&[
        (&format!("{authorization}{token}"), swapped, "TG227", "https://login.acme.example/token", "swap them"),
        (
            token,
            &at("token_endpoint", "https://login.acme.example/auth"),
            "TG227",
            "https://login.acme.example/auth",
            "write the one of the metadata",
        ),
        (
            token,
            &at("token_endpoint", "https://login.acme.example"),
            "TG227",
            "https://login.acme.example",
            "as `token_endpoint`",
        ),
        (
            token,
            &at("token_endpoint", "https://login.acme.example/{tenant}/token"),
            "TG227",
            "https://login.acme.example/{tenant}/token",
            "write the address of the metadata",
        ),
        (
            token,
            &at("token_endpoint", "https://login.acme.example/authorize"),
            "TG227",
            "https://login.acme.example/authorize",
            "as `token_endpoint`",
        ),
        (
            token,
            &at("token_endpoint", "https://login.acme.example/.well-known/openid-configuration"),
            "TG227",
            "https://login.acme.example/.well-known/openid-configuration",
            "write `discovery: true`",
        ),
        (
            token,
            &at("token_endpoint", "https://login.globex.example/token"),
            "TG228",
            "https://login.globex.example/token",
            "write the address of this tenant's issuer",
        ),
        (
            token,
            &at("token_endpoint", "https://login.acme.exmaple/token"),
            "TG228",
            "https://login.acme.exmaple/token",
            "that the metadata of the issuer have",
        ),
        (
            "jwks_uri: https://login.acme.example/keys",
            "jwks_uri: https://keys.example/keys",
            "TG228",
            "https://keys.example/keys",
            "that the metadata of the issuer have",
        ),
        (ISSUER, "issuer: https://other.example\n", "TG228", "https://other.example", "of the same metadata"),
        (
            "jwks_uri: https://login.acme.example/keys",
            "discovery: true",
            "TG229",
            "https://login.acme.example/auth",
            "leave out what is discovered",
        ),
        (
            "cluster: login_acme",
            "cluster: https://login.acme.example",
            "TG230",
            "https://login.acme.example",
            "write the `name` of the cluster",
        ),
        (
            "cluster: login_acme",
            "cluster: login.acme.example:443",
            "TG230",
            "login.acme.example:443",
            "write the `name` of the cluster",
        ),
    ]);
    assert_quiet(&[
        ("cluster: login_acme", "cluster: outbound|443||login.acme.example"),
        (authorization, "authorization_endpoint: https://login.acme.example/oauth2/auth?kc_idp_hint=x\n"),
        ("discovery: true}", "discovery: true, authorization_endpoint: \"https://login.globex.example/auth?a=b\"}"),
    ]);
}

/// A provider whose endpoints are at hosts of its own.
#[test]
fn endpoints_at_the_other_hosts_of_a_provider() {
    let text = issuer("https://accounts.google.com")
        .replace("client_id: tenantgate", "client_id: 1.apps.googleusercontent.com");
    let text = with(
        &text,
        "login_acme, discovery: true",
        "login_acme, authorization_endpoint: https://accounts.google.com/o/oauth2/v2/auth, token_endpoint: https://oauth2.googleapis.com/token, jwks_uri: https://www.googleapis.com/oauth2/v3/certs",
    );
    let codes: Vec<_> = findings(&text).into_iter().map(|(one, _)| one["code"].as_str().unwrap().to_owned()).collect();
    assert!(!codes.contains(&"TG228".to_owned()), "{codes:?}");
}

#[test]
fn clients_and_hosts() {
    let secret = "    client_secret: {env: ACME_SECRET}\n";
    assert_each(&[
        ("client_id: tenantgate", "client_id: \"tenantgate \"", "TG231", "\"tenantgate \"", "write \"tenantgate\""),
        ("client_id: tenantgate", "client_id: <client-id>", "TG231", "<client-id>", "that the issuer shows"),
        ("client_id: tenantgate", "client_id: YOUR_CLIENT_ID", "TG231", "YOUR_CLIENT_ID", "that the issuer shows"),
        (secret, "", "TG232", "tenantgate", "`provider.token_endpoint_auth_method: none`"),
        ("[acme.example.com]", "[localhost]", "TG239", "localhost", "that stands in the address bar"),
        ("[acme.example.com]", "[127.0.0.1]", "TG239", "127.0.0.1", "that stands in the address bar"),
        ("[acme.example.com]", "[acme]", "TG239", "acme", "that stands in the address bar"),
        ("[acme.example.com]", "[acme_a.example.com]", "TG239", "acme_a.example.com", "that stands in the address bar"),
        ("[acme.example.com]", "[acme.com]", "TG240", "acme.com", "add it"),
        (
            "[acme.example.com]",
            "[acme.example.com, login.acme.example]",
            "TG241",
            "https://login.acme.example/auth",
            "take the host out of `hosts`",
        ),
    ]);
    assert_quiet(&[
        ("client_id: tenantgate", "client_id: my-app"),
        ("[acme.example.com]", "[acme.com, www.acme.com]"),
        ("[acme.example.com]", "[shop.acme.com]"),
    ]);
    let public = with(super::BASE, secret, "")
        .replace("cluster: login_acme\n", "cluster: login_acme\n      token_endpoint_auth_method: none\n");
    assert_eq!(findings(&public), []);
    let behind = with(super::BASE, "[acme.example.com]", "[acme.example.com, login.acme.example]")
        .replace("[/healthz]", "[/healthz, /auth]");
    assert_eq!(findings(&behind), []);
}

#[test]
fn plain_http() {
    let insecure = "    allow_insecure_issuer: true\n";
    assert_each(&[(IDENTITY, insecure, "TG226", "true", "remove it")]);
    let plain = super::BASE.replace("https://login.acme.example", "http://login.acme.example");
    assert_one(&with(&plain, IDENTITY, insecure), "TG226", "true", "use https there");
    for host in ["localhost:8081", "login.acme.localhost", "10.0.0.7", "dex.dex.svc.cluster.local", "dex"] {
        let local = super::BASE.replace("https://login.acme.example", &format!("http://{host}"));
        let local = with(&local, IDENTITY, insecure).replace("[acme.example.com]", "[acme.localhost]");
        assert_eq!(
            findings(&with(&local, LOGIN, "    login: {redirect_uri: http://acme.localhost:8080/oauth2/callback}\n")),
            [],
            "{host}"
        );
    }
}

/// Several issuers share an origin, and the endpoints are those of another one.
#[test]
fn endpoints_of_another_realm() {
    let base = super::BASE.replace("https://login.acme.example", "https://sso.example/realms/acme");
    assert_eq!(findings(&base), []);
    let other = with(&base, "https://sso.example/realms/acme/token", "https://sso.example/realms/globex/token");
    assert_one(&other, "TG228", "https://sso.example/realms/globex/token", "that its metadata have");
}

#[test]
fn issuers_that_browsers_do_not_reach() {
    let inside = super::BASE.replace("https://login.acme.example", "https://keycloak.sso.svc.cluster.local");
    assert_one(&inside, "TG239", "https://keycloak.sso.svc.cluster.local/auth", "that the issuer has for them");
    assert_one(
        &issuer("https://localhost:5556/dex"),
        "TG239",
        "https://localhost:5556/dex",
        "that the issuer has for them",
    );
    let twins = with(super::BASE, "issuer: https://login.globex.example", "issuer: https://login.acme.example/");
    assert_one(&twins, "TG224", "https://login.acme.example/", "of its metadata at both");
}

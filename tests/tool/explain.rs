//! The command `explain`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use super::{KEY, run};

const ENVOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/envoy.yaml");

fn explain(arguments: &[&str]) -> String {
    let (code, output, errors) = run(&[&["explain", ENVOY, "--host", "acme.localhost"], arguments].concat(), "");
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    output
}

#[test]
fn rules_and_headers_are_those_of_the_filter() {
    let head = "tenant \"acme\" has the host acme.localhost\n";
    let rules =
        "access[0] does not match: `paths`\naccess[1] matches: users with role \"admin\"\naccess[2] not asked\n";
    assert_eq!(
        explain(&["/admin/x"]),
        format!(
            "{head}{rules}answered with 302 to http://login-acme.localhost:8081/auth\n  login_started: sent to the issuer\n"
        )
    );
    assert_eq!(
        explain(&["GET", "/admin/x", "--user", "bob", "--groups", "engineers"]),
        format!(
            "{head}{rules}answered with 403\n  access_denied: access[1] does not allow this user on \"/admin/x\": it allows users with role \"admin\"; the user has 1 group\n"
        )
    );
    let ada = ["--user", "ada", "--email", "ada@acme.example", "--groups", "a,platform-admins"];
    assert_eq!(
        explain(&[&["DELETE", "/admin/x"][..], &ada].concat()),
        format!(
            "{head}{rules}forwarded to the upstream, with\n  x-auth-request-tenant: acme\n  x-auth-request-user: ada\n  \
             x-auth-request-email: ada@acme.example\n  x-auth-request-groups: a,platform-admins\n  \
             x-auth-request-roles: admin\nand without cookie\n"
        )
    );
    let spelling = explain(&["/Admin", "--user", "bob"]);
    assert!(spelling.contains("\naccess[1] 400: `:path` has a spelling like a path of access[1]"), "{spelling}");
    let (_, unknown, _) = run(&["explain", ENVOY, "--host", "nobody.example", "/"], "");
    assert!(unknown.starts_with("no tenant has the host nobody.example\nanswered with 404\n"), "{unknown}");
}

/// The claims are read as the tenant configures them, and a login without a user name is refused.
#[test]
fn claims_are_read_as_the_tenant_configures_them() {
    let file = configured(
        "    identity: {user: [a, b], email: mail, groups: groups, group_field: name, require_email_verified: false}\n    \
         headers: {claims: {x-department: department}}\n    access: [{allow: {groups: [staff]}}]\n",
    );
    let path = file.path().to_str().unwrap();
    let claims = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(claims.path(), r#"{"department": "r&d"}"#).unwrap();
    let person =
        ["--user", "ada", "--email", "a@b.example", "--groups", "staff", "--claims", claims.path().to_str().unwrap()];
    let request = ["explain", path, "--host", "acme.example", "/", "--json"];
    let (_, output, errors) = run(&[&request[..], &person].concat(), "");
    let explained: Value = serde_json::from_str(&output).unwrap_or_else(|_| panic!("{output}{errors}"));
    let headers = explained["headers"].as_array().unwrap();
    for (name, value) in
        [("x-auth-request-user", "ada"), ("x-auth-request-email", "a@b.example"), ("x-department", "r&d")]
    {
        assert!(headers.contains(&json!({ "name": name, "value": value })), "{name}: {explained:#}");
    }
    std::fs::write(claims.path(), r#"{"a": {"b": ""}}"#).unwrap();
    let (_, output, _) = run(&[&request[..], &person].concat(), "");
    let explained: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(explained["decision"], "deny", "{explained:#}");
    assert!(output.contains("identity_incomplete"), "{output}");
}

/// A file with the configuration of the other tests, and these lines in its tenant.
fn configured(more: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), format!("{}{more}", super::CONFIGURATION)).unwrap();
    file
}

/// A bearer token with these claims besides good ones, signed with the key of the configuration.
fn token(claims: &Value) -> tempfile::NamedTempFile {
    // RFC 8032 section 7.1, the first test.
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let key = SigningKey::from_bytes(&seed.try_into().unwrap());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut all = json!({
        "iss": "https://issuer.example", "aud": "api", "sub": "robot", "iat": now, "exp": now + 300, "scope": "read write",
    });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(&json!({ "alg": "EdDSA", "typ": "at+jwt" })), encode(&all));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()).to_bytes());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{input}.{signature}\n")).unwrap();
    file
}

#[test]
fn a_token_is_compared_with_what_the_tenant_expects() {
    let file = configured("    bearer: {audiences: [api], scopes: [read], claims: {org: acme}}\n");
    let explain = |claims: Value| {
        let token = token(&claims);
        let paths = [file.path(), token.path()].map(|path| path.to_str().unwrap());
        let (code, output, errors) =
            run(&["explain", paths[0], "--host", "acme.example", "/", "--token", paths[1]], "");
        assert_eq!((code, errors.as_str()), (0, ""), "{output}");
        output
    };
    let good = explain(json!({ "org": "acme" }));
    assert!(good.contains("x-auth-request-user: robot") && !good.contains("does not fit"), "{good}");
    for (claims, line, event) in [
        (json!({ "org": "x" }), "org   x   (expected: one of acme)   <- does not fit", "token_insufficient"),
        (json!({ "aud": "other" }), "aud   other   (expected: one of api)   <- does not fit", "`aud`"),
        (
            json!({ "iss": "https://i" }),
            "iss   https://i   (expected: https://issuer.example)   <- does not fit",
            "`iss`",
        ),
        (json!({ "exp": 1000 }), " s ago   <- does not fit", "`exp` has passed"),
        (
            json!({ "org": "acme", "scope": "write" }),
            "scope write   (expected: read)   <- does not fit",
            "token_insufficient",
        ),
    ] {
        let output = explain(claims);
        assert!(output.contains(line) && output.contains(event), "{line} {event}: {output}");
        assert!(output.contains("answered with 40"), "{output}");
    }
}

#[test]
fn fetched_keys_have_to_be_given_for_a_token() {
    let mut text = super::CONFIGURATION
        .replace("    keys: [{jwk: {kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}}]\n", "");
    let provider = text.find("    provider:").unwrap();
    text.truncate(provider);
    text.push_str("    provider: {cluster: i, discovery: true}\n    bearer: {audiences: [api]}\n");
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let (token, jwks) = (token(&json!({})), tempfile::NamedTempFile::new().unwrap());
    let set = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    std::fs::write(jwks.path(), set).unwrap();
    let paths = [file.path(), token.path(), jwks.path()].map(|path| path.to_str().unwrap());
    let request = ["explain", paths[0], "--host", "acme.example", "/", "--token", paths[1]];
    let (code, _, errors) = run(&request, "");
    assert!(code == 2 && errors.contains("give them with `--jwks FILE`"), "{errors}");
    let (code, output, errors) = run(&[&request[..], &["--jwks", paths[2]]].concat(), "");
    assert!(code == 0 && output.contains("x-auth-request-user: robot"), "{output}{errors}");
}

#[test]
fn a_table_of_cases_tests_the_rules() {
    let cases = tempfile::NamedTempFile::new().unwrap();
    let good = "- {host: acme.localhost, path: /admin/x, user: bob, groups: [engineers], expect: deny}\n\
                - {host: acme.localhost, path: /admin/x, user: ada, groups: [platform-admins], expect: allow,\n   \
                headers: {x-auth-request-roles: admin, x-none: null}}\n\
                - {host: acme.localhost, path: /, expect: login}\n\
                - {host: acme.localhost, path: /, request_headers: {sec-fetch-mode: cors}, expect: 401}\n";
    let run_cases = |text: &str| {
        std::fs::write(cases.path(), text).unwrap();
        run(&["explain", ENVOY, "--cases", cases.path().to_str().unwrap()], "")
    };
    assert_eq!(run_cases(good), (0, "4 passed, 0 failed\n".to_owned(), String::new()));
    let (code, output, _) = run_cases(&format!(
        "{good}- {{host: acme.localhost, path: /healthz, expect: deny}}\n\
         - {{host: acme.localhost, path: /, user: ada, groups: [engineers], expect: allow, headers: {{x-auth-request-user: bob}}}}\n"
    ));
    assert_eq!(code, 1);
    assert!(
        output.contains(":6:3: failed: GET https://acme.localhost/healthz: expected deny, got allow\n"),
        "{output}"
    );
    assert!(output.contains("x-auth-request-user: expected \"bob\", got \"ada\"\n"), "{output}");
    assert!(output.ends_with("4 passed, 2 failed\n"), "{output}");
    let (code, _, errors) = run_cases("- {host: a, path: /, expects: allow}\n");
    assert!(code == 2 && errors.contains(":1:3: unknown field \"expects\""), "{errors}");
}

/// What a person signs in with is opened with the session key.
#[test]
fn a_cookie_needs_the_session_key() {
    let file = configured("");
    let cookie = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(cookie.path(), "__Host-tenantgate-session=a.AAAA\n").unwrap();
    let paths = [file.path(), cookie.path()].map(|path| path.to_str().unwrap());
    let key = format!("KEY={KEY}");
    let request = ["explain", paths[0], "--host", "acme.example", "/", "--cookie", paths[1], "--env", &key];
    let (code, output, _) = run(&request, "");
    assert!(code == 0 && output.contains("session_unreadable"), "{output}");
}

/// A login needs the metadata of the provider, which is not asked.
#[test]
fn a_tenant_that_discovers() {
    let configuration = "session: {keys: [{id: a, env: KEY}]}\ntenants:\n  - {name: acme, hosts: [acme.example], issuer: \
                         \"https://issuer.example\", client_id: gate, client_secret: {env: SECRET}, provider: {cluster: i, \
                         discovery: true}}\n";
    let (code, output, errors) = run(&["explain", "-", "--host", "acme.example", "/x"], configuration);
    assert_eq!((code, errors.as_str()), (0, ""));
    let end = "answered with 302\n  login_started: sent to the issuer, whose metadata name the address\n";
    assert!(output.ends_with(end), "{output}");
}

/// No etcd is asked.
#[test]
fn a_store_changes_nothing() {
    let file = configured("store: {etcd: {cluster: etcd, when_away: refuse}}\n");
    let path = file.path().to_str().unwrap();
    let (code, output, errors) = run(&["explain", path, "--host", "acme.example", "/", "--user", "bob"], "");
    assert!(code == 0 && output.contains("forwarded to the upstream"), "{output} {errors}");
}

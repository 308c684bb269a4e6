//! The command `onboard`.

use serde_json::{Value, json};

use super::run;

/// Each provider with an issuer of it, and what else it needs.
const PROVIDERS: [(&str, &[&str]); 8] = [
    ("auth0", &["--issuer", "https://acme.eu.auth0.com/"]),
    ("dex", &["--issuer", "https://dex.acme.example"]),
    ("entra", &["--issuer", "https://login.microsoftonline.com/8c6ac1f0-5d0e-4a2c-9a0e-3f4f0c5f7f11/v2.0"]),
    ("google", &["--issuer", "https://accounts.google.com", "--domain", "acme.example"]),
    ("keycloak", &["--issuer", "https://sso.acme.example/realms/acme"]),
    ("okta", &["--issuer", "https://acme.okta.com"]),
    ("okta", &["--issuer", "https://acme.okta.com/oauth2/default"]),
    ("other", &["--issuer", "https://login.acme.example"]),
];

fn onboard(arguments: &[&str]) -> String {
    let arguments = [&["onboard", "--host", "acme.example.com"], arguments].concat();
    let (code, output, errors) = run(&arguments, "");
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    output
}

fn refused(arguments: &[&str]) -> String {
    let (code, output, errors) = run(&[&["onboard"], arguments].concat(), "");
    assert_eq!((code, output.as_str()), (2, ""), "{errors}");
    errors
}

/// The configuration as YAML, and its one tenant.
fn yaml(arguments: &[&str]) -> (String, Value) {
    let text = onboard(&[arguments, &["--format", "yaml"]].concat());
    let value: Value = serde_saphyr::from_str(&text).unwrap();
    (text, value["tenants"][0].clone())
}

/// The tenant of each provider is in order alone and in a bootstrap, and on the other platforms
/// where those reach the provider.
#[test]
fn what_is_printed_is_in_order() {
    for (provider, arguments) in PROVIDERS {
        let (text, _) = yaml(arguments);
        let module = ["--module", "/tenantgate.wasm"];
        let renders = [
            vec!["render", "envoy", "-", "--upstream", "reports:8080"],
            [&["render", "istio", "-"][..], &module].concat(),
            [&["render", "envoy-gateway", "-"][..], &module].concat(),
        ];
        let check = |input: &str| run(&["check", "-", "--assume-env", "--deny", "warnings"], input);
        let (code, found, _) = check(&text);
        assert_eq!(code, 0, "{provider}: {found}{text}");
        for render in renders {
            let (code, rendered, errors) = run(&render, &text);
            if provider == "google" && render[1] != "envoy" {
                assert!(errors.contains("reaches one host"), "{errors}");
                continue;
            }
            assert_eq!((code, errors.as_str()), (0, ""), "{provider} {render:?}");
            let (code, found, _) = check(&rendered);
            assert_eq!(code, 0, "{provider} {render:?}: {found}{rendered}");
        }
    }
}

/// The issuer tells the provider, except that of an own server.
#[test]
fn the_provider_is_told_by_the_issuer() {
    for (provider, arguments) in PROVIDERS {
        let named = [arguments, &["--provider", provider]].concat();
        assert_eq!(onboard(arguments), onboard(&named), "{provider}");
    }
    let (_, tenant) = yaml(&["--issuer", "https://login.acme.example", "--provider", "dex"]);
    assert_eq!(tenant["login"]["scopes"], json!(["openid", "profile", "email", "groups"]));
}

/// What the notes about providers in docs/operations.md say.
#[test]
fn the_tenant_fits_its_provider() {
    let of = |provider: &str| yaml(PROVIDERS.iter().find(|(name, _)| *name == provider).unwrap().1).1;
    // `sub` of dex is unreadable, and a SAML connector gives no `preferred_username`.
    assert_eq!(of("dex")["identity"]["user"], "email");
    assert!(of("dex")["login"].get("post_logout_redirect_uri").is_none());
    // A new realm refuses the scope `groups`.
    assert_eq!(of("keycloak")["login"]["scopes"], json!(["openid", "profile", "email"]));
    assert_eq!(of("keycloak")["login"]["backchannel_logout_path"], "/oauth2/backchannel-logout");
    assert_eq!(of("auth0")["identity"]["groups"], "https://acme.example.com/groups");
    let google = of("google");
    let origins = google["provider"]["trusted_origins"].as_array().unwrap();
    let operations = include_str!("../../docs/operations.md");
    let listed: Vec<&str> = origins.iter().map(|origin| origin.as_str().unwrap()).collect();
    assert!(operations.contains(&format!("| Google | `https://accounts.google.com` | `[{}]`", listed.join(", "))));
    assert_eq!(google["access"], json!([{ "allow": { "claims": [{ "claim": "hd", "values": ["acme.example"] }] } }]));
    // Only the authorization server of an organization knows the scope.
    let (_, organization) = yaml(PROVIDERS[5].1);
    let (_, server) = yaml(PROVIDERS[6].1);
    assert_eq!(organization["login"]["scopes"], json!(["openid", "profile", "email", "groups"]));
    assert_eq!(server["login"]["scopes"], json!(["openid", "profile", "email"]));
}

/// What people copy is not always the issuer. What is changed is said.
#[test]
fn the_issuer_is_the_one_of_the_tokens() {
    let (text, tenant) = yaml(&["--issuer", "https://acme.eu.auth0.com/.well-known/openid-configuration"]);
    assert_eq!(tenant["issuer"], "https://acme.eu.auth0.com/");
    assert!(text.contains("# Note: the issuer of Auth0 ends with a slash.\n"), "{text}");
    let errors = refused(&["--host", "a.example", "--issuer", "https://login.microsoftonline.com/common/v2.0"]);
    assert!(errors.contains("names no directory"), "{errors}");
    let errors = refused(&["--host", "a.example", "--issuer", "https://accounts.google.com"]);
    assert!(errors.contains("--domain acme.example"), "{errors}");
    let (_, tenant) = yaml(&["--issuer", "http://localhost:5556/dex"]);
    assert_eq!(tenant["allow_insecure_issuer"], true);
}

#[test]
fn hosts_decide_about_addresses() {
    let keycloak = PROVIDERS[4].1;
    let sheet = |more: &[&str]| onboard(&[keycloak, more, &["--format", "sheet"]].concat());
    let uri = |host: &str| format!("| redirect URI | `https://{host}/oauth2/callback` |");
    let two = sheet(&["--host", "www.acme.example.com"]);
    assert!(two.contains(&uri("acme.example.com")) && two.contains(&uri("www.acme.example.com")), "{two}");
    let below = ["--host", "*.acme.example.com"];
    let (_, tenant) = yaml(&[keycloak, &below].concat());
    assert_eq!(tenant["login"]["redirect_uri"], "https://acme.example.com/oauth2/callback");
    assert_eq!(tenant["login"]["cookie_domain"], "acme.example.com");
    assert_eq!(sheet(&below).matches("| redirect URI |").count(), 1);
    let errors = refused(&[keycloak, &below].concat());
    assert!(errors.contains("name one besides the wildcard"), "{errors}");
    let errors = refused(&[keycloak, &below, &["--host", "other.example"]].concat());
    assert!(errors.contains("has to be acme.example.com or below it"), "{errors}");
    let errors = refused(&[keycloak, &["--host", "acme example"]].concat());
    assert!(errors.contains("\"acme example\": "), "{errors}");
}

#[test]
fn names_follow_the_host_or_are_given() {
    let dex = PROVIDERS[1].1;
    let (_, tenant) = yaml(dex);
    assert_eq!((&tenant["name"], &tenant["client_id"]), (&json!("acme"), &json!("tenantgate")));
    assert_eq!(tenant["client_secret"], json!({ "env": "ACME_CLIENT_SECRET" }));
    let (_, tenant) = yaml(&[dex, &["--name", "3m-europe", "--client-id", "gate"]].concat());
    assert_eq!((&tenant["name"], &tenant["client_id"]), (&json!("3m-europe"), &json!("gate")));
    assert_eq!(tenant["client_secret"], json!({ "env": "_3M_EUROPE_CLIENT_SECRET" }));
    assert_eq!(tenant["provider"]["cluster"], "dex_3m-europe");
    let errors = refused(&[dex, &["--host", "a.example", "--name", "a b"]].concat());
    assert!(errors.contains("name: "), "{errors}");
}

/// The operator gets all parts: tenant, cluster, variables, registration.
#[test]
fn the_text_has_every_part() {
    let text = onboard(PROVIDERS[4].1);
    for part in [
        "1. The tenant, an element of `tenants`\n\n  - name: acme\n    hosts: [acme.example.com]\n",
        "\n\n2. The cluster of Envoy, an element of `static_resources.clusters`\n\n  - name: keycloak_acme\n",
        "\n        sni: sso.acme.example\n",
        "\n\n3. The variables of Envoy, which `host_env_keys` hands to the filter\n\n  TENANTGATE_SESSION_KEY  what",
        "\n  ACME_CLIENT_SECRET      the secret",
        "\n\n4. What to register at Keycloak\n\n  redirect URI              https://acme.example.com/oauth2/callback\n",
        "\n  back-channel logout URI   https://acme.example.com/oauth2/backchannel-logout (session required)\n",
        "\n  scopes                    openid profile email\n",
        "\n  claim of the groups       groups (in the ID token, a list of names)\n  1) Create",
    ] {
        assert!(text.contains(part), "{part:?}\n{text}");
    }
    let google = onboard(PROVIDERS[3].1);
    assert!(
        google.contains("server_listener_name: google_acme}") && google.contains("internal_listener: {}"),
        "{google}"
    );
    assert!(google.contains("envoy.bootstrap.internal_listener"));
}

/// The customer gets what to register and what to send back, and nothing of the operator.
#[test]
fn the_sheet_is_for_the_customer() {
    for (provider, arguments) in PROVIDERS {
        let sheet = onboard(&[arguments, &["--format", "sheet"]].concat());
        assert!(sheet.starts_with("# Sign-in at acme.example.com with "), "{sheet}");
        for part in
            ["`https://acme.example.com/oauth2/callback`", "\n1. ", "- the client secret, by a channel", arguments[1]]
        {
            assert!(sheet.contains(part), "{provider}: {part}\n{sheet}");
        }
        for foreign in ["CLIENT_SECRET", "cluster", "SESSION_KEY"] {
            assert!(!sheet.contains(foreign), "{provider}: {foreign}\n{sheet}");
        }
        assert_eq!(sheet.contains("names of the groups"), provider != "google");
    }
}

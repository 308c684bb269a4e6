//! What the guides say of configurations and of this tool.

use std::io::Write as _;

use serde_json::{Value, json};

use super::run;

const HOSTED: &str = include_str!("../../docs/guides/hosted-providers.md");
const FROM_PROXY: &str = include_str!("../../docs/guides/migrate-from-oauth2-proxy.md");
const FROM_ENVOY: &str = include_str!("../../docs/guides/migrate-from-envoy-oauth2.md");

fn blocks<'a>(guide: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    guide.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// A part of a tenant as a whole configuration.
fn whole(part: &str) -> String {
    let mut tenant: Value = serde_saphyr::from_str(part).unwrap();
    let defaults = json!({ "name": "acme", "hosts": ["acme.example.com"] });
    for (name, value) in defaults.as_object().unwrap() {
        tenant.as_object_mut().unwrap().entry(name).or_insert_with(|| value.clone());
    }
    let keys = json!({ "keys": [{ "id": "a", "env": "KEY" }] });
    json!({ "session": keys, "tenants": [tenant] }).to_string()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn explain(configuration: &str, arguments: &[&str]) -> String {
    let file = file(configuration);
    let path = file.path().to_str().unwrap();
    let (_, output, errors) = run(&[&["explain", path, "--host", "acme.example.com"], arguments].concat(), "");
    assert_eq!(errors, "");
    output
}

#[track_caller]
fn is_in_order(configuration: &str) {
    let (code, output, _) = run(&["check", "-", "--assume-env", "--deny", "warnings"], configuration);
    assert_eq!(code, 0, "{output}");
}

/// The user of each provider gets in with the claims beside the configuration, and one without the
/// claim that the rule is about does not.
#[test]
fn hosted_providers_have_claims_that_fit_their_configuration() {
    let (parts, claims) = (blocks(HOSTED, "yaml"), blocks(HOSTED, "json"));
    assert_eq!((parts.len(), claims.len()), (5, 5));
    for (part, claims) in parts.into_iter().zip(claims) {
        let configuration = whole(part);
        is_in_order(&configuration);
        let mut claims: Value = serde_json::from_str(claims).unwrap();
        let tenant: Value = serde_saphyr::from_str(part).unwrap();
        assert_eq!(claims["iss"], tenant["issuer"]);
        let answer = |claims: &Value| {
            let claims = file(&claims.to_string());
            explain(&configuration, &["GET", "/", "--claims", claims.path().to_str().unwrap()])
        };
        let forwarded = answer(&claims);
        let user = claims[tenant["identity"]["user"].as_str().unwrap()].as_str().unwrap();
        assert!(forwarded.contains(&format!("x-auth-request-user: {user}\n")), "{forwarded}");
        let groups = tenant["identity"]["groups"].as_str().unwrap_or("groups");
        let decides = if claims.get("hd").is_some() { "hd" } else { groups };
        claims.as_object_mut().unwrap().remove(decides).unwrap();
        assert!(answer(&claims).contains("answered with 403\n  access_denied: "), "{part}");
    }
}

#[test]
fn a_user_of_entra_id_with_too_many_groups_is_refused() {
    let configuration = whole(blocks(HOSTED, "yaml")[0]);
    for sign in [json!({ "_claim_names": { "groups": "src1" } }), json!({ "hasgroups": true })] {
        let claims = file(&sign.to_string());
        let answer =
            explain(&configuration, &["GET", "/", "--user", "ada", "--claims", claims.path().to_str().unwrap()]);
        let reason = "claim `groups` was left out by the issuer, because the user has too many groups";
        assert!(answer.contains(reason), "{answer}");
        assert!(HOSTED.split_whitespace().collect::<Vec<_>>().join(" ").contains(reason));
    }
}

/// Both conditions have to be met, and of several groups one.
#[test]
fn rules_for_the_options_of_oauth2_proxy() {
    let configuration = blocks(FROM_PROXY, "yaml")[0];
    is_in_order(configuration);
    let person = |email: &str, groups: &str| {
        explain(configuration, &["GET", "/reports", "--user", "bob", "--email", email, "--groups", groups])
    };
    for groups in ["engineers", "platform-admins"] {
        let answer = person("bob@acme.example", groups);
        assert!(
            answer.contains("forwarded to the upstream") && answer.contains("x-forwarded-access-token: "),
            "{answer}"
        );
    }
    for (email, groups) in [("bob@acme.example", "sales"), ("bob@other.example", "engineers")] {
        assert!(person(email, groups).contains("answered with 403"), "{email} {groups}");
    }
    for (method, path, expected) in [
        ("GET", "/healthz", "forwarded to the upstream"),
        ("POST", "/healthz", "answered with 401"),
        ("POST", "/static/app.js", "forwarded to the upstream"),
        ("GET", "/reports", "answered with 302"),
    ] {
        assert!(explain(configuration, &[method, path]).contains(expected), "{method} {path}");
    }
    is_in_order(&whole(blocks(FROM_ENVOY, "yaml")[0]));
}

/// Whether the schema has the field at a path such as `access[].allow.groups`, of the top level or
/// of a tenant.
fn exists(schema: &Value, path: &str) -> bool {
    let step = |node: &Value, name: &str| {
        let field = node["properties"].get(name.trim_end_matches("[]"))?;
        Some(if name.ends_with("[]") { field["items"].clone() } else { field.clone() })
    };
    [schema, &schema["$defs"]["tenant"]]
        .iter()
        .any(|top| path.split('.').try_fold((*top).clone(), |node, name| step(&node, name)).is_some())
}

#[test]
fn every_field_that_replaces_an_option_exists() {
    let schema: Value = serde_json::from_str(include_str!("../../src/config/schema.json")).unwrap();
    for guide in [FROM_PROXY, FROM_ENVOY] {
        let rows: Vec<&str> = guide.lines().filter(|line| line.starts_with("| `")).collect();
        assert!(rows.len() > 30);
        for row in rows {
            let ours = row.split(" | ").nth(1).unwrap();
            let field = ours.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
            assert!(field.map_or(ours == "none", |field| exists(&schema, field)), "{row}");
        }
    }
}

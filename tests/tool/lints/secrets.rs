//! Secrets. No output has one.

use serde_json::Value;

use super::super::run;
use super::{BASE, assert_each, assert_one, assert_quiet, with};

const SECRET: &str = "client_secret: {env: ACME_SECRET}";
/// Random bytes that are not secret.
const KEY: &str = "EcgDYzYIjPohWwe0QskO+h1Ud6Mw3gVNvj2ACfSYJEc=";

#[test]
fn secrets_in_the_file() {
    let secret = |text: &str| format!("client_secret: {text}");
    let key = format!("key: {KEY}");
    let pem = "client_key: {pem: \"-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\\n-----END PRIVATE KEY-----\"}";
    let pointed = pem.strip_prefix("client_key: {pem: ").unwrap().strip_suffix('}').unwrap();
    assert_each(&[
        (SECRET, &secret("Zq8aQ9fx"), "TG234", "Zq8aQ9fx", "write `{env: NAME}`"),
        (SECRET, pem, "TG234", pointed, "write `{env: NAME}`"),
        ("env: SESSION_KEY", &key, "TG234", KEY, "write `env: NAME`"),
        (SECRET, &secret("\"Zq8 aQ9fx\""), "TG233", "\"Zq8 aQ9fx\"", "or better `{env: NAME}`"),
        (SECRET, &secret("\"Zq8aQ9fx \""), "TG233", "\"Zq8aQ9fx \"", "or better `{env: NAME}`"),
        (SECRET, &secret("\"${ACME_SECRET}\""), "TG233", "\"${ACME_SECRET}\"", "write `{env: ACME_SECRET}`"),
        (
            SECRET,
            "client_secret: {env: $ACME_SECRET}",
            "TG233",
            "$ACME_SECRET",
            "write the name alone: `{env: ACME_SECRET}`",
        ),
        (SECRET, &secret("$ACME_SECRET"), "TG233", "$ACME_SECRET", "write `{env: NAME}`"),
        (SECRET, &secret("\"{{ .Values.secret }}\""), "TG233", "\"{{ .Values.secret }}\"", "write `{env: NAME}`"),
        (SECRET, &secret("env:ACME_SECRET"), "TG233", "env:ACME_SECRET", "write `{env: NAME}`"),
        (SECRET, &secret("/run/secrets/acme"), "TG233", "/run/secrets/acme", "write `{env: NAME}`"),
        (SECRET, &secret("ACME_CLIENT_SECRET"), "TG233", "ACME_CLIENT_SECRET", "write `{env: NAME}`"),
        (SECRET, &secret("change-me"), "TG233", "change-me", "set that variable to the secret"),
        (SECRET, &secret("<secret>"), "TG233", "<secret>", "set that variable to the secret"),
        (SECRET, &secret("xxxxxxxx"), "TG233", "xxxxxxxx", "set that variable to the secret"),
        (SECRET, &secret("Zq8 #aQ9fx"), "TG233", "Zq8", "quote it"),
        (SECRET, &secret("tenantgate"), "TG233", "tenantgate", "that the issuer shows"),
    ]);
    let manifest = include_str!("../../../envoy/istio.yaml");
    let fixed =
        with(manifest, "{name: ACME_CLIENT_SECRET, valueFrom: HOST}", "{name: ACME_CLIENT_SECRET, value: Zq8aQ9fx}");
    assert_one(&fixed, "TG234", "ACME_CLIENT_SECRET", "`valueFrom: HOST`");
    let unfit =
        with(manifest, "{name: ACME_CLIENT_SECRET, valueFrom: HOST}", "{name: ACME_CLIENT_SECRET, value: changeme}");
    let codes: Vec<_> = super::findings(&unfit).iter().map(|(one, _)| one["code"].clone()).collect();
    assert_eq!(codes, ["TG233"]);
    assert_quiet(&[(SECRET, "client_secret: {env: ACME_SECRET} # from the vault")]);
}

/// What a check says with these values of variables.
fn with_values(text: &str, secret: &str, key: &str) -> Vec<Value> {
    let variables = [format!("SESSION_KEY={key}"), format!("ACME_SECRET={secret}"), "GLOBEX_SECRET=Yt2bR7".to_owned()];
    let mut arguments = vec!["check", "-", "--format", "json"];
    variables.iter().for_each(|variable| arguments.extend(["--env", variable]));
    let (_, output, errors) = run(&arguments, text);
    assert!(secret.len() < 6 || !format!("{output}{errors}").contains(secret), "{output}");
    let report: Value = serde_json::from_str(&output).unwrap_or_else(|_| panic!("{output}{errors}"));
    report["diagnostics"].as_array().unwrap().clone()
}

#[test]
fn values_of_variables() {
    assert_eq!(with_values(BASE, "Zq8aQ9fx", KEY), [] as [Value; 0]);
    for (value, help) in [
        ("changeme", "that the issuer shows"),
        (" Zq8aQ9fx", "without a line break"),
        ("Zq8 aQ9fx", "without a line break"),
        ("\"Zq8aQ9fx\"", "without a line break or quotes"),
        ("${ACME_SECRET}", "set the variable to the secret itself"),
        ("tenantgate", "that the issuer shows"),
    ] {
        let found = with_values(BASE, value, KEY);
        let [one] = &found[..] else { panic!("{value}: {found:#?}") };
        assert_eq!((&one["code"], &one["path"]), (&"TG233".into(), &"client_secret.env".into()), "{value}");
        assert!(one["help"].as_str().unwrap().contains(help), "{one:#}");
    }
    // The filter refuses it as well.
    let found = with_values(BASE, "Zq8aQ9fx\n", KEY);
    let [one] = &found[..] else { panic!("{found:#?}") };
    assert_eq!((&one["code"], &one["path"]), (&"TG013".into(), &"client_secret".into()));
    assert!(one["help"].as_str().unwrap().contains("remove it"), "{one:#}");
    // Without their values, variables count as set, whatever they hold.
    let arguments = ["check", "-", "--assume-env", "--env", "ACME_SECRET=changeme", "--format", "json"];
    assert!(run(&arguments, BASE).1.contains("\"warnings\": 0"));
    let entra = with(
        BASE,
        super::ISSUER,
        "issuer: https://login.microsoftonline.com/8c6ac1f0-5d0e-4a2c-9a0e-3f4f0c5f7f11/v2.0\n",
    );
    let found = with_values(&entra, "0a1b2c3d-1111-2222-3333-444455556666", KEY);
    assert!(
        found.iter().any(|one| one["code"] == "TG233" && one["help"].as_str().unwrap().contains("the column Value")),
        "{found:#?}"
    );
}

#[test]
fn session_keys() {
    for key in ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "bXktMzItY2hhcmFjdGVyLXBhc3NwaHJhc2UtMTIzNCE="] {
        let found = with_values(BASE, "Zq8aQ9fx", key);
        let [one] = &found[..] else { panic!("{found:#?}") };
        assert_eq!((&one["code"], &one["path"]), (&"TG236".into(), &"session.keys[0].env".into()));
        assert!(one["help"].as_str().unwrap().contains("`tenantgate session-key`"), "{one:#}");
    }
    let twice = "env: SESSION_KEY}\n    - {id: \"2026-10\", env: SESSION_KEY";
    assert_one(&with(BASE, "env: SESSION_KEY", twice), "TG236", "SESSION_KEY", "make a new one");
    let weak = with(BASE, "env: SESSION_KEY", "key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    assert_one(&weak, "TG236", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "keep it in a variable");
}

/// A secret that YAML does not take for a text is not repeated either.
#[test]
fn no_output_has_a_secret_that_is_no_text() {
    for text in [
        "{pa55word}",
        "{pa55word, x}",
        "{a: {pa55word: 1}}",
        "*pa55word",
        "[pa55word]",
        "\"pa55word",
        "%pa55word",
        "{{pa55word}}",
        "pa55word: x",
        "${pa55word}",
        "\"pa55word #x\" y",
    ] {
        let broken = with(BASE, SECRET, &format!("client_secret: {text}"));
        for format in ["human", "json", "sarif", "github"] {
            let (code, output, errors) = run(&["check", "-", "--assume-env", "--format", format], &broken);
            assert!(!format!("{output}{errors}").contains("pa55word"), "{format}: {output}");
            assert!(code == 1 || text.starts_with('$'), "{text}: {output}");
        }
    }
    let issuer = with(BASE, super::ISSUER, "issuer: https://u:pa55word@login.acme.example\n");
    let (_, output, _) = run(&["check", "-", "--assume-env"], &issuer);
    assert!(!output.contains("pa55word") && output.contains("has a user name or password"), "{output}");
}

//! Mistakes in the files that people have: each is found by its code, at its place, with what to
//! write instead.

use serde_json::Value;

use super::{KEY, run};

const ENVOY: &str = include_str!("../../envoy/envoy.yaml");
const ISTIO: &str = include_str!("../../envoy/istio.yaml");
const TRAFFIC_EXTENSION: &str = include_str!("../../envoy/istio-traffic-extension.yaml");
const GATEWAY: &str = include_str!("../../envoy/envoy-gateway.yaml");

/// What a check of the text finds, and the text that each finding points at.
pub(super) fn findings(text: &str) -> Vec<(Value, String)> {
    let (_, output, errors) = run(&["check", "-", "--assume-env", "--format", "json"], text);
    let report: Value = serde_json::from_str(&output).unwrap_or_else(|_| panic!("{output}{errors}"));
    let pointed = |found: &Value| {
        let number = |name: &str| found[name].as_u64().and_then(|number| usize::try_from(number).ok());
        let Some((line, start)) = number("line").zip(number("column")) else { return String::new() };
        let end = if number("end_line") == Some(line) { number("end_column").unwrap() } else { usize::MAX };
        let line = text.lines().nth(line - 1).unwrap_or_default();
        line.chars().skip(start - 1).take(end - start).collect()
    };
    report["diagnostics"].as_array().unwrap().iter().map(|found| (found.clone(), pointed(found))).collect()
}

/// `text` with its only occurrence of `from` replaced.
#[track_caller]
pub(super) fn with(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}

/// Asserts that there is one finding, with this code, this text at its place, and this in its help.
#[track_caller]
pub(super) fn assert_one(text: &str, code: &str, pointed: &str, help: &str) {
    let found = findings(text);
    let [(one, at)] = &found[..] else { panic!("{found:#?}") };
    let got = one["help"].as_str().unwrap_or_default();
    assert_eq!((one["code"].as_str().unwrap(), at.as_str()), (code, pointed), "{one:#}");
    assert!(got.contains(help), "{one:#}");
}

#[test]
fn the_manifests_of_this_repository_are_in_order() {
    for text in [ENVOY, ISTIO, TRAFFIC_EXTENSION, GATEWAY] {
        assert_eq!(findings(text), []);
    }
    let envoy = concat!(env!("CARGO_MANIFEST_DIR"), "/envoy");
    let (code, output, _) = run(&["check", envoy, "--assume-env", "--deny", "warnings"], "");
    assert_eq!(code, 0, "{output}");
    for file in ["envoy-gateway", "istio", "istio-envoy-filter", "istio-traffic-extension"] {
        let line = format!("{file}.yaml: tenant \"acme\" serves acme.example.com\n");
        assert!(output.contains(&line), "{output}");
    }
}

#[test]
fn mistakes_in_an_envoy_configuration() {
    let acme = "name: acme\n                                hosts: [acme.localhost]";
    for (from, to, code, pointed, help) in [
        ("lifetime: 8h", "lifetime: 28800", "TG004", "28800", "write it with a unit: \"8h\""),
        ("lifetime: 8h", "lifetime: \"28800\"", "TG006", "\"28800\"", "write it with a unit: \"8h\""),
        ("lifetime: 8h", "lifetime: 8h\n                              lifetime: 9h", "TG102", "lifetime", "remove one"),
        (
            acme,
            "name: no\n                                hosts: [acme.localhost]",
            "TG004",
            "no",
            "write it in quotes: \"no\"",
        ),
        ("[acme.localhost]", "[*.acme.localhost]", "TG001", "*.acme.localhost", "write \"*.acme.localhost\""),
        ("[acme.localhost]", "[acme.localhost:443]", "TG011", "acme.localhost:443", "without scheme, port"),
        (
            "provider:\n                                  cluster: provider_acme",
            "cluster: provider_acme\n                                provider:",
            "TG003",
            "cluster",
            "`cluster` belongs under `provider`",
        ),
        (
            "cluster: provider_acme\n                                  auth",
            "clster: provider_acme\n                                  auth",
            "TG003",
            "clster",
            "did you mean \"cluster\"?",
        ),
        ("- pem: |", "- pem: >", "TG015", "pem", "write `pem: |`"),
        (
            "- pem: |\n",
            "- pem: https://a.example/keys\n                                  - pem: |\n",
            "TG015",
            "https://a.example/keys",
            "`provider.jwks_uri`",
        ),
        (
            "ACME_CLIENT_SECRET, ",
            "",
            "TG008",
            "ACME_CLIENT_SECRET",
            "add ACME_CLIENT_SECRET to `vm_config.environment_variables.host_env_keys`",
        ),
        ("lifetime: 8h", "lifetime:\u{a0}8h", "TG001", "lifetime:\u{a0}8h", "write ordinary spaces"),
        (
            "                              lifetime: 8h",
            "\t\t\tlifetime: 8h",
            "TG001",
            "\tlifetime: 8h",
            "indent with spaces",
        ),
    ] {
        let text = with(ENVOY, from, to);
        let found = findings(&text);
        let [(one, at)] = &found[..] else { panic!("{from} {to}: {found:#?}") };
        assert_eq!(one["code"], code, "{one:#}");
        assert!(one["help"].as_str().unwrap_or_default().contains(help), "{one:#}");
        if code != "TG001" || pointed.starts_with('*') {
            assert_eq!(at, pointed, "{one:#}");
        }
        assert!(one["line"].as_u64().is_some(), "{one:#}");
    }
}

#[test]
fn variables_that_a_manifest_does_not_hand_over() {
    for (text, from, list) in [
        (ISTIO, "      - {name: ACME_CLIENT_SECRET, valueFrom: HOST}\n", "`vmConfig.env` with `valueFrom: HOST`"),
        (
            TRAFFIC_EXTENSION,
            "        - {name: ACME_CLIENT_SECRET, valueFrom: HOST}\n",
            "`vmConfig.env` with `valueFrom: HOST`",
        ),
        (GATEWAY, ", ACME_CLIENT_SECRET]", "`env.hostKeys`"),
    ] {
        let to = if from.ends_with(']') { "]" } else { "" };
        assert_one(&with(text, from, to), "TG008", "ACME_CLIENT_SECRET", list);
    }
}

/// A `StringValue` has JSON, whose places are those in the file.
#[test]
fn mistakes_in_json_within_yaml() {
    let text = r#"
resources:
  - "@type": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig
    name: tenantgate
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
      config:
        failure_policy: FAIL_RELOAD
        vm_config:
          vm_id: tenantgate
          environment_variables: {host_env_keys: [K, S]}
        configuration:
          "@type": type.googleapis.com/google.protobuf.StringValue
          value: |
            {
              "session": {"keys": [{"id": "a", "env": "K"}]},
              "tenants": [{
                "name": "acme", "hosts": ["acme.example"], "issuer": "https://i.example",
                "client_id": "g", "client_secret": {"env": "S"},
                "provider": {"cluster": "i", "discovery": true}
              }]
            }
"#;
    assert_eq!(findings(text), []);
    assert_one(&with(text, "\"hosts\"", "\"host\""), "TG003", "\"host\"", "did you mean \"hosts\"?");
    let found = findings(&with(text, "\"discovery\": true}", "\"discovery\": true,}"));
    let [(one, _)] = &found[..] else { panic!("{found:#?}") };
    assert_eq!((&one["code"], &one["line"]), (&"TG001".into(), &20.into()), "{one:#}");
}

/// One cause is one finding.
#[test]
fn a_section_at_the_wrong_level_is_one_finding() {
    let text = "session: {keys: [{id: a, env: KEY}]}\ntenants:\n  - name: acme\n    hosts: [acme.example]\n    \
                issuer: https://i.example\n    client_id: g\n    discovery: true\n    cluster: i\n    callback_path: /x\n";
    let found: Vec<_> =
        findings(text).iter().map(|(one, _)| one["help"].as_str().unwrap_or_default().to_owned()).collect();
    let belongs = |name: &str, home: &str| format!("`{name}` belongs under `{home}`");
    assert_eq!(
        found,
        [belongs("discovery", "provider"), belongs("cluster", "provider"), belongs("callback_path", "login")]
    );
}

#[test]
fn files_that_are_no_configuration() {
    assert_one("a: 1\n", "TG110", "", "`tenants`");
    assert_one("", "TG110", "", "`tenants`");
    let (code, _, errors) = run(&["check", concat!(env!("CARGO_MANIFEST_DIR"), "/src/base")], "");
    assert_eq!(code, 2);
    assert!(errors.contains("no file in it has a configuration"), "{errors}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"\xff\xfet\0").unwrap();
    let (code, output, _) = run(&["check", file.path().to_str().unwrap()], "");
    assert_eq!(code, 1);
    assert!(output.contains("error[TG100] is UTF-16\n   help: save it as UTF-8"), "{output}");
}

#[test]
fn variables_from_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("# a comment\nexport KEY={KEY}\nSECRET=\"s\"\n")).unwrap();
    let path = file.path().to_str().unwrap();
    let (code, output, _) = run(&["check", "-", "--env-file", path], super::CONFIGURATION);
    assert_eq!(code, 0, "{output}");
}

/// Without their values, variables count as set, whatever they hold.
#[test]
fn variables_whose_values_are_not_known() {
    let more = "assertion: {keys: [{pem: {env: P}}, {jwk: {env: J}}]}\ntenants:";
    let text = super::CONFIGURATION.replace("tenants:", more);
    assert_eq!(findings(&text), []);
    let client_key = text.replace("client_secret: {env: SECRET}", "client_key: {pem: {env: C}}");
    assert_eq!(findings(&client_key), []);
}

/// No form of the output has the value of a variable or an inline secret.
#[test]
fn no_output_has_a_secret() {
    let text = super::CONFIGURATION
        .replace("{env: SECRET}", "pa55word!\n    client_secrets: pa55word!")
        .replace("client_id: gate", "client_id: 7");
    for format in ["human", "json", "sarif", "github"] {
        let (code, output, _) = run(&["check", "-", "--env", &format!("KEY={KEY}"), "--format", format], &text);
        assert_eq!(code, 1);
        assert!(!output.contains("pa55word") && !output.contains(KEY), "{format}: {output}");
    }
}

/// Every code has a section in docs/codes.md, and every section a code.
#[test]
fn every_code_is_explained() {
    let documented: Vec<&str> = include_str!("../../docs/codes.md")
        .lines()
        .filter_map(|line| line.strip_prefix("## ")?.split_once(' '))
        .map(|(code, _)| code)
        .collect();
    let sources = [include_str!("../../src/config/code.rs"), include_str!("../../src/bin/tenantgate/codes.rs")];
    let constants = |text: &'static str| {
        let numbers = text.lines().filter(|line| line.contains("pub const ") || line.contains("pub(crate) const "));
        numbers.filter_map(|line| line.rsplit_once('(')?.1.split_once(')')?.0.parse::<u16>().ok())
    };
    let mut codes: Vec<String> = sources.iter().flat_map(|text| constants(text)).map(|n| format!("TG{n:03}")).collect();
    codes.sort();
    assert_eq!(documented, codes);
    for code in &codes {
        let (exit, output, _) = run(&["help", code], "");
        assert!(exit == 0 && output.starts_with(&format!("{code}: ")), "{output}");
    }
    assert_eq!(run(&["help", "TG999"], "").0, 2);
    assert_eq!(run(&["help", "check"], "").0, 0);
}

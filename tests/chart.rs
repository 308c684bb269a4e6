//! Tier `chart`: the Helm chart makes the objects that the tool renders of the same tenants, and
//! refuses what it cannot make.
#![allow(clippy::restriction, clippy::disallowed_methods, reason = "tests")]

#[path = "support/custom_resources.rs"]
mod custom_resources;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use custom_resources::{documents, problems, read, render, run};

/// A tenant whose issuer has a port, and one with a client key. Every place of a secret has a
/// variable, and there are texts that YAML or a template could take for something else.
const TENANTS: &str = r#"# All tenants.
---
session: {keys: [{id: "2026-11", env: KEY}, {id: "2026-10", env: OLD_KEY}], lifetime: 8h}
store: {etcd: {cluster: etcd, username: tenantgate, password: {env: ETCD_PASSWORD}}}
tenants_from:
  etcd: {cluster: etcd, prefix: /tenants/, username: gate, password: {env: TENANTS_PASSWORD}}
  keys: [{jwk: {kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}}]
assertion:
  keys:
    - {pem: {env: ASSERTION_KEY}, kid: a}
    - {jwk: {env: ASSERTION_JWK}, kid: b}
tenants:
  - name: acme
    hosts: [acme.example.com]
    issuer: https://Dex.acme.example:5556/dex
    client_id: "y"
    client_secret: {env: ACME_SECRET}
    provider: {cluster: dex, discovery: true}
    login: {parameters: {ui_locales: "{{ .Release.Name }} 1e3 \"é\" <br>"}}
    access: [{allow: {groups: ["on", "007", "~"]}}]
  - name: globex
    hosts: [globex.example.com]
    issuer: https://login.globex.example
    client_id: tenantgate
    client_key: {pem: {env: GLOBEX_PEM}}
    keys:
      - pem: |
          -----BEGIN PUBLIC KEY-----
          MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7
          6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
          -----END PUBLIC KEY-----
    # Browsers alone go to the others of these addresses, or nobody.
    provider:
      cluster: globex
      authorization_endpoint: https://browsers.globex.example/authorize
      token_endpoint: https://login.globex.example:443/token
      end_session_endpoint: https://browsers.globex.example/logout
      userinfo_endpoint: https://unused.globex.example/userinfo
      revocation_endpoint: https://unused.globex.example/revoke
  - name: initech
    hosts: [initech.example.com]
    issuer: https://login.initech.example
    client_id: tenantgate
    client_key: {jwk: {env: ASSERTION_JWK}}
    provider: {cluster: initech, discovery: true}
    sessions_not_before: 2026-11-25T08:30:00Z
"#;

/// Several tenants at one host: of one issuer, of two issuers, on another port, and without TLS.
const ONE_HOST: &str = r#"
session: {keys: [{id: a, env: KEY}]}
tenants:
  - {name: a, hosts: [a.example.com], issuer: "https://sso.example/a", client_id: t, provider: {cluster: a, discovery: true}}
  - {name: b, hosts: [b.example.com], issuer: "https://sso.example/a", client_id: t, provider: {cluster: b, discovery: true}}
  - {name: c, hosts: [c.example.com], issuer: "https://sso.example/c", client_id: t, provider: {cluster: c, discovery: true}}
  - {name: d, hosts: [d.example.com], issuer: "https://sso.example:10443", client_id: t, provider: {cluster: d, discovery: true}}
  - {name: e, hosts: [e.example.com], issuer: "https://sso.example:8443", client_id: t, provider: {cluster: e, discovery: true}}
  - name: f
    hosts: [f.example.com]
    issuer: http://sso.example:18080
    allow_insecure_issuer: true
    client_id: t
    provider: {cluster: f, discovery: true}
  - name: g
    hosts: [g.example.com]
    issuer: http://plain.example
    allow_insecure_issuer: true
    client_id: t
    provider: {cluster: f, discovery: true}
"#;

/// Every address that Tenantgate may call, each the only one of its tenant at this host.
const ADDRESSES: &str = r#"
session: {keys: [{id: a, env: KEY}]}
tenants:
  - name: jwks
    hosts: [jwks.example.com]
    issuer: https://names.example/jwks
    client_id: t
    provider:
      cluster: a
      jwks_uri: https://calls.example/keys
      authorization_endpoint: https://names.example/authorize
      token_endpoint: https://calls.example/token?a=b
  - name: rest
    hosts: [rest.example.com]
    issuer: https://calls.example/rest
    client_id: t
    login: {userinfo: true}
    refresh: {}
    provider:
      cluster: b
      discovery: true
      trusted_origins: [https://calls.example]
      userinfo_endpoint: https://calls.example/userinfo
      revocation_endpoint: https://calls.example/revoke
"#;

/// The values and the arguments of the tool that say the same, beyond module and namespace.
const OPTIONS: [(&str, &str, &[&str]); 4] = [
    ("istio", r#"{"istio": {"selector": {"istio": "ingressgateway"}}}"#, &[]),
    (
        "istio",
        r#"{"istio": {"selector": {"app": "edge"}, "ca": "/ca.pem"}}"#,
        &["--selector", "app=edge", "--ca", "/ca.pem"],
    ),
    ("envoy-gateway", r#"{"envoyGateway": {"gateway": "eg", "listener": "http"}}"#, &[]),
    (
        "envoy-gateway",
        r#"{"envoyGateway": {"gateway": "edge", "listener": "https", "caConfigMap": "authorities"}}"#,
        &["--gateway", "edge", "--listener", "https", "--ca-config-map", "authorities"],
    ),
];

fn helm(arguments: &[&str], values: &Value) -> (bool, String, String) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = std::env::var("TENANTGATE_HELM");
    let program = program.unwrap_or_else(|_| top.join("target/helm/helm").to_str().unwrap().to_owned());
    let chart = top.join("envoy/chart");
    run(&program, &[arguments, &["--values", "-", chart.to_str().unwrap()]].concat(), &values.to_string())
}

/// What Helm makes of the chart with these values.
fn template(values: &Value) -> Result<String, String> {
    let (is_made, output, errors) = helm(&["template", "tenantgate", "--namespace", "gateways"], values);
    if is_made { Ok(output) } else { Err(errors) }
}

fn values(platform: &str, options: &str, module: &str, configuration: Value) -> Value {
    let mut values: Value = serde_json::from_str(options).unwrap();
    values["platform"] = json!(platform);
    values["module"] = json!(module);
    values["configuration"] = configuration;
    values
}

/// The values of a platform with everything that it needs.
fn complete(platform: &str, tenants: impl Into<Value>) -> Value {
    let (_, options, _) = OPTIONS.iter().find(|(other, ..)| *other == platform).unwrap();
    values(platform, options, "oci://registry.example/tenantgate:0.2.0", tenants.into())
}

fn with_backchannel_logout(tenants: &str) -> String {
    tenants.replacen("login: {", "login: {backchannel_logout_path: /oauth2/backchannel-logout, ", 1)
}

/// The objects by kind and name, since Helm sorts them.
fn objects(text: &str) -> BTreeMap<(String, String), Value> {
    let documents = documents(text);
    let name =
        |it: &Value| (it["kind"].as_str().unwrap().to_owned(), it["metadata"]["name"].as_str().unwrap().to_owned());
    let objects: BTreeMap<_, _> = documents.iter().map(|document| (name(document), document.clone())).collect();
    assert_eq!(objects.len(), documents.len(), "two objects have one name");
    objects
}

#[test]
fn the_chart_makes_what_the_tool_renders() {
    let backchannel = with_backchannel_logout(TENANTS);
    assert_ne!(backchannel, TENANTS);
    let (image, file) = ("oci://registry.example/tenantgate:0.2.0", "/var/lib/tenantgate/tenantgate.wasm");
    let https = "https://modules.example/tenantgate.wasm";
    for (platform, options, arguments) in OPTIONS {
        let modules: &[(&str, &str)] = match platform {
            "istio" => &[(image, TENANTS), (https, TENANTS), (file, TENANTS), (file, &backchannel)],
            _ => &[(image, TENANTS), (https, TENANTS), ("registry.example/tenantgate:0.2.0", &backchannel)],
        };
        for (module, tenants) in modules.iter().copied().chain([(image, ONE_HOST), (image, ADDRESSES)]) {
            let arguments = [&[platform, "-", "--module", module, "--namespace", "gateways"], arguments].concat();
            let rendered = objects(&render(&arguments, tenants));
            // As the text of a file, and as an object in the values.
            let object = tenants.split_once("---\n").map_or(tenants, |(_, object)| object);
            for configuration in [Value::from(tenants), serde_saphyr::from_str(object).unwrap()] {
                let values = values(platform, options, module, configuration);
                let made = objects(&template(&values).unwrap());
                assert_eq!(made, rendered, "{arguments:?} {values:#}");
                for object in made.values() {
                    assert_eq!(problems(object), <[String; 0]>::default(), "{object:#}");
                }
            }
        }
    }
}

/// The values that `envoy/README.md` shows are all that a platform needs.
#[test]
fn the_values_of_the_guide_are_complete() {
    let guide = read("envoy/README.md");
    let section = guide.split("\n### ").find(|section| section.starts_with("Helm chart\n")).unwrap();
    let blocks = section.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let platforms = blocks.map(|block| {
        let mut values: Value = serde_saphyr::from_str(block).unwrap();
        values["configuration"] = TENANTS.into();
        template(&values).unwrap();
        values["platform"].clone()
    });
    assert_eq!(platforms.collect::<Vec<_>>(), ["istio", "envoy-gateway"]);
}

/// The option of the guide hands over a file as it is.
#[test]
fn the_configuration_may_be_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, TENANTS).unwrap();
    for platform in ["istio", "envoy-gateway"] {
        let text = complete(platform, TENANTS);
        let mut values = text.clone();
        values.as_object_mut().unwrap().remove("configuration");
        let option = format!("configuration={}", file.path().to_str().unwrap());
        let arguments = ["template", "tenantgate", "--namespace", "gateways", "--set-file", &option];
        let (is_made, output, errors) = helm(&arguments, &values);
        assert!(is_made, "{errors}");
        assert_eq!(output, template(&text).unwrap());
    }
}

/// Which kinds there are, so that the comparison above is not one of two empty sets.
#[test]
fn the_kinds_are_those_of_the_platform() {
    let kinds = |values: &Value| -> Vec<(String, usize)> {
        let mut kinds = BTreeMap::new();
        for (kind, _) in objects(&template(values).unwrap()).into_keys() {
            *kinds.entry(kind).or_default() += 1;
        }
        kinds.into_iter().collect()
    };
    let of = |kinds: &[(&str, usize)]| -> Vec<(String, usize)> {
        kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
    };
    let plugin = kinds(&complete("istio", ONE_HOST));
    assert_eq!(plugin, of(&[("DestinationRule", 1), ("ServiceEntry", 2), ("WasmPlugin", 1)]));
    let mut file = complete("istio", with_backchannel_logout(TENANTS));
    file["module"] = json!("/tenantgate.wasm");
    assert_eq!(kinds(&file), of(&[("DestinationRule", 3), ("EnvoyFilter", 1), ("ServiceEntry", 3)]));
    let gateway = kinds(&complete("envoy-gateway", ONE_HOST));
    let expected = [
        ("Backend", 5),
        ("BackendTLSPolicy", 3),
        ("EnvoyExtensionPolicy", 1),
        ("EnvoyPatchPolicy", 1),
        ("HTTPRoute", 5),
    ];
    assert_eq!(gateway, of(&expected));
}

/// The tenants above have a variable wherever a configuration may have one.
#[test]
fn every_place_of_a_variable_is_compared() {
    let places = read("src/config/schema.json").matches("\"$ref\": \"#/$defs/secret\"").count();
    // The two of the session keys have no `{env: NAME}` of their own.
    assert_eq!(TENANTS.matches("{env: ").count(), places);
}

/// `check` reads what the chart makes of the tenants in `envoy/`, and finds nothing.
#[test]
fn the_tool_accepts_what_the_chart_makes() {
    for (platform, pointer) in [("istio", "/spec/pluginConfig"), ("envoy-gateway", "/spec/wasm/0/config")] {
        let example = documents(&read(&format!("envoy/{platform}.yaml")));
        let made = template(&complete(platform, example[0].pointer(pointer).unwrap().clone())).unwrap();
        let check = ["check", "-", "--assume-env", "--deny", "warnings"];
        let (is_good, output, errors) = run(env!("CARGO_BIN_EXE_tenantgate"), &check, &made);
        assert!(is_good && output.contains("acme.example.com"), "{output}{errors}");
    }
}

#[test]
fn the_chart_passes_the_linter() {
    for values in [complete("istio", TENANTS), complete("envoy-gateway", TENANTS), json!({})] {
        let (is_good, output, errors) = helm(&["lint", "--strict"], &values);
        assert!(is_good, "{output}{errors}");
    }
}

/// What is missing or wrong is refused, with what would be right.
#[test]
fn what_is_missing_or_wrong_is_refused() {
    let istio = |tenants: &str| complete("istio", tenants);
    let gateway = |tenants: &str| complete("envoy-gateway", tenants);
    let with = |mut values: Value, pointer: &str, value: Value| {
        let (place, name) = pointer.rsplit_once('/').unwrap();
        let place = values.pointer_mut(place).unwrap().as_object_mut().unwrap();
        match value {
            Value::Null => drop(place.remove(name)),
            value => drop(place.insert(name.to_owned(), value)),
        }
        values
    };
    let issuer = |issuer: &str| TENANTS.replace("https://login.initech.example", issuer);
    let cases = [
        (with(istio(TENANTS), "/platform", json!("")), "platform is missing: istio or envoy-gateway"),
        (with(istio(TENANTS), "/platform", json!("envoy")), "one of '', 'istio', 'envoy-gateway'"),
        (with(istio(TENANTS), "/modules", json!("")), "'modules' not allowed"),
        (with(istio(TENANTS), "/module", json!("")), "module is missing: oci://"),
        (with(istio(TENANTS), "/istio/selector", Value::Null), "istio.selector is missing: labels"),
        // No label would be every pod of the namespace.
        (with(istio(TENANTS), "/istio/selector", json!({})), "minProperties: got 0, want 1"),
        (with(istio(TENANTS), "/configuration", Value::Null), "--set-file configuration=tenants.yaml"),
        (with(istio(TENANTS), "/configuration", json!({ "session": {} })), "configuration has no `tenants`"),
        (with(istio(TENANTS), "/configuration", json!("a: [")), "configuration is not YAML"),
        (istio(&format!("{TENANTS}---\n{ONE_HOST}")), "more than one document"),
        (istio(&format!("{ONE_HOST}---\n{ONE_HOST}")), "more than one document"),
        (istio("tenants: [{name: acme}]"), "tenant \"acme\" has no `provider`"),
        (istio(&with_backchannel_logout(TENANTS)), "module: /var/lib/tenantgate/tenantgate.wasm"),
        (with(gateway(TENANTS), "/module", json!("")), "module is missing: registry/image:tag"),
        (with(gateway(TENANTS), "/module", json!("/tenantgate.wasm")), "module is a path"),
        (with(gateway(TENANTS), "/envoyGateway/gateway", json!("")), "envoyGateway.gateway is missing"),
        (
            gateway(&ONE_HOST.replace("http://plain.example", "http://sso.example")),
            "objects for sso.example:80 and for sso.example:443 would have one name",
        ),
        (with(gateway(TENANTS), "/envoyGateway/listener", json!("")), "envoyGateway.listener is missing"),
    ];
    let of_each_platform = [
        (
            ADDRESSES.replace("https://calls.example/token", "https://names.example/token"),
            "tenant \"jwks\": Tenantgate calls 2 servers (calls.example:443/https, names.example:443/https)",
        ),
        (
            ADDRESSES.replace("https://calls.example/userinfo", "https://names.example/userinfo"),
            "tenant \"rest\": Tenantgate calls 2 servers",
        ),
        (
            ADDRESSES.replace("https://calls.example/revoke", "https://names.example/revoke"),
            "tenant \"rest\": Tenantgate calls 2 servers",
        ),
        (ADDRESSES.replace("[https://calls", "[https://names"), "tenant \"rest\": Tenantgate calls 2 servers"),
        (issuer("https://dex-acme.example:5556"), "would have one name, \"dex-acme-example"),
        (issuer("https://10.0.0.7"), "tenant \"initech\": the host in an address of the provider"),
        (issuer("https://0x7f.1"), "tenant \"initech\": the host in an address of the provider"),
        (issuer("https://[::1]"), "tenant \"initech\": the host in an address of the provider"),
        (issuer("https://bücher.example"), "tenant \"initech\": the host in an address of the provider"),
        (issuer("https://user@login.example"), "tenant \"initech\": the host in an address of the provider"),
        (issuer("https:\\\\login.example"), "tenant \"initech\": the host in an address of the provider"),
    ];
    let of_each_platform = of_each_platform
        .iter()
        .flat_map(|(tenants, message)| [istio, gateway].map(|platform| (platform(tenants), *message)));
    for (values, message) in cases.into_iter().chain(of_each_platform) {
        let errors = template(&values).expect_err(message);
        assert!(errors.contains(message), "{message}: {errors}");
    }
}

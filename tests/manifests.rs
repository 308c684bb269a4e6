//! Tier `manifests`: the manifests in `envoy/`, and those that the tool makes, fit the
//! CustomResourceDefinitions.
#![allow(clippy::restriction, reason = "tests")]

#[path = "support/custom_resources.rs"]
mod custom_resources;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use custom_resources::{KINDS, documents, problems, read, render};

const FILES: [&str; 4] = [
    "envoy/istio.yaml",
    "envoy/istio-envoy-filter.yaml",
    "envoy/istio-traffic-extension.yaml",
    "envoy/envoy-gateway.yaml",
];

/// Two tenants, of which one has back-channel logout.
const TENANTS: &str = r#"
session: {keys: [{id: a, env: KEY}]}
tenants:
  - name: acme
    hosts: [acme.example.com]
    issuer: https://dex.acme.example:5556
    client_id: tenantgate
    client_secret: {env: ACME_SECRET}
    provider: {cluster: dex, discovery: true}
    login: {backchannel_logout_path: /oauth2/backchannel-logout}
  - name: globex
    hosts: [globex.example.com]
    issuer: https://login.globex.example
    client_id: tenantgate
    client_secret: {env: GLOBEX_SECRET}
    provider: {cluster: globex, discovery: true}
"#;

/// What the tool makes of [`TENANTS`], with and without back-channel logout.
fn rendered() -> Vec<(&'static str, String)> {
    let without = TENANTS.replace("login: {backchannel_logout_path: /oauth2/backchannel-logout}", "");
    [("istio", "/tenantgate.wasm", TENANTS), ("istio", "oci://r/t:1", &without), ("envoy-gateway", "r/t:1", TENANTS)]
        .map(|(platform, module, tenants)| (platform, render(&[platform, "-", "--module", module], tenants)))
        .into()
}

fn manifests() -> Vec<(&'static str, Value)> {
    let files = FILES.map(|file| (file, read(file))).into_iter().chain(rendered());
    files.flat_map(|(file, text)| documents(&text).into_iter().map(move |document| (file, document))).collect()
}

#[test]
fn every_manifest_is_one_of_its_kind() {
    let mut kinds = BTreeSet::new();
    for (file, manifest) in manifests() {
        assert_eq!(problems(&manifest), <[String; 0]>::default(), "{file}");
        kinds.insert(manifest["kind"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds, KINDS.iter().map(|(_, kind)| (*kind).to_owned()).collect());
}

/// The tier `control-planes` shows what the shipped manifests do. So it holds for those that the
/// tool makes of the same tenants.
#[test]
fn the_tool_makes_what_is_shipped() {
    let filter = "/spec/configPatches/0/patch/value/typed_config/config/configuration/value";
    for (platform, module, files, kind, configuration) in [
        ("istio", "oci://registry.example/tenantgate:0.2.0", &FILES[..1], "WasmPlugin", "/spec/pluginConfig"),
        ("istio", "/var/lib/tenantgate/tenantgate.wasm", &FILES[..2], "EnvoyFilter", filter),
        (
            "envoy-gateway",
            "registry.example/tenantgate:0.2.0",
            &FILES[3..],
            "EnvoyExtensionPolicy",
            "/spec/wasm/0/config",
        ),
    ] {
        let shipped: Vec<Value> = files.iter().flat_map(|file| documents(&read(file))).collect();
        let gate = shipped.iter().find(|manifest| manifest["kind"] == kind).unwrap();
        let tenants = gate.pointer(configuration).unwrap().to_string();
        let made = documents(&render(&[platform, "-", "--module", module], &tenants));
        assert!(made.iter().any(|manifest| manifest["kind"] == kind));
        for manifest in made {
            assert!(shipped.contains(&manifest), "{manifest:#}");
        }
    }
}

/// The check finds invalid manifests.
#[test]
fn unknown_fields_and_wrong_values_are_found() {
    for (pointer, name, value) in [
        ("/spec", "failstrategy", json!("FAIL_RELOAD")),
        ("/spec", "failStrategy", json!("FAIL_REOPEN")),
        ("/spec", "phase", json!("BEFORE")),
        ("/spec/vmConfig/env/0", "from", json!("HOST")),
        ("/spec/vmConfig/env/0", "valueFrom", json!("SECRET")),
        ("/spec/selector", "labels", json!({})),
        ("/metadata", "name", json!("a b")),
        ("", "specs", json!({})),
    ] {
        let (_, mut plugin) = manifests().into_iter().find(|(_, manifest)| manifest["kind"] == "WasmPlugin").unwrap();
        plugin.pointer_mut(pointer).unwrap()[name] = value;
        assert_eq!(problems(&plugin).len(), 1, "{pointer}/{name}: {:?}", problems(&plugin));
    }
}

/// No schema requires this: the filter fails closed, and TLS verifies the name of the issuer.
#[test]
fn the_manifests_fail_closed() {
    for (file, manifest) in manifests() {
        let spec = &manifest["spec"];
        match manifest["kind"].as_str().unwrap() {
            "WasmPlugin" => {
                assert_eq!((&spec["failStrategy"], &spec["phase"]), (&json!("FAIL_RELOAD"), &json!("AUTHN")));
            }
            "TrafficExtension" => {
                assert_eq!((&spec["wasm"]["failStrategy"], &spec["phase"]), (&json!("FAIL_RELOAD"), &json!("AUTHN")));
            }
            "EnvoyExtensionPolicy" => assert_eq!(spec["wasm"][0]["failOpen"], false),
            "DestinationRule" => {
                let tls = &spec["trafficPolicy"]["tls"];
                assert_eq!((&tls["mode"], &tls["sni"]), (&json!("SIMPLE"), &spec["host"]));
                assert_eq!(tls["subjectAltNames"], json!([spec["host"]]));
                assert!(tls["caCertificates"].is_string());
            }
            "EnvoyFilter" => {
                let plugin = &spec["configPatches"][0]["patch"]["value"]["typed_config"]["config"];
                assert_eq!(plugin["failure_policy"], "FAIL_RELOAD");
            }
            "BackendTLSPolicy" => assert!(spec["validation"]["hostname"].is_string()),
            "EnvoyPatchPolicy" => {
                let patches = spec["jsonPatches"].as_array().unwrap();
                for (path, value) in [("failure_policy", json!("FAIL_RELOAD")), ("disabled", json!(false))] {
                    assert!(
                        patches
                            .iter()
                            .map(|patch| &patch["operation"])
                            .any(|it| it["path"] == path && it["value"] == value)
                    );
                }
            }
            "ServiceEntry" | "AuthorizationPolicy" | "Backend" | "HTTPRoute" => {}
            other => panic!("{file}: {other}"),
        }
    }
}

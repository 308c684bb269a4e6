//! The command `render`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::run;

/// Two tenants, with what people write into such a file.
const TENANTS: &str = r#"# All tenants of the gateway.
---
session:
  keys:
    - {id: "2026-11", env: TENANTGATE_SESSION_KEY}   # made by session-key

  lifetime: 8h
tenants:
  - name: acme   # the first customer
    hosts: [acme.example.com, 'www.acme.example.com']
    issuer: https://dex.acme.example
    client_id: "tenantgate"
    client_key: {pem: {env: ACME_CLIENT_KEY}}
    keys:
      - pem: |
          -----BEGIN PUBLIC KEY-----
          MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7
          6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
          -----END PUBLIC KEY-----
    provider: {cluster: dex_acme, discovery: true}   # byte for byte
  - name: globex
    hosts: [globex.example.com]
    issuer: https://login.globex.example:8443/realms/globex
    client_id: tenantgate
    client_secret: {env: GLOBEX_CLIENT_SECRET}
    provider:
      cluster: "globex"
      discovery: true
    login: {scopes: [openid, profile, email]}
"#;

/// The same with a provider of several hosts, as Google is.
const SEVERAL_HOSTS: &str = r#"
session: {keys: [{id: a, env: KEY}]}
tenants:
  - name: acme
    hosts: [acme.example.com]
    issuer: https://accounts.google.com
    client_id: 1.apps.googleusercontent.com
    client_secret: {env: SECRET}
    provider:
      cluster: google
      discovery: true
      trusted_origins: [https://oauth2.googleapis.com, https://www.googleapis.com]
    login: {scopes: [openid, email]}
"#;

const ENVOY: &[&str] = &["render", "envoy", "-", "--upstream", "reports:8083"];
const ISTIO: &[&str] = &["render", "istio", "-", "--module", "oci://registry.example/tenantgate:0.2.0"];
const ENVOY_GATEWAY: &[&str] = &["render", "envoy-gateway", "-", "--module", "registry.example/tenantgate:0.2.0"];

/// What is rendered, which `check` has to accept without a warning.
fn render(arguments: &[&str], tenants: &str) -> String {
    let (code, output, errors) = run(arguments, tenants);
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    let (code, found, errors) = run(&["check", "-", "--assume-env", "--deny", "warnings"], &output);
    assert_eq!(code, 0, "{found}{errors}{output}");
    output
}

fn documents(text: &str) -> Vec<Value> {
    text.split("\n---\n")
        .map(|text| serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")))
        .collect()
}

/// The one document of a kind.
fn kind<'d>(documents: &'d [Value], kind: &str) -> &'d Value {
    let found: Vec<&Value> = documents.iter().filter(|document| document["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind}: {documents:#?}");
    found[0]
}

fn with_backchannel_logout(tenants: &str) -> String {
    tenants.replace("login: {", "login: {backchannel_logout_path: /oauth2/backchannel-logout, ")
}

/// The connection manager of the first listener.
fn manager(bootstrap: &Value) -> Value {
    bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"].clone()
}

const PLUGIN: &str = "/http_filters/0/typed_config/config";

/// The clusters of a bootstrap by name.
fn cluster<'b>(bootstrap: &'b Value, name: &str) -> &'b Value {
    let clusters = bootstrap["static_resources"]["clusters"].as_array().unwrap();
    clusters.iter().find(|cluster| cluster["name"] == name).unwrap_or_else(|| panic!("{name}: {clusters:#?}"))
}

/// A cluster reaches this server by TLS, sends its name, and accepts a certificate for that name
/// only.
fn assert_verifies(cluster: &Value, host: &str, port: u16) {
    let address = json!({ "socket_address": { "address": host, "port_value": port } });
    assert_eq!(cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"], address);
    let tls = &cluster["transport_socket"]["typed_config"];
    assert!(tls["@type"].as_str().unwrap().ends_with("UpstreamTlsContext"), "{cluster}");
    assert_eq!(tls["sni"], host);
    let validation = &tls["common_tls_context"]["validation_context"];
    assert_eq!(
        validation["match_typed_subject_alt_names"],
        json!([{ "san_type": "DNS", "matcher": { "exact": host } }])
    );
    assert!(validation["trusted_ca"]["filename"].as_str().unwrap().starts_with('/'));
}

/// The same bootstrap with the configuration as JSON, which Envoy hands over without reading it.
#[test]
fn the_configuration_as_text() {
    let [mut structure, mut text] =
        [&[][..], &["--text"]].map(|more| documents(&render(&[ENVOY, more].concat(), TENANTS)).remove(0));
    let configuration = |bootstrap: &mut Value| {
        let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
        bootstrap.pointer_mut(&format!("{manager}{PLUGIN}/configuration")).unwrap().take()
    };
    let (of_structure, of_text) = (configuration(&mut structure), configuration(&mut text));
    assert_eq!(of_structure["@type"], "type.googleapis.com/google.protobuf.Struct");
    assert_eq!(of_text["@type"], "type.googleapis.com/google.protobuf.StringValue");
    let value: Value = serde_json::from_str(of_text["value"].as_str().unwrap()).unwrap();
    assert_eq!(value, of_structure["value"]);
    assert_eq!(structure, text);
}

/// One file is the source: its text is in each manifest, line by line, with its comments. Only the
/// name of the cluster is that of the platform.
#[test]
fn the_text_is_kept() {
    let own: Vec<&str> = TENANTS.lines().filter(|line| *line != "---").collect();
    let istio = |host: &str| format!("outbound|443||{host}");
    let gateway = |name: &str| format!("httproute/default/{name}/rule/0");
    let cases = [
        (ENVOY, ["dex_acme".to_owned(), "\"globex\"".to_owned()]),
        (ISTIO, [istio("dex.acme.example"), "outbound|8443||login.globex.example".to_owned()]),
        (ENVOY_GATEWAY, [gateway("dex-acme-example"), gateway("login-globex-example-8443")]),
    ];
    for (arguments, [acme, globex]) in cases {
        let output = render(arguments, TENANTS);
        let expected: Vec<String> = own
            .iter()
            .map(|line| line.replace("cluster: dex_acme", &format!("cluster: {acme}")))
            .map(|line| line.replace("cluster: \"globex\"", &format!("cluster: {globex}")))
            .collect();
        let lines: Vec<&str> = output.lines().collect();
        let start = lines.iter().position(|line| line.trim_start() == own[0]).unwrap();
        let indent = lines[start].len() - own[0].len();
        let found: Vec<&str> =
            lines[start..start + own.len()].iter().map(|line| line.get(indent..).unwrap_or("")).collect();
        assert_eq!(found, expected, "{arguments:?}");
    }
}

/// Whatever form the file has, the manifest says the same.
#[test]
fn files_of_every_form_are_taken() {
    let value: Value = serde_saphyr::from_str(TENANTS.split_once("---\n").unwrap().1).unwrap();
    let json = serde_json::to_string_pretty(&value).unwrap();
    for text in
        [TENANTS.to_owned(), TENANTS.replace('\n', "\r\n"), format!("{TENANTS}...\n"), json, format!("--- {value}")]
    {
        let bootstrap = &documents(&render(ENVOY, &text))[0];
        assert_eq!(manager(bootstrap).pointer(PLUGIN).unwrap()["configuration"]["value"], value, "{text}");
    }
    let two = format!("{TENANTS}---\n{SEVERAL_HOSTS}");
    for (text, message) in [
        (two.as_str(), "is not the configuration alone"),
        (&render(ENVOY, TENANTS), "is not the configuration alone"),
        ("a: b", "has no configuration of Tenantgate"),
        ("a: [", "is not YAML"),
    ] {
        let (code, output, errors) = run(ENVOY, text);
        assert_eq!((code, output.as_str()), (2, ""), "{text}");
        assert!(errors.contains(message), "{errors}");
    }
}

/// The connection manager is the one of `envoy/envoy.yaml`, but for the configuration.
#[test]
fn the_bootstrap_is_that_of_the_example() {
    let example = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy/envoy.yaml")).unwrap();
    let [mut example, mut made] = [example, render(ENVOY, TENANTS)].map(|text| documents(&text).remove(0));
    for field in ["stats_config", "memory_allocator_manager"] {
        assert!(made[field].is_object());
        assert_eq!(made[field], example[field]);
    }
    assert_eq!(made["admin"], example["admin"]);
    let managers = [&mut example, &mut made].map(|bootstrap| {
        let mut manager = manager(bootstrap);
        let plugin = manager.pointer_mut(PLUGIN).unwrap();
        for (place, name) in [
            ("/vm_config/environment_variables", "host_env_keys"),
            ("/vm_config/code/local", "filename"),
            ("/configuration", "value"),
        ] {
            assert!(plugin.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(name).is_some());
        }
        manager
    });
    assert_eq!(managers[0], managers[1]);
}

#[test]
fn the_bootstrap_reaches_each_provider_by_tls() {
    let arguments = [ENVOY, &["--listen", "[::]:8443", "--module", "/m.wasm", "--ca", "/ca.pem"]].concat();
    let bootstrap = &documents(&render(&arguments, TENANTS))[0];
    assert_verifies(cluster(bootstrap, "dex_acme"), "dex.acme.example", 443);
    assert_verifies(cluster(bootstrap, "globex"), "login.globex.example", 8443);
    let validation = "/transport_socket/typed_config/common_tls_context/validation_context/trusted_ca/filename";
    assert_eq!(cluster(bootstrap, "globex").pointer(validation), Some(&json!("/ca.pem")));
    let listener = &bootstrap["static_resources"]["listeners"][0];
    assert_eq!(listener["address"]["socket_address"], json!({ "address": "::", "port_value": 8443 }));
    assert!(listener["filter_chains"][0].get("transport_socket").is_none());
    let manager = manager(bootstrap);
    let vm = &manager.pointer(PLUGIN).unwrap()["vm_config"];
    assert_eq!(vm["code"]["local"]["filename"], "/m.wasm");
    assert_eq!(
        vm["environment_variables"]["host_env_keys"],
        json!(["TENANTGATE_SESSION_KEY", "ACME_CLIENT_KEY", "GLOBEX_CLIENT_SECRET"])
    );
    let upstream = &cluster(bootstrap, "upstream")["load_assignment"]["endpoints"][0]["lb_endpoints"][0];
    assert_eq!(upstream["endpoint"]["address"]["socket_address"], json!({ "address": "reports", "port_value": 8083 }));

    let arguments = [ENVOY, &["--certificate", "/tls.crt", "--private-key", "/tls.key"]].concat();
    let bootstrap = &documents(&render(&arguments, TENANTS))[0];
    let tls = &bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["transport_socket"]["typed_config"];
    assert_eq!(tls["common_tls_context"]["tls_certificates"][0]["private_key"]["filename"], "/tls.key");
    assert_eq!(run(&[ENVOY, &["--certificate", "/tls.crt"]].concat(), TENANTS).0, 2);
}

/// A cluster reaches one server. A provider of several hosts is reached through a listener that
/// sends each call to the cluster of its host; on other platforms there is no such cluster.
#[test]
fn a_provider_of_several_hosts_is_reached_by_its_hosts() {
    let bootstrap = &documents(&render(ENVOY, SEVERAL_HOSTS))[0];
    let hosts = ["accounts.google.com", "oauth2.googleapis.com", "www.googleapis.com"];
    let address =
        &cluster(bootstrap, "google")["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"];
    assert_eq!(address["envoy_internal_address"]["server_listener_name"], "google");
    let listener = &bootstrap["static_resources"]["listeners"][1];
    assert_eq!((&listener["name"], &listener["internal_listener"]), (&json!("google"), &json!({})));
    let routes = &listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["virtual_hosts"];
    for (route, host) in routes.as_array().unwrap().iter().zip(hosts) {
        assert_eq!(route["domains"], json!([host]));
        let name = route["routes"][0]["route"]["cluster"].as_str().unwrap();
        assert_verifies(cluster(bootstrap, name), host, 443);
    }
    assert_eq!(routes.as_array().unwrap().len(), hosts.len());
    assert_eq!(bootstrap["bootstrap_extensions"][0]["name"], "envoy.bootstrap.internal_listener");
    assert!(documents(&render(ENVOY, TENANTS))[0].get("bootstrap_extensions").is_none());
    for arguments in [ISTIO, ENVOY_GATEWAY] {
        let (code, output, errors) = run(arguments, SEVERAL_HOSTS);
        assert_eq!((code, output.as_str()), (2, ""));
        assert!(
            errors.contains("tenant \"acme\": Tenantgate calls accounts.google.com, oauth2.googleapis.com"),
            "{errors}"
        );
    }
}

/// Tenants of one provider share the way to it.
#[test]
fn tenants_of_one_host_share_the_way_to_it() {
    let shared = TENANTS.replace("https://login.globex.example:8443/realms/globex", "https://dex.acme.example/globex");
    let istio = documents(&render(ISTIO, &shared));
    assert_eq!(kind(&istio, "ServiceEntry")["spec"]["hosts"], json!(["dex.acme.example"]));
    kind(&istio, "DestinationRule");
    kind(&documents(&render(ENVOY_GATEWAY, &shared)), "Backend");
    let bootstrap = &documents(&render(ENVOY, &shared.replace("\"globex\"", "dex_acme")))[0];
    assert_eq!(bootstrap["static_resources"]["clusters"].as_array().unwrap().len(), 2);
}

/// A customer can have a host like that of another, and calls to one must not reach the other.
#[test]
fn objects_of_one_name_for_two_hosts_are_refused() {
    let alike = TENANTS.replace("https://login.globex.example:8443/realms/globex", "https://dex-acme.example");
    for arguments in [ISTIO, ENVOY_GATEWAY] {
        let (code, output, errors) = run(arguments, &alike);
        assert_eq!((code, output.as_str()), (2, ""), "{arguments:?}");
        assert!(errors.contains("dex.acme.example would have one name, \"dex-acme-example\""), "{errors}");
    }
    render(ENVOY, &alike);
    let insecure = TENANTS.replace(
        "https://login.globex.example:8443/realms/globex",
        "http://dex.acme.example\n    allow_insecure_issuer: true",
    );
    let (code, _, errors) = run(ENVOY_GATEWAY, &insecure);
    assert_eq!(code, 2);
    assert!(errors.contains("http://dex.acme.example and for https://dex.acme.example"), "{errors}");
}

#[test]
fn istio_verifies_the_provider() {
    let arguments = [ISTIO, &["--namespace", "gateways", "--selector", "app=edge", "--ca", "/ca.pem"]].concat();
    let documents = documents(&render(&arguments, TENANTS));
    let plugin = &kind(&documents, "WasmPlugin")["spec"];
    assert_eq!(plugin["selector"]["matchLabels"], json!({ "app": "edge" }));
    assert_eq!((&plugin["failStrategy"], &plugin["phase"]), (&json!("FAIL_RELOAD"), &json!("AUTHN")));
    let names: Vec<&str> =
        plugin["vmConfig"]["env"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["TENANTGATE_SESSION_KEY", "ACME_CLIENT_KEY", "GLOBEX_CLIENT_SECRET"]);
    let rules = documents.iter().filter(|document| document["kind"] == "DestinationRule");
    for (rule, host) in rules.zip(["dex.acme.example", "login.globex.example"]) {
        let tls = json!({ "mode": "SIMPLE", "sni": host, "subjectAltNames": [host], "caCertificates": "/ca.pem" });
        assert_eq!((&rule["spec"]["host"], &rule["spec"]["trafficPolicy"]["tls"]), (&json!(host), &tls));
        let entry = documents.iter().find(|it| it["kind"] == "ServiceEntry" && it["spec"]["hosts"][0] == host).unwrap();
        assert_eq!(entry["metadata"], rule["metadata"]);
        assert_eq!(entry["metadata"]["namespace"], "gateways");
    }
    let file = [&ISTIO[..4], &["/lib/tenantgate.wasm"]].concat();
    assert_eq!(
        kind(&self::documents(&render(&file, TENANTS)), "WasmPlugin")["spec"]["url"],
        "file:///lib/tenantgate.wasm"
    );
}

/// Only an EnvoyFilter can let the filter read the body of a request in Istio.
#[test]
fn back_channel_logout_takes_an_envoy_filter_in_istio() {
    let tenants = with_backchannel_logout(TENANTS);
    let (code, _, errors) = run(ISTIO, &tenants);
    assert_eq!(code, 2);
    assert!(errors.contains("mount it into the gateway"), "{errors}");
    let arguments = [&ISTIO[..4], &["/lib/tenantgate.wasm"]].concat();
    let documents = documents(&render(&arguments, &tenants));
    let patch = &kind(&documents, "EnvoyFilter")["spec"]["configPatches"][0];
    assert_eq!((&patch["match"]["context"], &patch["patch"]["operation"]), (&json!("GATEWAY"), &json!("INSERT_FIRST")));
    let made = &patch["patch"]["value"]["typed_config"]["config"];
    assert_eq!(
        (&made["allow_on_headers_stop_iteration"], &made["failure_policy"]),
        (&json!(true), &json!("FAIL_RELOAD"))
    );
    assert_eq!(made["vm_config"]["code"]["local"]["filename"], "/lib/tenantgate.wasm");
    assert!(documents.iter().all(|document| document["kind"] != "WasmPlugin"));
}

#[test]
fn envoy_gateway_verifies_the_provider() {
    let arguments = [ENVOY_GATEWAY, &["--namespace", "gateways", "--gateway", "edge"]].concat();
    let documents = documents(&render(&arguments, TENANTS));
    let policy = &kind(&documents, "EnvoyExtensionPolicy")["spec"];
    assert_eq!(policy["targetRefs"][0]["name"], "edge");
    assert_eq!(policy["wasm"][0]["failOpen"], false);
    for (name, host, port) in
        [("dex-acme-example", "dex.acme.example", 443), ("login-globex-example-8443", "login.globex.example", 8443)]
    {
        let named = |kind: &str| {
            let found = documents.iter().find(|it| it["kind"] == kind && it["metadata"]["name"] == name).unwrap();
            assert_eq!(found["metadata"]["namespace"], "gateways");
            &found["spec"]
        };
        assert_eq!(named("Backend")["endpoints"], json!([{ "fqdn": { "hostname": host, "port": port } }]));
        let route = named("HTTPRoute");
        assert_eq!((&route["parentRefs"][0]["name"], &route["hostnames"]), (&json!("edge"), &json!([host])));
        assert_eq!(route["rules"][0]["backendRefs"][0]["name"], name);
        let tls = named("BackendTLSPolicy");
        assert_eq!(tls["targetRefs"][0]["name"], name);
        assert_eq!(tls["validation"], json!({ "hostname": host, "wellKnownCACertificates": "System" }));
    }
    let arguments = [ENVOY_GATEWAY, &["--ca-config-map", "authorities"]].concat();
    let output = render(&arguments, TENANTS);
    let with_map = self::documents(&output);
    let tls = with_map.iter().find(|document| document["kind"] == "BackendTLSPolicy").unwrap();
    let reference = json!([{ "group": "", "kind": "ConfigMap", "name": "authorities" }]);
    assert_eq!(tls["spec"]["validation"]["caCertificateRefs"], reference);
    assert!(!output.contains("System"));
}

#[test]
fn a_patch_sets_what_an_extension_policy_of_envoy_gateway_cannot() {
    let of = |tenants: &str| render(ENVOY_GATEWAY, tenants).split_once("kind: EnvoyPatchPolicy").unwrap().1.to_owned();
    assert_eq!(of(TENANTS), of(&with_backchannel_logout(TENANTS)));
    let arguments = [ENVOY_GATEWAY, &["--namespace", "gateways", "--gateway", "edge", "--listener", "https"]].concat();
    let documents = documents(&render(&arguments, &with_backchannel_logout(TENANTS)));
    let patches = kind(&documents, "EnvoyPatchPolicy")["spec"]["jsonPatches"].as_array().unwrap();
    let set: BTreeSet<(&str, String)> = patches
        .iter()
        .map(|patch| (patch["operation"]["path"].as_str().unwrap(), patch["operation"]["value"].to_string()))
        .collect();
    let expected = [
        ("allow_on_headers_stop_iteration", "true".to_owned()),
        ("disabled", "false".to_owned()),
        ("failure_policy", "\"FAIL_RELOAD\"".to_owned()),
    ];
    assert_eq!(set, expected.into());
    for patch in patches {
        assert_eq!(patch["name"], "gateways/edge/https");
        let path = patch["operation"]["jsonPath"].as_str().unwrap();
        assert!(path.contains("'envoy.filters.http.wasm//gateways/tenantgate/wasm/0'"), "{path}");
    }
}

/// Nothing is made of a file with a mistake, and the variables of this process do not count.
#[test]
fn a_file_with_mistakes_is_not_rendered() {
    for (wrong, right, message) in [
        ("hosts: [globex.example.com]", "hosts: [acme.example.com]", "tenantgate check"),
        ("client_id: tenantgate", "client: tenantgate", "unknown field"),
        ("  lifetime: 8h", "  lifetime: 8", "session.lifetime"),
    ] {
        let (code, output, errors) = run(ENVOY, &TENANTS.replace(wrong, right));
        assert_eq!((code, output.as_str()), (2, ""), "{wrong}");
        assert!(errors.contains(message), "{errors}");
    }
    let (code, _, errors) = run(ENVOY, &TENANTS.replace("dex_acme", "upstream"));
    assert_eq!(code, 2);
    assert!(errors.contains("two clusters \"upstream\""), "{errors}");
}

/// A bootstrap has the clusters for etcd, whose addresses the command line has.
#[test]
fn etcd_has_a_cluster() {
    let of_store = format!("{TENANTS}store: {{etcd: {{cluster: etcd}}}}\n");
    let both = format!(
        "{of_store}tenants_from: {{etcd: {{cluster: etcd_of_tenants, prefix: /tenants/}}, keys: [{{jwk: {{kty: OKP, \
         crv: Ed25519, x: k21Gay-8HqdftfcD3DO_KZmnskfau9PMjPALE2mdIVA}}}}]}}\n"
    );
    let member = |number: u8| format!("https://etcd-{number}.internal:2379");
    let of = |tenants: &str, more: &[&str]| {
        let bootstrap = documents(&render(&[ENVOY, more].concat(), tenants)).remove(0);
        let clusters = bootstrap["static_resources"]["clusters"].as_array().unwrap().clone();
        clusters.into_iter().filter(|cluster| cluster["name"].as_str().unwrap().starts_with("etcd")).collect::<Vec<_>>()
    };
    let name = |host: &str, kind: &str| json!({ "san_type": kind, "matcher": { "exact": host } });
    assert_eq!(of(TENANTS, &[]), Vec::<Value>::new());

    let clear = of(&of_store, &["--etcd", "http://10.0.0.7:2379"]);
    assert_eq!((clear.len(), &clear[0]["type"], clear[0].get("transport_socket")), (1, &json!("STATIC"), None));

    let one = of(&of_store, &["--etcd", &member(0), "--ca", "/ca.pem"]);
    let tls = &one[0]["transport_socket"]["typed_config"];
    let validation = &tls["common_tls_context"]["validation_context"];
    assert_eq!((&tls["sni"], &validation["trusted_ca"]["filename"]), (&json!("etcd-0.internal"), &json!("/ca.pem")));
    assert_eq!(validation["match_typed_subject_alt_names"], json!([name("etcd-0.internal", "DNS")]));
    assert_eq!(tls["common_tls_context"].get("tls_certificates"), None);

    let identity = ["--etcd-certificate", "/c.pem", "--etcd-private-key", "/k.pem", "--etcd-ca", "/etcd.pem"];
    let members = ["--etcd", &member(0), "--etcd", &member(1), "--etcd", "https://10.0.0.7:2379"];
    let several = of(&both, &[&members[..], &identity[..]].concat());
    let names: Vec<&Value> = several.iter().map(|cluster| &cluster["name"]).collect();
    assert_eq!(names, ["etcd", "etcd_of_tenants"]);
    for cluster in &several {
        let tls = &cluster["transport_socket"]["typed_config"];
        let common = &tls["common_tls_context"];
        let names = [name("etcd-0.internal", "DNS"), name("etcd-1.internal", "DNS"), name("10.0.0.7", "IP_ADDRESS")];
        assert_eq!(common["validation_context"]["match_typed_subject_alt_names"], json!(names));
        assert_eq!(common["validation_context"]["trusted_ca"]["filename"], "/etcd.pem");
        assert_eq!(common["tls_certificates"][0]["certificate_chain"]["filename"], "/c.pem");
        assert_eq!((tls.get("sni"), &cluster["type"]), (None, &json!("STRICT_DNS")));
        let endpoints = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"].as_array().unwrap();
        assert_eq!(endpoints.len(), 3);
    }

    for (tenants, more, says) in [
        (
            &of_store,
            &[][..],
            "the configuration has etcd behind the cluster \"etcd\"; say where its members are with `--etcd URL`",
        ),
        (&of_store, &["--etcd", "etcd:2379"], "write it as https://etcd.example:2379, without a user"),
        (
            &of_store,
            &["--etcd", "https://root:secret@etcd:2379"],
            "write it as https://etcd.example:2379, without a user",
        ),
        (&of_store, &["--etcd", "https://a:1", "--etcd", "http://b:1"], "some members have https and others http"),
        (&of_store, &["--etcd", "http://b:1", "--etcd-ca", "/ca.pem"], "has http, so there are no certificates"),
        (&TENANTS.to_owned(), &["--etcd", "https://a:1"], "the configuration has neither `store` nor `tenants_from`"),
        (&TENANTS.to_owned(), &["--etcd-ca", "/ca.pem"], "the configuration has neither `store` nor `tenants_from`"),
        (&of_store.replace("cluster: etcd", "cluster: globex"), &["--etcd", "https://a:1"], "two clusters \"globex\""),
    ] {
        let (code, _, errors) = run(&[ENVOY, more].concat(), tenants);
        assert!(code == 2 && errors.contains(says) && !errors.contains("secret"), "{says}: {errors}");
    }
}

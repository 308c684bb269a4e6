//! What is around the gate: each mistake is found once, by its code, at its place, with what to
//! write instead.

use std::fs;

use serde_json::Value;

use super::mistakes::{assert_one, findings, with};
use super::run;

const ENVOY: &str = include_str!("../../envoy/envoy.yaml");
const ISTIO: &str = include_str!("../../envoy/istio.yaml");
const ISTIO_ENVOY_FILTER: &str = include_str!("../../envoy/istio-envoy-filter.yaml");
const TRAFFIC_EXTENSION: &str = include_str!("../../envoy/istio-traffic-extension.yaml");
const GATEWAY: &str = include_str!("../../envoy/envoy-gateway.yaml");

const PLAIN_ACME: &str = "    - name: provider_acme
      connect_timeout: 1s
      load_assignment:
        cluster_name: provider_acme
        endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 8081}}}}]}]
";

const TLS_ACME: &str = "    - name: provider_acme
      type: LOGICAL_DNS
      connect_timeout: 1s
      load_assignment:
        cluster_name: provider_acme
        endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: dex.acme.example, port_value: 443}}}}]}]
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
          sni: sni.acme.example
          common_tls_context:
            validation_context:
              trusted_ca: {filename: /etc/ssl/certs/ca-certificates.crt}
              match_typed_subject_alt_names: # of acme
                - {san_type: DNS, matcher: {exact: dex.acme.example}}
";

/// The configuration of this repository with an https issuer for acme, and TLS to it.
fn https() -> String {
    let text = ENVOY.replace("http://login-acme.localhost:8081", "https://dex.acme.example");
    let text = text.replace("http://acme.localhost:8080/", "https://acme.example.com/");
    let text = text.replace("acme.localhost", "acme.example.com");
    let text = with(&text, "                                allow_insecure_issuer: true # for development only\n", "");
    with(&text, PLAIN_ACME, &TLS_ACME.replace("sni.acme.example", "dex.acme.example"))
}

/// The same with something else in place of the TLS context.
fn https_with(from: &str, to: &str) -> String {
    with(&https(), from, to)
}

/// The only finding, with this code and severity.
#[track_caller]
fn one(text: &str, code: &str, severity: &str) -> Value {
    let found = findings(text);
    let [(one, _)] = &found[..] else { panic!("{found:#?}") };
    assert_eq!((one["code"].as_str(), one["severity"].as_str()), (Some(code), Some(severity)), "{one:#}");
    one.clone()
}

/// The codes of all findings. TG228 is about an address at another host, whatever is around.
fn codes(text: &str) -> Vec<String> {
    findings(text).into_iter().map(|(one, _)| one["code"].as_str().unwrap().to_owned()).collect()
}

/// The YAML that a help ends with, indented.
fn yaml(found: &Value, spaces: usize) -> String {
    let help = found["help"].as_str().unwrap();
    let lines = help.lines().skip(1);
    lines.map(|line| format!("{}{line}\n", " ".repeat(spaces))).collect()
}

const CONTEXT: &str =
    "          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
          sni: dex.acme.example
          common_tls_context:
            validation_context:
              trusted_ca: {filename: /etc/ssl/certs/ca-certificates.crt}
              match_typed_subject_alt_names: # of acme
                - {san_type: DNS, matcher: {exact: dex.acme.example}}\n";

/// The TLS context within a message of this type and field.
fn within(kind: &str, field: &str, indent: &str) -> String {
    let inner: String = CONTEXT.lines().map(|line| format!("{indent}{line}\n")).collect();
    format!(
        "          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.{kind}\n          {field}\n{inner}"
    )
}

const SNI: &str = "          sni: dex.acme.example\n";
const TRUSTED_CA: &str = "              trusted_ca: {filename: /etc/ssl/certs/ca-certificates.crt}\n";
const SAN: &str = "                - {san_type: DNS, matcher: {exact: dex.acme.example}}\n";
const SANS: &str = "              match_typed_subject_alt_names: # of acme
                - {san_type: DNS, matcher: {exact: dex.acme.example}}\n";
const SOCKET: &str = "      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\n";

fn without_tls() -> String {
    let text = https();
    let start = text.find(SOCKET).unwrap();
    let end = text.find("    - name: provider_globex\n").unwrap();
    format!("{}{}", &text[..start], &text[end..])
}

#[test]
fn a_cluster_with_all_checks_is_in_order() {
    assert_eq!(findings(&https()), []);
    let wrapped = within(
        "http_11_proxy.v3.Http11ProxyUpstreamTransport",
        "transport_socket:\n            name: tls\n            typed_config:",
        "    ",
    );
    let quic = within("quic.v3.QuicUpstreamTransport", "upstream_tls_context:", "  ");
    for text in [&wrapped, &quic] {
        // The checks are those of the inner message.
        let text = https_with(CONTEXT, text);
        assert_eq!(findings(&text), []);
        assert_one(
            &with(&text, "{exact: dex.acme.example}", "{exact: dex.globex.example}"),
            "TG124",
            "- {san_type: DNS, matcher: {exact: dex.globex.example}}",
            "exact: \"dex.acme.example\"",
        );
    }
    for (from, to) in [
        // The host of each request decides.
        (SOCKET, &*format!("      {AUTO}\n{SOCKET}")),
        (SNI, "          sni: dex.acme.example\n          auto_sni_san_validation: true\n"),
        (SNI, "          auto_host_sni: true\n          auto_sni_san_validation: true\n"),
        // Both spellings of the names of fields.
        ("matcher: {exact: dex.acme.example}", "matcher: {exact: \"*.acme.example\"}"),
        ("match_typed_subject_alt_names", "matchTypedSubjectAltNames"),
        ("              trusted_ca:", "              trustedCa:"),
        // What Envoy fetches is not known.
        ("            validation_context:\n", "            combined_validation_context:\n"),
        (
            "            validation_context:\n",
            "            validation_context_sds_secret_config: {name: a}\n            other:\n",
        ),
        // Names that are not compared: URIs, regular expressions.
        (SAN, "                - {san_type: URI, matcher: {exact: \"spiffe://acme/dex\"}}\n"),
        (SAN, "                - {san_type: DNS, matcher: {safe_regex: {regex: dex.*}}}\n"),
        // One certificate is pinned.
        (
            TRUSTED_CA,
            "              trust_chain_verification: ACCEPT_UNTRUSTED\n              verify_certificate_hash: [ab]\n",
        ),
        (TRUSTED_CA, "              verify_certificate_spki: [NvqYIYSbgK2vCJpQhObf77vv+bQWtc5ek5RIOwPiC9A=]\n"),
        // Another name of the server, whose certificate is for the host of the issuer.
        ("address: dex.acme.example", "address: eu-1.login.example"),
        ("      transport_socket:\n", "      transport_socket_matches: [{name: a}]\n      transport_socket:\n"),
        // Google has its token endpoint at another host.
        (SAN, &*SAN.replace("dex.acme.example", "oauth2.acme.example")),
    ] {
        let text = https_with(from, to);
        let text = if to.contains("oauth2.acme.example") {
            let origins = "cluster: provider_acme\n                                  discovery: true\n                                  \
                           trusted_origins: [https://oauth2.acme.example]\n";
            let text = with(&text, "cluster: provider_acme\n", origins);
            let is_explicit = |line: &&str| line.contains("_endpoint: https://dex.acme.example/");
            text.lines().filter(|line| !is_explicit(line)).map(|line| format!("{line}\n")).collect()
        } else {
            text
        };
        assert_eq!(findings(&text), [], "{to}");
    }
}

const AUTO: &str = "typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: \
                    {upstream_http_protocol_options: {auto_sni: true, auto_san_validation: true}}}";

#[test]
fn a_cluster_that_is_not_there() {
    let provider = "                                  cluster: provider_acme\n";
    assert_one(
        &https_with(provider, &provider.replace("acme", "acem")),
        "TG120",
        "provider_acem",
        "write `cluster: provider_acme`",
    );
    assert_one(
        &https_with(provider, &provider.replace("provider_", "")),
        "TG120",
        "acme",
        "write `cluster: provider_acme`",
    );
    let text = with(&https(), PLAIN_GLOBEX, "");
    let found = one(&text, "TG120", "error");
    assert_eq!(found["path"], "provider.cluster");
    // What the help says is all that is needed.
    assert_eq!(findings(&format!("{text}{}", yaml(&found, 4))), []);
}

const PLAIN_GLOBEX: &str = "    - name: provider_globex
      connect_timeout: 1s
      load_assignment:
        cluster_name: provider_globex
        endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 8082}}}}]}]
";

/// Where the file does not have the clusters, nothing is said about them.
#[test]
fn clusters_of_other_files_are_not_missed() {
    let start = ENVOY.find("\n  clusters:\n").unwrap();
    assert_eq!(findings(&ENVOY[..start]), []);
    let dynamic = with(
        &with(ENVOY, PLAIN_GLOBEX, ""),
        "static_resources:",
        "dynamic_resources: {cds_config: {ads: {}}}\nstatic_resources:",
    );
    assert_eq!(findings(&dynamic), []);
    // A URL is a mistake of another kind.
    let url = with(ENVOY, "cluster: provider_globex\n", "cluster: http://login-globex.localhost:8082\n");
    assert!(findings(&url).iter().all(|(found, _)| found["code"] != "TG120"));
}

#[test]
fn two_issuers_with_one_cluster() {
    let globex = "                                  cluster: provider_globex\n";
    let text = with(ENVOY, globex, &globex.replace("globex", "acme"));
    assert_one(&text, "TG121", "provider_acme", "write `cluster: provider_globex`");
    // The one that is wrong is the one that the cluster is not for.
    let acme = "                                  cluster: provider_acme\n";
    let text = with(ENVOY, acme, &acme.replace("acme", "globex"));
    let found = one(&text, "TG121", "error");
    assert_eq!(
        (&found["subject"], &found["help"]),
        (&"tenant \"acme\"".into(), &"write `cluster: provider_acme`".into())
    );
    // Whatever their names are.
    let text = https().replace("provider_acme", "idp_1");
    let text = with(&text, "cluster: provider_globex\n", "cluster: idp_1\n").replace("name: acme\n", "name: zeta\n");
    let tenants: Vec<&str> = text.split("                              - name: ").collect();
    let [head, zeta, second] = tenants[..] else { panic!() };
    let (second, rest) = second.split_once("                  - name: envoy.filters.http.router").unwrap();
    let swapped = format!(
        "{head}                              - name: {second}                              - name: {zeta}                  - name: envoy.filters.http.router{rest}"
    );
    assert_eq!(one(&swapped, "TG121", "error")["subject"], "tenant \"globex\"");
    // A configuration alone has the mistake, too.
    let start = ENVOY.find("                            session:\n").unwrap();
    let end = ENVOY.find("                  - name: envoy.filters.http.router\n").unwrap();
    let alone = with(&ENVOY[start..end], globex, &globex.replace("globex", "acme"));
    assert_one(&alone, "TG121", "provider_acme", "a cluster of its own");
}

/// Issuers of one server share a cluster, and so do those whose certificates are checked for each
/// request, or that an internal listener tells apart.
#[test]
fn clusters_that_are_for_many() {
    let shared = |text: &str| {
        let text = text.replace("http://login-globex.localhost:8082", "https://dex.globex.example");
        let text = text.replace("http://globex.localhost:8080/", "https://globex.example.com/");
        let text = text.replace("globex.localhost", "globex.example.com");
        let text = with(&text, "                                allow_insecure_issuer: true\n", "");
        with(&text, "cluster: provider_globex\n", "cluster: provider_acme\n")
    };
    assert_one(&shared(&https()), "TG121", "provider_acme", "write `cluster: provider_globex`");
    assert_eq!(findings(&shared(&https_with(SOCKET, &format!("      {AUTO}\n{SOCKET}")))), []);
    let inside = https_with(
        "socket_address: {address: dex.acme.example, port_value: 443}",
        "envoy_internal_address: {server_listener_name: egress}",
    );
    assert_eq!(findings(&shared(&inside)), []);
    // Without TLS of its own: that is behind the listener.
    let (start, end) = (inside.find(SOCKET).unwrap(), inside.find("    - name: provider_globex\n").unwrap());
    assert_eq!(findings(&shared(&format!("{}{}", &inside[..start], &inside[end..]))), []);
    let realm = |text: &str| text.replace("https://dex.globex.example", "https://dex.acme.example/globex");
    assert_eq!(findings(&realm(&shared(&https()))), []);
    // The issuers are of one server, the endpoints are not.
    let endpoint =
        realm(&shared(&https())).replace("https://dex.acme.example/globex/token", "https://token.acme.example/globex");
    assert_eq!(codes(&endpoint), ["TG228"]);
}

#[test]
fn an_https_issuer_without_tls() {
    let text = without_tls();
    let found = one(&text, "TG122", "error");
    assert_eq!((&found["subject"], &found["path"]), (&"cluster \"provider_acme\"".into(), &"transport_socket".into()));
    let text =
        with(&text, "    - name: provider_globex\n", &format!("{}    - name: provider_globex\n", yaml(&found, 6)));
    assert_eq!(findings(&text), []);
    let raw = SOCKET.replace("sockets.tls\n", "sockets.raw_buffer\n");
    assert_one(&https_with(SOCKET, &raw), "TG122", "transport_socket", "sni: dex.acme.example");
}

#[test]
fn certificates_that_nothing_confirms() {
    let text = https_with(TRUSTED_CA, "");
    assert_one(&text, "TG123", "validation_context", "trusted_ca: {filename: /etc/ssl/certs/ca-certificates.crt}");
    let from = "            validation_context:\n";
    let start = https().find(from).unwrap();
    let end = https().find("    - name: provider_globex\n").unwrap();
    let text = format!("{}            tls_params: {{}}\n{}", &https()[..start], &https()[end..]);
    let found = one(&text, "TG123", "error");
    assert_eq!(findings(&with(&text, "            tls_params: {}\n", &yaml(&found, 12))), []);
    let text =
        https_with(TRUSTED_CA, &format!("{TRUSTED_CA}              trust_chain_verification: ACCEPT_UNTRUSTED\n"));
    assert_one(&text, "TG123", "ACCEPT_UNTRUSTED", "trust_chain_verification: VERIFY_TRUST_CHAIN");
}

#[test]
fn certificates_for_any_host() {
    let text = https_with(SANS, "");
    let found = one(&text, "TG124", "error");
    assert!(found["message"].as_str().unwrap().contains("dex.acme.example"), "{found:#}");
    assert_eq!(findings(&with(&text, TRUSTED_CA, &format!("{TRUSTED_CA}{}", yaml(&found, 14)))), []);
    let other = https_with(SAN, &SAN.replace("dex.acme", "dex.globex"));
    assert_one(
        &other,
        "TG124",
        SAN.trim().replace("acme", "globex").as_str(),
        "matcher: {exact: \"dex.acme.example\"}",
    );
    for matcher in ["prefix: dex.", "suffix: acme.example", "contains: acme"] {
        one(&https_with(SAN, &SAN.replace("exact: dex.acme.example", matcher)), "TG124", "warning");
    }
}

#[test]
fn a_server_that_does_not_learn_its_name() {
    assert_one(
        &https_with(SNI, ""),
        "TG125",
        "\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "write `sni: dex.acme.example`",
    );
    assert_one(
        &https_with(SNI, &SNI.replace("acme", "globex")),
        "TG125",
        "dex.globex.example",
        "write `sni: dex.acme.example`",
    );
}

#[test]
fn a_cluster_that_leads_elsewhere() {
    // Nothing checks who answers.
    let plain = with(ENVOY, "address: 127.0.0.1, port_value: 8081", "address: login.acme.example, port_value: 8081");
    assert_one(&plain, "TG126", "login.acme.example", "write `address: login-acme.localhost`");
    let inside =
        with(ENVOY, "address: 127.0.0.1, port_value: 8081", "address: dex.dex.svc.cluster.local, port_value: 8081");
    assert_eq!(findings(&inside), []);
    let service = with(&inside, "svc.cluster.local", "svc.prod.example");
    assert_eq!(findings(&service), []);
    // The certificate is the mistake, not the address.
    let other = https_with("address: dex.acme.example", "address: eu-1.login.example");
    one(&with(&other, SAN, &SAN.replace("acme", "globex")), "TG124", "error");
    // Another port of the host.
    let port = https_with("dex.acme.example, port_value: 443", "dex.acme.example, port_value: 80");
    assert_one(&port, "TG126", "80", "write `port_value: 443`");
    one(&port, "TG126", "warning");
    // The keys come from another host, which the cluster reaches, too.
    let keys = https_with("address: dex.acme.example", "address: keys.acme.example");
    let keys = with(
        &keys,
        TRUSTED_CA,
        &TRUSTED_CA.replace(
            "trusted_ca",
            "verify_certificate_spki: [NvqYIYSbgK2vCJpQhObf77vv+bQWtc5ek5RIOwPiC9A=]\n              trusted_ca",
        ),
    );
    one(&keys, "TG126", "warning");
    let uri = "cluster: provider_acme\n                                  jwks_uri: https://keys.acme.example/jwks\n";
    assert_eq!(codes(&with(&keys, "cluster: provider_acme\n", uri)), ["TG228"]);
    // All of the cluster is for another server.
    let (start, end) =
        (https().find(PROVIDER_CLUSTERS).unwrap(), https().find("    - name: provider_globex\n").unwrap());
    let clusters = https()[start..end].replace("dex.acme.example", "dex.globex.example");
    let text = format!("{}{clusters}{}", &https()[..start], &https()[end..]);
    assert_one(&text, "TG126", "dex.globex.example", "write `address: dex.acme.example`");
    one(&text, "TG126", "error");
}

const PROVIDER_CLUSTERS: &str = "    - name: provider_acme\n      type: LOGICAL_DNS\n";

#[test]
fn tls_to_an_http_issuer() {
    let text = https().replace("https://dex.acme.example", "http://dex.acme.example");
    let text = with(
        &text,
        "client_secret: {env: ACME",
        "allow_insecure_issuer: true\n                                client_secret: {env: ACME",
    );
    // That the issuer is an http one is a warning of its own.
    assert_eq!(codes(&text), ["TG226", "TG127"]);
}

#[test]
fn clusters_without_a_server() {
    let dynamic = "      cluster_type:
        name: envoy.clusters.dynamic_forward_proxy
        typed_config: {\"@type\": type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig}\n";
    assert_one(&https_with("      type: LOGICAL_DNS\n", dynamic), "TG128", "cluster_type", "type: LOGICAL_DNS");
    let original = https_with("      type: LOGICAL_DNS\n", "      type: ORIGINAL_DST\n");
    assert_one(&original, "TG128", "ORIGINAL_DST", "type: LOGICAL_DNS");
}

#[test]
fn options_of_the_plugin() {
    let name = "name: tenantgate";
    for (text, from, to, code, severity, pointed, help) in [
        (
            ENVOY,
            "failure_policy: FAIL_RELOAD",
            "failure_policy: FAIL_OPEN",
            "TG130",
            "error",
            "FAIL_OPEN",
            "write `failure_policy: FAIL_RELOAD`",
        ),
        (
            ENVOY,
            "failure_policy: FAIL_RELOAD",
            "fail_open: true",
            "TG130",
            "error",
            "true",
            "write `failure_policy: FAIL_RELOAD`",
        ),
        (
            ENVOY,
            "failure_policy: FAIL_RELOAD",
            "failurePolicy: FAIL_OPEN",
            "TG130",
            "error",
            name,
            "write `failure_policy: FAIL_RELOAD`",
        ),
        (
            ISTIO,
            "failStrategy: FAIL_RELOAD",
            "failStrategy: FAIL_OPEN",
            "TG130",
            "error",
            "FAIL_OPEN",
            "write `failStrategy: FAIL_RELOAD`",
        ),
        (
            TRAFFIC_EXTENSION,
            "failStrategy: FAIL_RELOAD",
            "failStrategy: FAIL_OPEN",
            "TG130",
            "error",
            "FAIL_OPEN",
            "write `failStrategy: FAIL_RELOAD`",
        ),
        (GATEWAY, "failOpen: false", "failOpen: true", "TG130", "error", "true", "write `failOpen: false`"),
        (
            ENVOY,
            "failure_policy: FAIL_RELOAD",
            "failure_policy: FAIL_CLOSED",
            "TG131",
            "warning",
            "FAIL_CLOSED",
            "write `failure_policy: FAIL_RELOAD`",
        ),
        (ENVOY, "failure_policy: FAIL_RELOAD", "", "TG131", "warning", name, "write `failure_policy: FAIL_RELOAD`"),
        (
            ISTIO,
            "failStrategy: FAIL_RELOAD",
            "",
            "TG131",
            "warning",
            "selector: {matchLabels: {istio: ingressgateway}}",
            "write `failStrategy: FAIL_RELOAD`",
        ),
        (
            TRAFFIC_EXTENSION,
            "failStrategy: FAIL_RELOAD",
            "failStrategy: FAIL_CLOSE",
            "TG131",
            "warning",
            "FAIL_CLOSE",
            "write `failStrategy: FAIL_RELOAD`",
        ),
        (
            ENVOY,
            "allow_on_headers_stop_iteration: true",
            "",
            "TG132",
            "warning",
            name,
            "write `allow_on_headers_stop_iteration: true`",
        ),
        (
            ENVOY,
            "allow_on_headers_stop_iteration: true",
            "allow_on_headers_stop_iteration: false",
            "TG132",
            "warning",
            "false",
            "write `allow_on_headers_stop_iteration: true`",
        ),
        (ENVOY, "vm_id: tenantgate\n", "\n", "TG133", "warning", "vm_config", "write `vm_id: tenantgate`"),
    ] {
        let text = with(text, from, to);
        one(&text, code, severity);
        assert_one(&text, code, pointed, help);
    }
}

#[test]
fn another_plugin_with_the_id_of_the_gate() {
    let router = "                  - name: envoy.filters.http.router\n";
    let plugin = "                  - name: other
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
                      config: {name: other, vm_config: {vm_id: tenantgate, code: {local: {filename: other.wasm}}}}\n";
    let text = with(ENVOY, router, &format!("{plugin}{router}"));
    assert_one(&text, "TG133", "tenantgate", "an id of its own");
    assert_eq!(findings(&with(&text, "{vm_id: tenantgate,", "{vm_id: other,")), []);
}

/// A WasmPlugin and a TrafficExtension have no such option, and nothing can patch it into them.
#[test]
fn back_channel_logout_in_istio() {
    for (text, indent) in [(ISTIO, "        "), (TRAFFIC_EXTENSION, "          ")] {
        let logout = format!("discovery: true\n{indent}login: {{backchannel_logout_path: /logout}}\n");
        let text = with(text, "discovery: true\n", &logout);
        one(&text, "TG132", "warning");
        assert_one(&text, "TG132", "/logout", "operation: INSERT_FIRST");
    }
    let (_, rest) = ISTIO.split_once("---\n").unwrap();
    let text = format!("{ISTIO_ENVOY_FILTER}---\n{rest}");
    assert_eq!(findings(&text), []);
    let option = "              allow_on_headers_stop_iteration: true\n";
    assert_one(&with(&text, option, ""), "TG132", "name: tenantgate", "write `allow_on_headers_stop_iteration: true`");
}

/// What an EnvoyExtensionPolicy cannot say, an EnvoyPatchPolicy sets.
#[test]
fn patches_of_envoy_gateway() {
    assert_eq!(findings(GATEWAY), []);
    let (rest, _) = GATEWAY.rsplit_once("---\n").unwrap();
    assert_eq!(codes(rest), ["TG144", "TG131", "TG132"]);
    let found = findings(rest);
    // The policy of one help is enough for all.
    for (found, _) in &found {
        assert_eq!(found["severity"], "warning");
        assert_eq!(findings(&format!("{rest}---\n{}", yaml(found, 0))), []);
    }
    // It has to be for this filter of this Gateway.
    let policy = yaml(&found[0].0, 0);
    for (from, to) in [("wasm/0')", "wasm/1')"), ("name: eg}", "name: other}")] {
        assert_eq!(findings(&format!("{rest}---\n{}", policy.replace(from, to))), found, "{to}");
    }
    for (from, to, code) in [
        ("value: true", "value: false", "TG132"),
        ("value: FAIL_RELOAD", "value: FAIL_CLOSED", "TG131"),
        ("value: false", "value: true", "TG144"),
    ] {
        one(&with(GATEWAY, from, to), code, "warning");
    }
    // Without a back-channel logout, no body is needed.
    let without = with(GATEWAY, "backchannel_logout_path: /oauth2/backchannel-logout", "keep_id_token: true");
    assert_eq!(findings(&with(&without, "value: true", "value: false")), []);
    // No policy is nearer to a route than its own.
    let route = "name: eg}\n  wasm:";
    let of_route = with(GATEWAY, &format!("kind: Gateway, {route}"), &format!("kind: HTTPRoute, {route}"));
    assert_eq!(findings(&with(&of_route, "value: false", "value: true")), []);
}

#[test]
fn a_second_policy_for_the_gateway() {
    let policy = |target: &str, namespace: &str| {
        format!(
            "{GATEWAY}---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyExtensionPolicy\nmetadata: {{name: \
             other, namespace: {namespace}}}\nspec:\n  targetRefs: [{{group: gateway.networking.k8s.io, {target}}}]\n"
        )
    };
    let text = policy("kind: Gateway, name: eg", "default");
    one(&text, "TG144", "warning");
    let place = "[{group: gateway.networking.k8s.io, kind: Gateway, name: eg}]";
    assert_one(&text, "TG144", place, "into the policy of Tenantgate");
    for (target, namespace) in [
        ("kind: Gateway, name: internal", "default"),
        ("kind: Gateway, name: eg", "other"),
        ("kind: HTTPRoute, name: eg", "default"),
    ] {
        assert_eq!(findings(&policy(target, namespace)), [], "{target} {namespace}");
    }
}

#[test]
fn the_chain_of_filters() {
    let router = "                  - name: envoy.filters.http.router
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\n";
    let first = "                http_filters:\n";
    let without = with(ENVOY, router, "");
    assert_one(&without, "TG140", "tenantgate", "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router");
    let before = with(&without, first, &format!("{first}{router}"));
    assert_one(&before, "TG140", "envoy.filters.http.router", "at the end of `http_filters`");
    one(&before, "TG140", "error");

    let filter = |name: &str, config: &str| {
        format!(
            "                  - name: {name}\n                    typed_config:\n                      \"@type\": \
             type.googleapis.com/envoy.extensions.filters.http.{name}\n                      {config}\n"
        )
    };
    let header = "rules: {policies: {a: {permissions: [{any: true}], principals: [{header: {name: x-role, string_match: {exact: a}}}]}}}";
    let host = "rules: {policies: {a: {permissions: [{header: {name: \":authority\", string_match: {exact: a}}}], principals: [{remote_ip: {address_prefix: 10.0.0.0}}]}}}";
    let state = "rules: {policies: {a: {permissions: [{any: true}], principals: [{filter_state: {key: wasm.tenantgate.tenant, string_match: {exact: a}}}]}}}";
    let lua = "default_source_code: {inline_string: 'function envoy_on_request(h) h:headers():get(\"x-auth-request-user\") end'}";
    for (name, config, is_found) in [
        ("ext_authz.v3.ExtAuthz", "transport_api_version: V3", true),
        ("rbac.v3.RBAC", header, true),
        ("rbac.v3.RBAC", state, true),
        ("rbac.v3.RBAC", host, false),
        ("lua.v3.Lua", lua, true),
        ("jwt_authn.v3.JwtAuthentication", "providers: {}", false),
        ("local_ratelimit.v3.LocalRateLimit", "stat_prefix: a", false),
    ] {
        let filter = filter(name, config);
        let before = with(ENVOY, first, &format!("{first}{filter}"));
        if is_found {
            one(&before, "TG141", "warning");
            assert_one(&before, "TG141", name, "put it behind Tenantgate");
        } else {
            assert_eq!(findings(&before), [], "{name}");
        }
        let behind = with(ENVOY, router, &format!("{filter}{router}"));
        assert_eq!(findings(&behind), [], "{name}");
    }
}

/// The headers are those of the configuration.
#[test]
fn a_filter_that_reads_renamed_headers() {
    let text = with(
        ENVOY,
        "                                roles:\n",
        "                                headers: {user: remote-user}\n                                roles:\n",
    );
    let first = "                http_filters:\n";
    let lua = format!(
        "{first}                  - name: lua\n                    typed_config:\n                      \"@type\": \
         type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua\n                      default_source_code: \
         {{inline_string: 'h:headers():get(\"Remote-User\")'}}\n"
    );
    assert_one(&with(&text, first, &lua), "TG141", "lua", "put it behind Tenantgate");
    assert_eq!(findings(&with(ENVOY, first, &lua)), []);
}

#[test]
fn the_phase_and_the_policies_of_istio() {
    for text in [ISTIO, TRAFFIC_EXTENSION] {
        assert_one(&with(text, "phase: AUTHN", ""), "TG141", "spec", "write `phase: AUTHN` in `spec`");
        assert_one(&with(text, "phase: AUTHN", "phase: AUTHZ"), "TG141", "AUTHZ", "write `phase: AUTHN`");
    }
    assert_one(&with(ISTIO, "action: DENY", "action: CUSTOM"), "TG141", "CUSTOM", "`action: DENY`");
}

#[test]
fn external_authorization_in_envoy_gateway() {
    let policy = "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\nmetadata: {name: a, namespace: \
                  default}\nspec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: a}], extAuth: \
                  {http: {}}}\n";
    let text = format!("{GATEWAY}{policy}");
    one(&text, "TG141", "warning");
    assert_one(&text, "TG141", "{http: {}}", "EnvoyProxy");
    let help = yaml(&one(&text, "TG141", "warning"), 2);
    let proxy = "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyProxy\nmetadata: {name: eg}\nspec:\n";
    assert_eq!(findings(&format!("{text}{proxy}{help}")), []);
    assert_eq!(findings(&with(&text, "extAuth: {http: {}}", "jwt: {providers: []}")), []);
}

/// The whole filter in an EnvoyFilter, which Istio has for what a WasmPlugin cannot say.
#[test]
fn an_envoy_filter() {
    let text = format!("{ENVOY_FILTER}---\n{}", ISTIO.split_once("---\n").unwrap().1);
    assert_eq!(findings(&text), []);
    let next =
        "match: {context: GATEWAY, listener: {filterChain: {filter: {subFilter: {name: envoy.filters.http.router}}}}}";
    let last = with(&with(&text, "match: {context: GATEWAY}", next), "INSERT_FIRST", "INSERT_BEFORE");
    assert_one(&last, "TG141", "INSERT_BEFORE", "operation: INSERT_FIRST");
    assert_eq!(findings(&with(&last, "envoy.filters.http.router", "envoy.filters.http.jwt_authn")), []);
    for (from, to, code, pointed, help) in [
        ("INSERT_FIRST", "ADD", "TG141", "ADD", "operation: INSERT_FIRST"),
        (
            "failure_policy: FAIL_RELOAD",
            "failure_policy: FAIL_OPEN",
            "TG130",
            "FAIL_OPEN",
            "failure_policy: FAIL_RELOAD",
        ),
        (
            "allow_on_headers_stop_iteration: true",
            "",
            "TG132",
            "name: tenantgate",
            "allow_on_headers_stop_iteration: true",
        ),
        ("vm_id: a, ", "", "TG133", "environment_variables", "vm_id: tenantgate"),
        ("outbound|443||dex.acme.example", "dex_acme", "TG120", "dex_acme", "cluster: outbound|443||dex.acme.example"),
    ] {
        let found = findings(&with(&text, from, to));
        let [(one, at)] = &found[..] else { panic!("{from}: {found:#?}") };
        assert!(one["code"] == code && one["help"].as_str().unwrap().contains(help), "{one:#}");
        assert!(at.contains(pointed), "{at}");
    }
}

const ENVOY_FILTER: &str = r#"
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: tenantgate, namespace: istio-ingress}
spec:
  configPatches:
    - applyTo: HTTP_FILTER
      match: {context: GATEWAY}
      patch:
        operation: INSERT_FIRST
        value:
          name: tenantgate
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
            config:
              name: tenantgate
              failure_policy: FAIL_RELOAD
              allow_on_headers_stop_iteration: true
              vm_config: {vm_id: a, environment_variables: {host_env_keys: [K, S]}}
              configuration:
                "@type": type.googleapis.com/google.protobuf.Struct
                value:
                  session: {keys: [{id: a, env: K}]}
                  tenants:
                    - name: acme
                      hosts: [acme.example]
                      issuer: https://dex.acme.example
                      client_id: g
                      client_secret: {env: S}
                      provider: {cluster: outbound|443||dex.acme.example, discovery: true}
                      login: {backchannel_logout_path: /logout}
"#;

#[test]
fn the_options_of_the_connection_manager() {
    let manager = "\"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    for (from, to, pointed) in [
        ("normalize_path: true", "", manager),
        ("normalize_path: true", "normalize_path: false", "false"),
        ("merge_slashes: true", "", manager),
        ("path_with_escaped_slashes_action: REJECT_REQUEST", "", manager),
    ] {
        assert_one(&with(ENVOY, from, to), "TG142", pointed, if to.is_empty() { from } else { "normalize_path: true" });
    }
    // Without rules about paths, nothing depends on it.
    let text = with(ENVOY, "normalize_path: true", "")
        .replace("{paths: [/healthz], ", "{")
        .replace("{paths: [/admin/*], ", "{hosts: [acme.localhost], ");
    assert!(findings(&text).iter().all(|(found, _)| found["code"] != "TG142"));
    assert_eq!(
        findings(&with(
            ENVOY,
            "path_with_escaped_slashes_action: REJECT_REQUEST",
            "path_with_escaped_slashes_action: KEEP_UNCHANGED"
        )),
        []
    );

    let rule = with(ENVOY, "{paths: [/admin/*], allow", "{paths: [/admin/*], client_ips: [10.0.0.0/8], allow");
    let rule = with(
        &rule,
        "                                  - {allow: {groups",
        "                                  - {paths: [/admin/*], deny: true}\n                                  - {allow: {groups",
    );
    assert_eq!(findings(&rule), []);
    assert_one(&with(&rule, "use_remote_address: true", ""), "TG143", manager, "write `use_remote_address: true`");
    assert_one(
        &with(&rule, "use_remote_address: true", "use_remote_address: false"),
        "TG143",
        "false",
        "write `use_remote_address: true`",
    );
    assert_eq!(findings(&with(&rule, "use_remote_address: true", "original_ip_detection_extensions: [{name: a}]")), []);
    assert_eq!(findings(&with(ENVOY, "use_remote_address: true", "")), []);
}

#[test]
fn requests_without_the_filter() {
    let filter = "                  - name: tenantgate\n";
    assert_one(
        &with(ENVOY, filter, &format!("{filter}                    disabled: true\n")),
        "TG144",
        "true",
        "remove `disabled`",
    );
    assert_one(
        &with(ENVOY, filter, &format!("{filter}                    is_optional: true\n")),
        "TG144",
        "true",
        "remove `is_optional`",
    );
    let route = "                          route: {cluster: upstream}\n";
    let off = format!(
        "{route}                          typed_per_filter_config:\n                            tenantgate: {{\"@type\": \
         type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}\n"
    );
    assert_one(&with(ENVOY, route, &off), "TG144", "true", "allow: public");
    assert_eq!(findings(&with(&with(ENVOY, route, &off), "tenantgate: {\"@type\"", "lua: {\"@type\"")), []);
}

#[test]
fn service_entries_and_destination_rules() {
    let name = "outbound|443||dex.acme.example";
    for (from, to, code, severity, pointed, help) in [
        (name, "dex_acme", "TG120", "warning", "dex_acme", "write `cluster: outbound|443||dex.acme.example`"),
        (
            name,
            "outbound|8443||dex.acme.example",
            "TG120",
            "error",
            "outbound|8443||dex.acme.example",
            "write `cluster: outbound|443||dex.acme.example`",
        ),
        (
            "hosts: [dex.acme.example]",
            "hosts: [login.acme.example]",
            "TG120",
            "error",
            name,
            "hosts: [dex.acme.example]",
        ),
        ("mode: SIMPLE", "mode: DISABLE", "TG122", "error", "DISABLE", "mode: SIMPLE"),
        (
            "host: dex.acme.example",
            "host: other.acme.example",
            "TG122",
            "error",
            "dex-acme-example",
            "kind: DestinationRule",
        ),
        (
            "mode: SIMPLE",
            "mode: SIMPLE\n      insecureSkipVerify: true",
            "TG123",
            "error",
            "true",
            "remove `insecureSkipVerify`",
        ),
        (
            "      caCertificates: /etc/ssl/certs/ca-certificates.crt\n",
            "",
            "TG123",
            "warning",
            "mode: SIMPLE",
            "caCertificates: /etc/ssl/certs/ca-certificates.crt",
        ),
        (
            "      subjectAltNames: [dex.acme.example]\n",
            "",
            "TG124",
            "error",
            "mode: SIMPLE",
            "write `subjectAltNames: [dex.acme.example]`",
        ),
        (
            "subjectAltNames: [dex.acme.example]",
            "subjectAltNames: [dex.globex.example]",
            "TG124",
            "error",
            "[dex.globex.example]",
            "write `subjectAltNames: [dex.acme.example]`",
        ),
        ("      sni: dex.acme.example\n", "", "TG125", "warning", "mode: SIMPLE", "write `sni: dex.acme.example`"),
        (
            "sni: dex.acme.example",
            "sni: dex.globex.example",
            "TG125",
            "warning",
            "dex.globex.example",
            "write `sni: dex.acme.example`",
        ),
        ("resolution: DNS", "resolution: NONE", "TG128", "error", "NONE", "write `resolution: DNS`"),
        ("  resolution: DNS\n", "", "TG128", "error", "spec", "write `resolution: DNS`"),
    ] {
        let text = with(ISTIO, from, to);
        one(&text, code, severity);
        assert_one(&text, code, pointed, help);
    }
    // Both help texts are enough.
    let rule = ISTIO.find("# A server that answers").unwrap();
    let policies = ISTIO.find("# A second check").unwrap();
    let text = format!("{}{}", &ISTIO[..rule], &ISTIO[policies..]);
    let found = one(&text, "TG122", "error");
    assert_one(&text, "TG122", "dex-acme-example", "kind: DestinationRule");
    assert_eq!(found["subject"], "ServiceEntry \"dex-acme-example\"");
    assert_eq!(findings(&format!("{text}---\n{}", yaml(&found, 0))), []);
    // Of the ServiceEntry, the names count as well.
    let names = with(ISTIO, "      subjectAltNames: [dex.acme.example]\n", "");
    let names = with(&names, "resolution: DNS", "resolution: DNS\n  subjectAltNames: [dex.acme.example]");
    assert_eq!(findings(&names), []);
    // The settings of the port win.
    let port = with(
        ISTIO,
        "  trafficPolicy:\n",
        "  trafficPolicy:\n    portLevelSettings: [{port: {number: 443}, tls: {mode: DISABLE}}]\n",
    );
    assert_one(&port, "TG122", "SIMPLE", "mode: SIMPLE");
    let subset = "  trafficPolicy:\n    tls: {mode: DISABLE}\n  subsets:\n    - name: v1\n      trafficPolicy:\n        tls:\n          mode: SIMPLE";
    let subset = with(ISTIO, "  trafficPolicy:\n    tls:\n      mode: SIMPLE", subset);
    let lines = ["sni: dex", "subjectAltNames: [dex", "caCertificates: /etc"];
    let subset =
        lines.iter().fold(subset, |text, line| with(&text, &format!("      {line}"), &format!("          {line}")));
    assert_eq!(findings(&with(&subset, name, "outbound|443|v1|dex.acme.example")), []);
    one(&subset, "TG122", "error");
    for tls in ["credentialName: dex", "caCertificates: /a.pem"] {
        assert_eq!(findings(&with(ISTIO, "caCertificates: /etc/ssl/certs/ca-certificates.crt", tls)), [], "{tls}");
    }
    assert_eq!(findings(&with(ISTIO, "mode: SIMPLE", "mode: ISTIO_MUTUAL")), []);
    // A port that Istio knows, and the issuer does not have.
    let port = with(ISTIO, "{number: 443, name: https", "{number: 80, name: https");
    assert_one(
        &with(&port, name, "outbound|80||dex.acme.example"),
        "TG126",
        "outbound|80||dex.acme.example",
        "write `cluster: outbound|443||dex.acme.example`",
    );
    // A service of the cluster needs no ServiceEntry.
    assert_eq!(findings(&with(ISTIO, name, "outbound|5556||dex.dex.svc.cluster.local")), []);
}

/// A cluster of Istio has the host of the issuer in its name.
#[test]
fn a_cluster_of_istio_for_another_host() {
    let text = ISTIO.replace("issuer: https://dex.acme.example", "issuer: https://dex.globex.example");
    assert_one(&text, "TG126", "outbound|443||dex.acme.example", "write `cluster: outbound|443||dex.globex.example`");
    one(&text, "TG126", "error");
}

#[test]
fn routes_and_policies_of_envoy_gateway() {
    // The gate of the repository and its patches, with another spelling of the rest.
    let gate = GATEWAY.find("---\n").unwrap();
    let patches = GATEWAY.rfind("---\n").unwrap();
    let text = format!("{}{}{ROUTE}", &GATEWAY[..gate], &GATEWAY[patches..]);
    assert_eq!(findings(&text), []);
    let name = "httproute/default/dex-acme-example/rule/0";
    for (from, to, code, severity, pointed, help) in [
        (name, "dex-acme", "TG120", "warning", "dex-acme", "httproute/<namespace>/<name>/rule/<number>"),
        (
            name,
            "httproute/default/dex-acne-example/rule/0",
            "TG120",
            "warning",
            "httproute/default/dex-acne-example/rule/0",
            "write `cluster: httproute/default/dex-acme-example/rule/0`",
        ),
        (
            name,
            "httproute/default/dex-acme-example/rule/1",
            "TG120",
            "error",
            "httproute/default/dex-acme-example/rule/1",
            "httproute/",
        ),
        (
            "kind: Backend, name: dex-acme-example}\n  validation",
            "kind: Backend, name: other}\n  validation",
            "TG122",
            "error",
            "dex-acme-example",
            "kind: BackendTLSPolicy",
        ),
        (
            "    wellKnownCACertificates: System\n",
            "",
            "TG123",
            "error",
            "hostname: dex.acme.example",
            "wellKnownCACertificates: System",
        ),
        (
            "  endpoints:",
            "  tls: {insecureSkipVerify: true}\n  endpoints:",
            "TG123",
            "error",
            "true",
            "remove `insecureSkipVerify`",
        ),
        (
            "    hostname: dex.acme.example\n",
            "    hostname: dex.globex.example\n",
            "TG124",
            "error",
            "dex.globex.example",
            "write `hostname: dex.acme.example`",
        ),
        (
            "    hostname: dex.acme.example\n",
            "    hostname: dex.acme.example\n    subjectAltNames: [{type: Hostname, hostname: dex.globex.example}]\n",
            "TG124",
            "error",
            "[{type: Hostname, hostname: dex.globex.example}]",
            "hostname: dex.acme.example",
        ),
        ("  endpoints:", "  type: DynamicResolver\n  endpoints:", "TG128", "error", "DynamicResolver", "endpoints"),
    ] {
        let text = with(&text, from, to);
        one(&text, code, severity);
        assert_one(&text, code, pointed, help);
    }
    let policy = text.find("---\napiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy").unwrap();
    let found = one(&text[..policy], "TG122", "error");
    assert_eq!(findings(&format!("{}---\n{}", &text[..policy], yaml(&found, 0))), []);
    // The settings of the Backend are as good as a policy.
    let own = with(&text[..policy], "  endpoints:", "  tls: {wellKnownCACertificates: System}\n  endpoints:");
    assert_eq!(findings(&own), []);
    let sni =
        with(&own, "{wellKnownCACertificates: System}", "{wellKnownCACertificates: System, sni: dex.globex.example}");
    assert_one(&sni, "TG124", "dex.globex.example", "write `sni: dex.acme.example`");
    // The policy wins.
    let both = format!("{sni}{}", &text[policy..]);
    assert_eq!(findings(&both), []);
    assert_one(
        &with(&both, "    hostname: dex.acme.example\n", "    hostname: dex.globex.example\n"),
        "TG124",
        "dex.globex.example",
        "write `hostname: dex.acme.example`",
    );
    // A policy of another namespace is for another backend.
    let elsewhere = "kind: BackendTLSPolicy\nmetadata: {name: dex-acme-example, namespace: other}";
    one(
        &with(&text, "kind: BackendTLSPolicy\nmetadata: {name: dex-acme-example, namespace: default}", elsewhere),
        "TG122",
        "error",
    );
    let elsewhere = "kind: HTTPRoute\nmetadata: {name: dex-acme-example, namespace: other}";
    one(
        &with(&text, "kind: HTTPRoute\nmetadata: {name: dex-acme-example, namespace: default}", elsewhere),
        "TG120",
        "warning",
    );
    assert_one(
        &with(&text, "hostname: dex.acme.example, port: 443", "hostname: dex.acme.example, port: 80"),
        "TG126",
        "80",
        "write `port: 443`",
    );
    let address = with(
        &text,
        "    wellKnownCACertificates: System\n    hostname: dex.acme.example\n",
        "    wellKnownCACertificates: System\n    hostname: dex.globex.example\n",
    );
    let address = with(&address, "hostname: dex.acme.example, port", "hostname: dex.globex.example, port");
    assert_one(&address, "TG126", "dex.globex.example", "write `hostname: dex.acme.example`");
    // Without the Backend and the policy, nothing is known.
    let backend = text.find("---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: Backend\n").unwrap();
    assert_eq!(findings(&text[..backend]), []);
}

const ROUTE: &str = "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: dex-acme-example, namespace: default}
spec:
  rules:
    - backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: dex-acme-example}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata:
  name: dex-acme-example
  namespace: default
spec:
  endpoints: [{fqdn: {hostname: dex.acme.example, port: 443}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: dex-acme-example, namespace: default}
spec:
  targetRefs:
    - {group: gateway.envoyproxy.io, kind: Backend, name: dex-acme-example}
  validation:
    wellKnownCACertificates: System
    hostname: dex.acme.example
";

/// What belongs to a gate may stand in other files: of a folder, or named beside it. A finding has
/// the name of the file that it is about.
#[test]
fn several_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (plugin, rest) = ISTIO.split_once("---\n").unwrap();
    let plugin = write("plugin.yaml", plugin);
    let check = |paths: &[&str]| {
        let arguments = [&["check", "--assume-env", "--format", "json"], paths].concat();
        let (_, output, errors) = run(&arguments, "");
        let report: Value = serde_json::from_str(&output).unwrap_or_else(|_| panic!("{output}{errors}"));
        let found = report["diagnostics"].as_array().unwrap().iter();
        found.map(|one| ["code", "file"].map(|name| one[name].as_str().unwrap().to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(check(&[&plugin]), <[[String; 2]; 0]>::default());
    let rule = write("rule.yaml", rest);
    assert_eq!(check(&[&plugin, &rule]), <[[String; 2]; 0]>::default());
    let rule = write("rule.yaml", &with(rest, "mode: SIMPLE", "mode: DISABLE"));
    let expected = ["TG122".to_owned(), rule.clone()];
    for paths in [&[plugin.as_str(), &rule][..], &[folder.path().to_str().unwrap()]] {
        assert_eq!(check(paths), std::slice::from_ref(&expected));
    }
    // Two gates with one finding about what they share.
    let extension = write("extension.yaml", TRAFFIC_EXTENSION);
    assert_eq!(check(&[&plugin, &rule, &extension]).len(), 1);
    fs::remove_file(extension).unwrap();
    // A file beside it that is neither.
    let other = write("other.yaml", "a: 1\n");
    assert_eq!(check(&[&plugin, &other]), [["TG110".to_owned(), other]]);
    assert_eq!(check(&[&rule]), [["TG110".to_owned(), rule]]);
}

/// Resources of the xDS APIs: the listener refers to the filter by its name.
#[test]
fn resources_in_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = ENVOY.find("                    typed_config:\n                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm").unwrap();
    let router = ENVOY.find("                  - name: envoy.filters.http.router\n").unwrap();
    let ecds = format!(
        "resources:\n                  - \"@type\": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig\n                    \
         name: tenantgate\n{}",
        &ENVOY[plugin..router]
    );
    assert_eq!(findings(&ecds), []);
    let discovery = "                    config_discovery: {config_source: {path_config_source: {path: ecds.yaml}}}\n";
    let listener = format!("{}{discovery}{}", &ENVOY[..plugin], &ENVOY[router..]);
    let check = |listener: &str| {
        fs::write(folder.path().join("ecds.yaml"), &ecds).unwrap();
        fs::write(folder.path().join("listener.yaml"), listener).unwrap();
        let (_, output, _) = run(&["check", folder.path().to_str().unwrap(), "--assume-env", "--format", "json"], "");
        let report: Value = serde_json::from_str(&output).unwrap();
        report["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["code"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(check(&listener), <[String; 0]>::default());
    assert_eq!(check(&with(&listener, "normalize_path: true", "")), ["TG142"]);
    let renamed = with(&listener, "    - name: provider_acme\n", "    - name: provider_acne\n");
    assert_eq!(check(&renamed), ["TG120"]);
    // The clusters are in no file of the gate, so the tool cannot be sure.
    let (code, output, _) = run(&["check", folder.path().to_str().unwrap(), "--assume-env"], "");
    assert!(code == 0 && output.contains("warning[TG120]"), "{output}");
    // Clusters that Envoy gets from a server are not known, unless their file is there.
    let dynamic = with(
        &renamed,
        "static_resources:",
        "dynamic_resources: {cds_config: {path_config_source: {path: cds.yaml}}}\nstatic_resources:",
    );
    assert_eq!(check(&dynamic), <[String; 0]>::default());
    let cluster = "resources:\n  - {\"@type\": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: other}\n";
    fs::write(folder.path().join("cds.yaml"), cluster).unwrap();
    assert_eq!(check(&dynamic), ["TG120"]);
    fs::write(folder.path().join("cds.yaml"), cluster.replace("other", "provider_acme")).unwrap();
    assert_eq!(check(&dynamic), <[String; 0]>::default());
}

/// A configuration alone, with the file of Envoy beside it.
#[test]
fn a_configuration_beside_its_clusters() {
    let folder = tempfile::tempdir().unwrap();
    let start = ENVOY.find("                            session:\n").unwrap();
    let end = ENVOY.find("                  - name: envoy.filters.http.router\n").unwrap();
    let check = |alone: &str, clusters: &str| {
        let (a, b) = (folder.path().join("tenants.yaml"), folder.path().join("envoy.yaml"));
        fs::write(&a, alone).unwrap();
        fs::write(&b, format!("static_resources:\n{clusters}")).unwrap();
        let (_, output, _) =
            run(&["check", a.to_str().unwrap(), b.to_str().unwrap(), "--assume-env", "--format", "json"], "");
        let report: Value = serde_json::from_str(&output).unwrap();
        report["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["code"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let alone = &ENVOY[start..end];
    let clusters = &ENVOY[ENVOY.find("  clusters:\n").unwrap()..];
    assert_eq!(check(alone, clusters), <[String; 0]>::default());
    // It may be for another Envoy.
    assert_eq!(
        check(alone, &with(clusters, "    - name: provider_acme\n", "    - name: other\n")),
        <[String; 0]>::default()
    );
    let https = https();
    let alone = &https[https.find("                            session:\n").unwrap()
        ..https.find("                  - name: envoy.filters.http.router\n").unwrap()];
    assert_eq!(check(alone, clusters), ["TG122"]);
}

/// What stands in a tenant that is broken is checked, too.
#[test]
fn a_tenant_that_does_not_serve() {
    let text = without_tls();
    let (_, output, _) = run(&["check", "-", "--format", "json"], &text);
    let report: Value = serde_json::from_str(&output).unwrap();
    let codes: Vec<&str> =
        report["diagnostics"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert!(codes.contains(&"TG008") && codes.contains(&"TG122"), "{codes:?}");
}

/// No finding shows a secret, wherever in the file it stands.
#[test]
fn no_finding_shows_a_secret() {
    let text = without_tls().replace("https://dex.acme.example", "https://gate:pa55word@dex.acme.example");
    let text = with(&text, "{env: ACME_CLIENT_SECRET}", "pa55word");
    for format in ["human", "json", "sarif", "github"] {
        let (code, output, _) = run(&["check", "-", "--assume-env", "--format", format], &text);
        assert_eq!(code, 1);
        let shown = output.replace("issuer: https://gate:pa55word@", "");
        assert!(format == "human" || !shown.contains("pa55word"), "{format}: {output}");
    }
}

/// The YAML of a help is indented under it.
#[test]
fn help_of_several_lines() {
    let (_, output, _) = run(&["check", "-", "--assume-env"], &without_tls());
    let expected =
        "   help: add to the cluster:\n         transport_socket:\n           name: envoy.transport_sockets.tls\n";
    assert!(output.contains(expected), "{output}");
    let (_, output, _) = run(&["check", "-", "--assume-env", "--format", "github"], &without_tls());
    assert!(output.contains("add to the cluster:%0Atransport_socket:%0A"), "{output}");
}

#[test]
fn each_etcd_needs_a_cluster() {
    let jwk = "{kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}";
    for (section, consequence) in [
        ("store: {etcd: {cluster: CLUSTER}}".to_owned(), "so no replica learns of the sign-outs of others"),
        (
            format!("tenants_from: {{etcd: {{cluster: CLUSTER}}, keys: [{{jwk: {jwk}}}]}}"),
            "so no tenant is found there",
        ),
    ] {
        let etcd = |cluster| {
            let tenants = "                            tenants:";
            let section = section.replace("CLUSTER", cluster);
            with(ENVOY, tenants, &format!("                            {section}\n{tenants}"))
        };
        let found = one(&etcd("etcd"), "TG120", "error");
        let message = format!("there is no cluster \"etcd\" for etcd, {consequence}");
        assert_eq!(found["message"], message.as_str());
        assert!(findings(&etcd("upstream")).is_empty(), "{section}");
    }
}

/// The cluster of envoy/egress.yaml verifies each certificate for the host of its call, so issuers
/// share it.
#[test]
fn one_cluster_for_all_issuers() {
    let text = ENVOY
        .replace("cluster: provider_acme", "cluster: egress")
        .replace("cluster: provider_globex", "cluster: egress")
        .replace("http://login-acme.localhost:8081", "https://dex.acme.example")
        .replace("http://login-globex.localhost:8082", "https://dex.globex.example")
        .replace("allow_insecure_issuer: true", "allow_insecure_issuer: false");
    let egress = include_str!("../../envoy/egress.yaml");
    let codes = |text: &str| -> Vec<String> {
        findings(text).iter().map(|(found, _)| found["code"].as_str().unwrap().to_owned()).collect()
    };
    let both = codes(&format!("{text}\n---\n{egress}"));
    assert!(!both.iter().any(|code| code == "TG120" || code == "TG121" || code == "TG122"), "{both:?}");
    assert!(codes(&text).contains(&"TG120".to_owned()));
}

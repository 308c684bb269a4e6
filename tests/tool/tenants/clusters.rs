//! Whether the Envoy of the gates reaches the provider of a tenant.

use serde_json::{Value, json};

use super::fixture::{Gates, tenant};

/// The file of the gates may be a bootstrap, with the clusters.
#[test]
fn the_cluster_of_a_tenant_has_to_lead_to_its_provider() {
    let gates = Gates::new();
    let configuration: Value =
        serde_json::from_str(&std::fs::read_to_string(gates.path("gate.yaml")).unwrap()).unwrap();
    let etcd = gates.etcd.address;
    let cluster = |name: &str, host: &str, port: u16| {
        json!({
            "name": name, "type": "STRICT_DNS",
            "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": [{ "endpoint": {
                "address": { "socket_address": { "address": host, "port_value": port } },
            } }] }] },
        })
    };
    let bootstrap = json!({ "static_resources": {
        "listeners": [{ "filter": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": { "name": "tenantgate", "configuration": {
                "@type": "type.googleapis.com/google.protobuf.Struct", "value": configuration,
            } },
        } }],
        "clusters": [cluster("etcd", &etcd.ip().to_string(), etcd.port()), cluster("i", "other.example", 443)],
    } });
    gates.file("gate.yaml", &bootstrap.to_string());
    let acme = tenant("acme", "acme.example", "");
    let errors = gates.refused(&acme.replace("cluster: i", "cluster: j"));
    let says = "<stdin>:6:23: error[TG120] tenant \"acme\": provider.cluster: there is no cluster \"j\"";
    assert!(errors.contains(says) && errors.contains("1 error, 0 warnings"), "{errors}");
    let (code, _, errors) = gates.apply(&acme);
    assert_eq!(code, 2, "{errors}");
    let says = "<stdin>: error[TG122] cluster \"i\": transport_socket: has no TLS, so codes, tokens and the client secret for \
                https://login.acme.example would travel in clear\n   help: add to the cluster:\n";
    assert!(errors.contains(says), "{errors}");
}

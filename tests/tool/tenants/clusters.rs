//! Whether the Envoy of the gates reaches the provider of a tenant.

use serde_json::json;

use super::fixture::{Gates, cluster, tenant};

/// The file of the gates may be a bootstrap, with the clusters.
#[test]
fn the_cluster_of_a_tenant_has_to_lead_to_its_provider() {
    let gates = Gates::new();
    let (host, port) = (gates.etcd.address.ip().to_string(), gates.etcd.address.port());
    gates.add_clusters(&json!([cluster("etcd", &[(&host, port)]), cluster("i", &[("other.example", 443)])]));
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

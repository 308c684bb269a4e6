//! An etcd of three members, of which some are down.

use serde_json::json;

use super::fixture::{Gates, cluster, tenant};
use crate::support::etcd_cluster::EtcdCluster;

#[test]
fn the_commands_need_two_members_of_three() {
    let mut etcd = EtcdCluster::start();
    let gates = Gates::new();
    let addresses: Vec<String> = etcd.addresses().iter().map(ToString::to_string).collect();
    let members: Vec<(&str, u16)> = addresses
        .iter()
        .map(|address| address.rsplit_once(':').map(|(host, port)| (host, port.parse().unwrap())).unwrap())
        .collect();
    let mut provider = cluster("i", &[("login.acme.example", 443)]);
    provider["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": "login.acme.example",
            "common_tls_context": { "validation_context": {
                "trusted_ca": { "filename": "/etc/ssl/certs/ca-certificates.crt" },
                "match_typed_subject_alt_names": [{ "san_type": "DNS", "matcher": { "exact": "login.acme.example" } }],
            } },
        },
    });
    gates.add_clusters(&json!([cluster("etcd", &members), provider]));
    let key = gates.path("ed.pem");
    let apply = |hosts: &str| {
        gates.run_by_file("apply", &["-", "--key", &key, "--yes"], &tenant("acme", &format!("acme.example{hosts}"), ""))
    };
    // While the members elect a leader, they answer 503 or nothing.
    let applied = |hosts: &str| {
        let mut last = String::new();
        for _ in 0..10 {
            let (code, output, errors) = apply(hosts);
            if code == 0 {
                return output;
            }
            last = errors;
        }
        panic!("{last}");
    };
    let served = |hosts: &str| {
        let (code, output, errors) = gates.run_by_file("get", &["acme"], "");
        assert_eq!(code, 0, "{errors}");
        output.contains(&format!("hosts: [acme.example{hosts}]"))
    };
    assert!(applied("").contains("acme: written to http://"));

    // The leader is down.
    let leader = etcd.leader();
    etcd.stop(&[leader]);
    applied(", www.acme.example");
    assert!(served(", www.acme.example"));

    // So is another one.
    let other = (leader + 1) % 3;
    etcd.stop(&[other]);
    let (code, output, errors) = apply("");
    assert_eq!(code, 2, "{output}");
    assert!(errors.contains("etcd: ") && !output.contains("written"), "{output}{errors}");

    etcd.start_again(&[leader, other]);
    assert!(applied(", www.acme.example").contains("acme: is unchanged") && served(", www.acme.example"));
    applied("");
    assert!(served(""));
}

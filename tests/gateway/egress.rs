//! One cluster for the issuers of all tenants, as envoy/egress.yaml has it.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::rendered::{FAR, Gateway, METADATA, Server, both, tenant};
use crate::support::authority::Authority;

const ACME: &str = "login.acme.localhost";
const GLOBEX: &str = "login.globex.localhost";

/// The bootstrap with the cluster `egress` for both issuers, and with `change` made to what
/// envoy/egress.yaml adds.
fn with_egress(bootstrap: &str, ca: &Path, change: impl FnOnce(&mut Value)) -> String {
    let mut bootstrap: Value = serde_saphyr::from_str(bootstrap).unwrap();
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy/egress.yaml")).unwrap();
    let mut egress: Value = serde_saphyr::from_str(&text).unwrap();
    let context = "/static_resources/clusters/1/transport_socket/typed_config/common_tls_context/validation_context";
    egress.pointer_mut(context).unwrap()["trusted_ca"]["filename"] = json!(ca);
    change(&mut egress);
    bootstrap["bootstrap_extensions"] = egress["bootstrap_extensions"].clone();
    let resources = &mut bootstrap["static_resources"];
    resources["clusters"].as_array_mut().unwrap().retain(|cluster| cluster["name"] == "upstream");
    for kind in ["listeners", "clusters"] {
        let added = egress["static_resources"][kind].as_array().unwrap().clone();
        resources[kind].as_array_mut().unwrap().extend(added);
    }
    bootstrap.to_string().replace("\"issuer_acme\"", "\"egress\"").replace("\"issuer_globex\"", "\"egress\"")
}

/// The rules about private addresses.
fn rules(egress: &mut Value) -> &mut Value {
    egress
        .pointer_mut(
            "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/1/typed_config/rules",
        )
        .unwrap()
}

/// The servers of the tests have loopback addresses.
fn allow_private_addresses(egress: &mut Value) {
    *rules(egress) = json!({ "action": "ALLOW", "policies": { "all": { "principals": [{ "any": true }], "permissions": [{ "any": true }] } } });
}

fn start(authority: &Authority, issuers: [&str; 2], change: impl FnOnce(&mut Value)) -> (Gateway, NamedTempFile) {
    let ca = NamedTempFile::new().unwrap();
    fs::write(ca.path(), authority.pem()).unwrap();
    let tenants = tenant("acme", issuers[0], "") + &tenant("globex", issuers[1], "");
    let gateway = Gateway::start_with(authority, &tenants, |bootstrap| with_egress(bootstrap, ca.path(), change));
    (gateway, ca)
}

/// Each call reaches the server of its own issuer, and names its host in the TLS handshake (SNI,
/// RFC 6066 section 3): these servers have no certificate for another one.
#[test]
fn one_cluster_reaches_every_issuer() {
    let authority = Authority::root("Root");
    let servers = [ACME, GLOBEX]
        .map(|host| Server::with_tls(host, authority.issue(&[host], FAR).server_by_name(host, None), both));
    let (gateway, _ca) =
        start(&authority, servers.each_ref().map(|server| server.issuer.as_str()), allow_private_addresses);
    for (host, server) in [("acme.example", &servers[0]), ("globex.example", &servers[1])] {
        let reply = gateway.open_at(host);
        assert_eq!(reply.status, 302, "{}", gateway.log());
        assert!(reply.header("location").unwrap().starts_with(&format!("{}/auth?", server.issuer)), "{reply:?}");
        assert_eq!(server.asked(), [METADATA, "/keys"]);
    }
}

/// With either version of TLS that is in use.
#[test]
fn issuers_with_one_version_of_tls() {
    let authority = Authority::root("Root");
    let servers = [(ACME, &TLS12), (GLOBEX, &TLS13)]
        .map(|(host, version)| Server::with_tls(host, authority.issue(&[host], FAR).server_with(version), both));
    let (gateway, _ca) =
        start(&authority, servers.each_ref().map(|server| server.issuer.as_str()), allow_private_addresses);
    for host in ["acme.example", "globex.example"] {
        assert_eq!(gateway.open_at(host).status, 302, "{}", gateway.log());
    }
}

/// The certificate has to be for the host of the issuer: that of the other issuer is not enough,
/// nor is one of another authority.
#[test]
fn the_certificate_is_that_of_the_issuer() {
    let (authority, other) = (Authority::root("Root"), Authority::root("Other Root"));
    let servers = [
        Server::start(ACME, authority.issue(&[GLOBEX], FAR), both),
        Server::start(GLOBEX, other.issue(&[GLOBEX], FAR), both),
    ];
    let (gateway, _ca) =
        start(&authority, servers.each_ref().map(|server| server.issuer.as_str()), allow_private_addresses);
    for host in ["acme.example", "globex.example"] {
        assert_eq!(gateway.open_at(host).status, 503, "{}", gateway.log());
    }
    assert!(servers.iter().all(|server| server.asked().is_empty()));
}

/// A tenant that names an issuer with a private address reaches nothing there.
#[test]
fn private_addresses_are_refused() {
    let authority = Authority::root("Root");
    let servers = [ACME, GLOBEX].map(|host| Server::start(host, authority.issue(&[host], FAR), both));
    let (gateway, _ca) = start(&authority, servers.each_ref().map(|server| server.issuer.as_str()), |_| {});
    assert_eq!(gateway.open_at("acme.example").status, 503);
    assert!(servers.iter().all(|server| server.asked().is_empty()));
    let log = gateway.log();
    assert!(log.contains("jwks_fetch_failed tenant=acme") && log.contains("status 403"), "{log}");
}

/// An address in the place of a name is refused all the same, also as a number.
#[test]
fn private_addresses_need_no_name() {
    let authority = Authority::root("Root");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"] {
        let globex = Server::start(GLOBEX, authority.issue(&[GLOBEX], FAR), both);
        let (gateway, _ca) = start(&authority, [&format!("https://{host}:{port}"), &globex.issuer], |_| {});
        assert_eq!(gateway.open_at("acme.example").status, 503, "{host}: {}", gateway.log());
        let refused = "jwks_fetch_failed tenant=acme: metadata of the issuer: the answer has status 403";
        assert!(gateway.log().contains(refused), "{host}: {}", gateway.log());
        assert!(listener.accept().is_err(), "{host}");
    }
}

/// Envoy refuses the file if the two differ, and has room for the tenants that a worker keeps.
#[test]
fn the_limit_of_issuers() {
    let egress: Value = serde_saphyr::from_str(include_str!("../../envoy/egress.yaml")).unwrap();
    let filter = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/dns_cache_config";
    let cluster = "/static_resources/clusters/1/cluster_type/typed_config/dns_cache_config";
    assert_eq!(egress.pointer(filter).unwrap(), egress.pointer(cluster).unwrap());
    assert!(egress.pointer(cluster).unwrap()["max_hosts"].as_u64().unwrap() >= 6 * 10_000);
}

/// The list has the special-purpose networks of IANA (RFC 6890) that are not globally reachable or
/// out of use, multicast, and those whose addresses stand for one of IPv4 (mapped, NAT64, 6to4,
/// Teredo). No issuer of the Internet has such an address.
#[test]
fn the_list_of_private_addresses() {
    let mut egress: Value = serde_saphyr::from_str(include_str!("../../envoy/egress.yaml")).unwrap();
    let rules = rules(&mut egress);
    assert_eq!(rules["action"], "DENY");
    let permissions = rules["policies"]["private_addresses"]["permissions"].as_array().unwrap().clone();
    let networks: Vec<String> = permissions
        .iter()
        .map(|permission| {
            let network = &permission["matcher"]["typed_config"]["upstream_ip"];
            format!("{}/{}", network["address_prefix"].as_str().unwrap(), network["prefix_len"])
        })
        .collect();
    assert_eq!(
        networks,
        [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            "::/96",
            "::ffff:0:0/96",
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "100::/64",
            "100:0:0:1::/64",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
            "5f00::/16",
            "fc00::/7",
            "fe80::/10",
            "fec0::/10",
            "ff00::/8",
        ]
    );
}

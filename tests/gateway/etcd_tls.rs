//! Envoys that reach etcd by TLS, with the transport socket of docs/operations.md.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::rendered::{FAR, Gateway, tenant};
use crate::support::authority::{Authority, Identity};
use crate::support::browser::Browser;
use crate::support::envoy_harness::EnvoyHarness;
use crate::support::envoy_process::plugin;
use crate::support::etcd::{Etcd, EtcdAccess};
use crate::support::harness::{Harness, Outcome};
use crate::support::replicas::Replicas;
use crate::support::world::World;

const LOGOUT: &str = "https://acme.example/oauth2/logout";
const PAGE: &str = "https://acme.example/page";
/// The name of etcd in the document.
const NAME: &str = "etcd.internal";

/// An etcd that takes clients with a certificate of its authority.
struct SecureEtcd {
    etcd: Etcd,
    /// The address for TLS.
    address: SocketAddr,
    authority: Authority,
    files: TempDir,
}

impl SecureEtcd {
    /// One with a certificate for this name.
    fn start(name: &str) -> Self {
        Self::with_certificate(|authority| authority.issue(&[name], FAR), Etcd::with_tls)
    }

    fn with_certificate(
        issue: impl FnOnce(&Authority) -> Identity,
        etcd: impl FnOnce(&[&str]) -> (Etcd, SocketAddr),
    ) -> Self {
        let (authority, files) = (Authority::root("etcd"), TempDir::new().unwrap());
        let (certificate, key) = issue(&authority).pem();
        let [certificate, key, ca] = [("etcd.crt", certificate), ("etcd.key", key), ("ca.crt", authority.pem())]
            .map(|(name, text)| write(&files, name, &text));
        let tls = ["--cert-file", &certificate, "--key-file", &key];
        let (etcd, address) = etcd(&[&tls[..], &["--client-cert-auth", "--trusted-ca-file", &ca]].concat());
        Self { etcd, address, authority, files }
    }

    /// The transport socket of the document, with this certificate of Envoy.
    fn transport_socket(&self, client: &Identity) -> Value {
        let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md")).unwrap();
        let block = text.split("```text\n").find(|block| block.starts_with("transport_socket:")).unwrap();
        let mut cluster: Value = serde_saphyr::from_str(block.split("```").next().unwrap()).unwrap();
        let mut socket = cluster["transport_socket"].take();
        let (certificate, key) = client.pem();
        let common = &mut socket["typed_config"]["common_tls_context"];
        let own = &mut common["tls_certificates"][0];
        own["certificate_chain"]["filename"] = json!(write(&self.files, "client.crt", &certificate));
        own["private_key"]["filename"] = json!(write(&self.files, "client.key", &key));
        common["validation_context"]["trusted_ca"]["filename"] = json!(self.files.path().join("ca.crt"));
        socket
    }

    /// A bootstrap of Envoy with its cluster.
    fn bootstrap(&self, socket: &Value, configuration: &Value) -> Value {
        let address = json!({ "socket_address": { "address": "127.0.0.1", "port_value": self.address.port() } });
        let endpoint = json!({ "endpoint": { "address": address } });
        json!({ "static_resources": {
            "listeners": [{ "filter": plugin(configuration, "") }],
            "clusters": [{
                "name": "etcd", "type": "STRICT_DNS", "transport_socket": socket,
                "load_assignment": { "cluster_name": "etcd", "endpoints": [{ "lb_endpoints": [endpoint] }] },
            }],
        } })
    }

    /// Envoys that reach it with this transport socket, and with this user if there is one.
    fn world<H: Harness>(&self, socket: Value, user: Option<(&str, &str)>) -> World<H> {
        World::with_issuer(
            |issuer| {
                let access = EtcdAccess::new(self.etcd.address);
                issuer.secrets.extend(user.map(|(_, password)| password.to_owned()));
                issuer.etcd =
                    Some(EtcdAccess { members: vec![self.address], transport_socket: Some(socket), ..access });
            },
            |configuration| {
                let mut etcd = json!({ "cluster": "etcd" });
                if let Some((name, password)) = user {
                    (etcd["username"], etcd["password"]) = (json!(name), json!(password));
                }
                configuration["store"] = json!({ "etcd": etcd });
            },
        )
    }
}

/// Writes a file. The result is its path.
fn write(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Signs out at an Envoy, and waits until all of them know it.
#[track_caller]
fn a_sign_out_is_known<H: Harness>(world: &mut World<H>) {
    let mut browser = world.signed_in();
    let copy = browser.clone();
    assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
    world.eventually(|world| is_over(world, &copy));
}

fn is_over<H: Harness>(world: &mut World<H>, browser: &Browser) -> bool {
    // So many requests reach each worker of two Envoys.
    (0..40).all(|_| matches!(world.open(&mut browser.clone(), PAGE), Outcome::Replied(reply) if reply.status == 302))
}

/// Signs out at an Envoy that etcd does not answer, and waits for this in its log. Its workers know
/// of it.
#[track_caller]
fn is_refused(mut world: World<EnvoyHarness>, says: &str) {
    a_sign_out_is_known(&mut world);
    let failed = "store_failed tenant=acme: a sign-out was not written to etcd (cluster \"etcd\"): ";
    world.eventually(|world| world.harness.log().lines().any(|line| line.contains(failed) && line.contains(says)));
}

/// The same because of the certificates: etcd has got nothing.
#[track_caller]
fn nothing_is_written(world: World<EnvoyHarness>, etcd: &SecureEtcd) {
    is_refused(world, "Envoy: ");
    let keys = etcd.etcd.keys("/tenantgate/");
    assert!(keys.is_empty(), "{keys:?}");
}

/// The Envoys reach etcd, and so does the tool, which finds the cluster in their configuration.
#[test]
fn a_sign_out_goes_by_tls() {
    let etcd = SecureEtcd::start(NAME);
    let socket = etcd.transport_socket(&etcd.authority.issue_for_clients(Some("envoy")));
    let mut world = etcd.world::<Replicas<EnvoyHarness>>(socket.clone(), None);
    a_sign_out_is_known(&mut world);
    let written = || etcd.etcd.keys("/tenantgate/").iter().filter(|(key, _)| key.contains("/ended/")).count();
    assert_eq!(written(), 1);

    let browser = world.signed_in();
    let mut configuration = world.configuration();
    configuration["store"] = json!({ "etcd": { "cluster": "etcd" } });
    let file = write(&etcd.files, "envoy.yaml", &etcd.bootstrap(&socket, &configuration).to_string());
    let mut tool = Command::new(env!("CARGO_BIN_EXE_tenantgate"));
    let output = tool.args(["sign-out", &file, "--tenant", "acme", "--subject", "ada"]).output().unwrap();
    let [printed, errors] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    let place = format!("; written to https://{} (cluster \"etcd\")\n", etcd.address);
    assert!(output.status.success() && printed.ends_with(&place), "{printed}{errors}");
    assert_eq!(written(), 2);
    world.eventually(|world| is_over(world, &browser));
}

/// With the cluster that the tool makes for the address of etcd.
#[test]
fn a_rendered_bootstrap_reaches_etcd_by_tls() {
    let etcd = SecureEtcd::start("127.0.0.1");
    let (certificate, key) = etcd.authority.issue_for_clients(Some("envoy")).pem();
    let [certificate, key] =
        [("client.crt", certificate), ("client.key", key)].map(|(name, text)| write(&etcd.files, name, &text));
    let (address, ca) = (format!("https://{}", etcd.address), etcd.files.path().join("ca.crt"));
    let arguments = [
        ["--etcd", &address],
        ["--etcd-ca", ca.to_str().unwrap()],
        ["--etcd-certificate", &certificate],
        ["--etcd-private-key", &key],
    ];
    let tenants = format!("{}store: {{etcd: {{cluster: etcd}}}}\n", tenant("acme", "https://login.acme.localhost", ""));
    let envoy = Gateway::rendered(&Authority::root("Acme Root"), &tenants, &arguments.concat(), str::to_owned);
    // The first poll writes which etcd it is.
    for _ in 0..600 {
        if etcd.etcd.keys("/tenantgate/").iter().any(|(key, _)| key.ends_with("/recent/generation")) {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{}", envoy.log());
}

/// A certificate for another name, or of another authority, is not that of etcd. A client without a
/// certificate of the right authority is nobody.
#[test]
fn both_certificates_are_checked() {
    let etcd = SecureEtcd::start(NAME);
    let other = Authority::root("Other");
    let client = etcd.authority.issue_for_clients(Some("envoy"));
    let other_name = SecureEtcd::start("other.internal");
    let client_there = other_name.authority.issue_for_clients(Some("envoy"));
    let socket = other_name.transport_socket(&client_there);
    nothing_is_written(other_name.world(socket, None), &other_name);

    let context = "/typed_config/common_tls_context";
    let mut socket = etcd.transport_socket(&client);
    let ca = write(&etcd.files, "other.crt", &other.pem());
    *socket.pointer_mut(&format!("{context}/validation_context/trusted_ca/filename")).unwrap() = json!(ca);
    nothing_is_written(etcd.world(socket, None), &etcd);

    let mut socket = etcd.transport_socket(&client);
    socket.pointer_mut(context).unwrap().as_object_mut().unwrap().remove("tls_certificates");
    nothing_is_written(etcd.world(socket, None), &etcd);
    let socket = etcd.transport_socket(&other.issue_for_clients(Some("envoy")));
    nothing_is_written(etcd.world(socket, None), &etcd);
}

/// etcd's JSON gateway shows the certificate of the server to etcd.
#[test]
fn the_certificate_of_etcd_is_one_for_clients_too() {
    let start = |arguments: &[&str]| {
        let etcd = Etcd::with_tls_only(arguments);
        let address = etcd.address;
        (etcd, address)
    };
    let etcd = SecureEtcd::with_certificate(|authority| authority.issue(&[NAME], FAR), start);
    let socket = etcd.transport_socket(&etcd.authority.issue_for_clients(Some("envoy")));
    a_sign_out_is_known(&mut etcd.world::<Replicas<EnvoyHarness>>(socket, None));
    let etcd = SecureEtcd::with_certificate(|authority| authority.issue_for_servers(&[NAME]), start);
    let socket = etcd.transport_socket(&etcd.authority.issue_for_clients(Some("envoy")));
    is_refused(etcd.world(socket, None), ": status 503: ");
}

/// With users, etcd's JSON gateway refuses each client whose certificate has a common name, and
/// knows the others by their password.
#[test]
fn users_and_client_certificates() {
    const PASSWORD: &str = "gate-\"password\"";
    let mut etcd = SecureEtcd::start(NAME);
    let named = etcd.authority.issue_for_clients(Some("gate"));
    let socket = etcd.transport_socket(&named);
    etcd.etcd.want_users(&[("gate", PASSWORD, "READWRITE")]);
    let world = |socket| etcd.world::<Replicas<EnvoyHarness>>(socket, Some(("gate", PASSWORD)));
    let mut refused = world(socket);
    let said = "status 400: CommonName of client sending a request against gateway will be ignored; the certificate of \
                the client must have no common name (CN)";
    refused.eventually(|world| world.harness.log().contains(said));
    let mut known = world(etcd.transport_socket(&etcd.authority.issue_for_clients(None)));
    a_sign_out_is_known(&mut known);
}

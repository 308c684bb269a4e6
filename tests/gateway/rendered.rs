//! Bootstraps that `tenantgate render envoy` makes: Envoy takes them as they are, and reaches the
//! providers by TLS.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use rustls::ServerConfig;
use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::authority::{Authority, Identity};
use crate::support::configuration::SESSION_KEY;
use crate::support::envoy_harness::send_to;
use crate::support::envoy_process::{Envoy, free_port, launch_file, loopback};
use crate::support::harness::Reply;
use crate::support::host::module_path;
use crate::support::web_server::{Received, Sent, serve};

pub(super) const FAR: (i32, u8, u8) = (2100, 1, 1);

/// Envoy with a bootstrap of the tool.
pub(super) struct Gateway {
    _envoy: Envoy,
    address: SocketAddr,
    folder: TempDir,
}

impl Gateway {
    /// Envoy for one tenant, whose provider has a certificate of this authority.
    fn start(authority: &Authority, issuer: &str, more: &str) -> Self {
        Self::start_with(authority, &tenant("acme", issuer, more), str::to_owned)
    }

    /// Envoy for these tenants, with a bootstrap that `change` changes.
    pub(super) fn start_with(authority: &Authority, tenants: &str, change: impl FnOnce(&str) -> String) -> Self {
        Self::rendered(authority, tenants, &[], change)
    }

    /// The same with further arguments of the tool.
    pub(super) fn rendered(
        authority: &Authority,
        tenants: &str,
        more: &[&str],
        change: impl FnOnce(&str) -> String,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let tenants = format!("session: {{keys: [{{id: a, env: TENANTGATE_SESSION_KEY}}]}}\ntenants:\n{tenants}");
        let (ca, admin, address) = (folder.path().join("ca.pem"), free_port(), loopback(free_port()));
        fs::write(&ca, authority.pem()).unwrap();
        let (listen, module) = (address.to_string(), module_path());
        let arguments = ["render", "envoy", "-", "--upstream", "127.0.0.1:9", "--listen", &listen, "--module"];
        let mut tool = Command::new(env!("CARGO_BIN_EXE_tenantgate"));
        let tool = tool
            .args(arguments)
            .arg(module)
            .args(more)
            .arg("--ca")
            .arg(ca)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut tool = tool.spawn().unwrap();
        tool.stdin.take().unwrap().write_all(tenants.as_bytes()).unwrap();
        let output = tool.wait_with_output().unwrap();
        assert!(output.status.success());
        let bootstrap =
            String::from_utf8(output.stdout).unwrap().replace("port_value: 9901", &format!("port_value: {admin}"));
        let bootstrap = change(&bootstrap);
        let file = folder.path().join("envoy.yaml");
        fs::write(&file, &bootstrap).unwrap();
        let variables = [("TENANTGATE_SESSION_KEY", SESSION_KEY), ("SECRET", "s")];
        let envoy = launch_file(&file, &variables, admin);
        let envoy = envoy.unwrap_or_else(|log| panic!("Envoy did not start:\n{log}\n{bootstrap}"));
        Self { _envoy: envoy, address, folder }
    }

    /// A page that a browser opens.
    fn open(&self) -> Reply {
        self.open_at("acme.example")
    }

    /// A page of this host that a browser opens.
    pub(super) fn open_at(&self, host: &str) -> Reply {
        let head = [
            (":method", "GET"),
            (":authority", host),
            (":path", "/"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("connection", "close"),
        ];
        let head = head.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        send_to(self.address, &head.to_vec(), None)
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("envoy.log")).unwrap()
    }
}

/// A tenant at `<name>.example` with this issuer.
pub(super) fn tenant(name: &str, issuer: &str, more: &str) -> String {
    format!(
        "  - name: {name}\n    hosts: [{name}.example]\n    issuer: {issuer}\n    client_id: gate\n    client_secret: \
         {{env: SECRET}}\n    provider: {{cluster: issuer_{name}, discovery: true{more}}} # the name of the cluster\n"
    )
}

/// A server of a provider: its address as an issuer, and the paths that were asked for.
pub(super) struct Server {
    pub(super) issuer: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server for this host with this certificate. `document` gets its issuer and the path.
    pub(super) fn start(
        host: &str,
        identity: Identity,
        document: impl Fn(&str, &str) -> Value + Send + Sync + 'static,
    ) -> Self {
        Self::with_tls(host, identity.server(), document)
    }

    /// The same with these settings of TLS.
    pub(super) fn with_tls(
        host: &str,
        tls: Arc<ServerConfig>,
        document: impl Fn(&str, &str) -> Value + Send + Sync + 'static,
    ) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (paths, named) = (asked.clone(), Arc::new(OnceLock::<String>::new()));
        let known = named.clone();
        let address = serve(Some(tls), move |request: &Received| {
            paths.lock().unwrap().push(request.path.clone());
            let body = document(known.get().unwrap(), &request.path).to_string();
            Some(Sent { status: 200, headers: Vec::new(), body })
        });
        // The port is known only now.
        let issuer = named.get_or_init(|| format!("https://{host}:{}", address.port())).clone();
        Self { issuer, asked }
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The metadata of an issuer whose other addresses are at another origin.
fn metadata(issuer: &str, others: &str) -> Value {
    json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"), "token_endpoint": format!("{others}/token"),
        "jwks_uri": format!("{others}/keys"), "scopes_supported": ["openid"],
    })
}

fn keys() -> Value {
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "k" }] })
}

/// Metadata and keys of one host.
pub(super) fn both(issuer: &str, path: &str) -> Value {
    if path == METADATA { metadata(issuer, issuer) } else { keys() }
}

const HOST: &str = "login.acme.localhost";
pub(super) const METADATA: &str = "/.well-known/openid-configuration";

/// The browser is sent to the issuer, whose metadata and keys Envoy has fetched.
fn assert_login(gateway: &Gateway, issuer: &str) {
    let reply = gateway.open();
    assert_eq!(reply.status, 302, "{}", gateway.log());
    assert!(reply.header("location").unwrap().starts_with(&format!("{issuer}/auth?")), "{reply:?}");
}

/// Envoy resolves the name, sends it, and accepts a certificate for it, also one with a wildcard.
#[test]
fn a_provider_is_reached_by_tls() {
    let authority = Authority::root("Acme Root");
    for name in [HOST, "*.acme.localhost"] {
        let server = Server::start(HOST, authority.issue(&[name], FAR), both);
        assert_login(&Gateway::start(&authority, &server.issuer, ""), &server.issuer);
        assert_eq!(server.asked(), [METADATA, "/keys"]);
    }
}

/// With either version of TLS that is in use.
#[test]
fn a_provider_with_one_version_of_tls() {
    let authority = Authority::root("Acme Root");
    for version in [&TLS12, &TLS13] {
        let server = Server::with_tls(HOST, authority.issue(&[HOST], FAR).server_with(version), both);
        assert_login(&Gateway::start(&authority, &server.issuer, ""), &server.issuer);
    }
}

/// Nobody else answers in the place of the provider.
#[test]
fn another_certificate_is_refused() {
    let (authority, other) = (Authority::root("Acme Root"), Authority::root("Other Root"));
    for (signer, name) in [(&authority, "login.globex.localhost"), (&other, HOST)] {
        let server = Server::start(HOST, signer.issue(&[name], FAR), both);
        let gateway = Gateway::start(&authority, &server.issuer, "");
        assert_eq!(gateway.open().status, 503, "{}", gateway.log());
        assert_eq!(server.asked(), <[String; 0]>::default());
    }
}

/// Each call goes to the host that it is for, and each host has a certificate of its own.
#[test]
fn a_provider_of_several_hosts() {
    let authority = Authority::root("Acme Root");
    let api = Server::start("api.acme.localhost", authority.issue(&["api.acme.localhost"], FAR), |_, _| keys());
    let others = api.issuer.clone();
    let server = Server::start(HOST, authority.issue(&[HOST], FAR), move |issuer, _| metadata(issuer, &others));
    let origins = format!(", trusted_origins: [\"{}\"]", api.issuer);
    assert_login(&Gateway::start(&authority, &server.issuer, &origins), &server.issuer);
    assert_eq!((server.asked(), api.asked()), (vec![METADATA.to_owned()], vec!["/keys".to_owned()]));
}

//! The real module in real Envoy, between real sockets.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::clock::Clock;
use super::host::module_path;
use super::http::{exchange, serve};
use super::issuer::Issuers;
use super::rig::{Lines, Outcome, Rig};

pub struct EnvoyRig {
    envoy: Envoy,
    ports: Ports,
    received: Arc<Mutex<Vec<Lines>>>,
    folder: TempDir,
}

/// A process that ends with its owner.
struct Envoy(Child);

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Clone)]
struct Ports {
    gateway: u16,
    admin: u16,
    upstream: u16,
    down: u16,
    issuers: Vec<(String, u16)>,
}

impl EnvoyRig {
    /// Where the gateway listens.
    pub fn gateway(&self) -> SocketAddr {
        loopback(self.ports.gateway)
    }

    /// What the upstream received so far, and forget it.
    pub fn take_received(&self) -> Vec<Lines> {
        std::mem::take(&mut self.received.lock().unwrap())
    }

    /// A new Envoy in the place of the old one, with `change` made to its connection manager.
    pub fn relaunch(&mut self, configuration: &Value, change: impl FnOnce(&mut Value)) {
        let _ = self.envoy.0.kill();
        let _ = self.envoy.0.wait();
        let mut bootstrap = bootstrap(configuration, &self.ports);
        let filter = &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0];
        change(&mut filter["typed_config"]);
        self.envoy = launch(&bootstrap, &self.ports, self.folder.path())
            .unwrap_or_else(|log| panic!("Envoy did not start:\n{log}"));
    }

    /// A page of Envoy's admin interface.
    pub fn admin(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
        exchange(loopback(self.ports.admin), request.as_bytes()).unwrap().body
    }
}

impl Rig for EnvoyRig {
    fn start(configuration: &Value, issuers: Issuers) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = received.clone();
        let upstream = serve(move |lines, _| {
            log.lock().unwrap().push(lines);
            Some((200, vec![("x-upstream", "yes".to_owned())], b"the page".to_vec()))
        });
        let names: Vec<String> = issuers.lock().unwrap().keys().cloned().collect();
        let issuers = names.into_iter().map(|name| {
            let (issuers, tenant) = (issuers.clone(), name.clone());
            let address = serve(move |lines, body| {
                let (status, body) = issuers.lock().unwrap().get_mut(&tenant).unwrap().serve(&lines, &body)?;
                Some((status, vec![("content-type", "application/json".to_owned())], body))
            });
            (name, address.port())
        });
        let ports = Ports {
            gateway: free_port(),
            admin: free_port(),
            upstream: upstream.port(),
            down: free_port(),
            issuers: issuers.collect(),
        };
        let folder = TempDir::new().unwrap();
        let envoy = launch(&bootstrap(configuration, &ports), &ports, folder.path())
            .unwrap_or_else(|log| panic!("Envoy did not start:\n{log}"));
        Self { envoy, ports, received, folder }
    }

    fn clock() -> Clock {
        Clock::Real
    }

    fn send(&mut self, head: &Lines) -> Outcome {
        self.take_received();
        let line =
            |name: &str| head.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_slice()).unwrap_or_default();
        let mut request =
            [line(":method"), b" ", line(":path"), b" HTTP/1.1\r\nhost: ", line(":authority"), b"\r\n"].concat();
        for (name, value) in head.iter().filter(|(name, _)| !name.starts_with(':')) {
            request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        request.extend(b"\r\n");
        let reply = exchange(self.gateway(), &request).expect("an answer");
        let mut received = self.take_received();
        let from_upstream = reply.header("x-upstream").is_some();
        assert_eq!(received.len(), usize::from(from_upstream), "{reply:?}");
        match received.pop() {
            Some(lines) => Outcome::Forwarded(lines),
            None => Outcome::Replied(reply),
        }
    }

    /// A new Envoy in the place of the old one, as after an upgrade.
    fn reconfigure(&mut self, configuration: &Value) {
        self.relaunch(configuration, |_| {});
    }

    fn moment(&mut self) {
        std::thread::sleep(Duration::from_millis(50));
    }

    fn log(&mut self) -> String {
        fs::read_to_string(self.folder.path().join("envoy.log")).unwrap()
    }
}

/// Starts Envoy with `configuration`; the log if it does not come up.
pub fn try_start(configuration: &Value) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let ports = Ports {
        gateway: free_port(),
        admin: free_port(),
        upstream: free_port(),
        down: free_port(),
        issuers: Vec::new(),
    };
    launch(&bootstrap(configuration, &ports), &ports, folder.path()).map(drop)
}

fn launch(bootstrap: &Value, ports: &Ports, folder: &Path) -> Result<Envoy, String> {
    let file = folder.join("envoy.json");
    let log = folder.join("envoy.log");
    File::create(&file).unwrap().write_all(bootstrap.to_string().as_bytes()).unwrap();
    let output = File::options().create(true).append(true).open(&log).unwrap();
    let mut envoy = Command::new(envoy_path());
    envoy.args([
        "--disable-hot-restart",
        "--concurrency",
        "2",
        "-l",
        "warning",
        "--component-log-level",
        "wasm:trace",
        "-c",
    ]);
    let child = envoy.arg(&file).stdout(output.try_clone().unwrap()).stderr(output).spawn();
    let child =
        child.unwrap_or_else(|error| panic!("{}: {error}; ./build.sh test installs it", envoy_path().display()));
    let mut envoy = Envoy(child);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if envoy.0.try_wait().unwrap().is_some() {
            return Err(fs::read_to_string(log).unwrap());
        }
        if std::net::TcpStream::connect(loopback(ports.admin)).is_ok() {
            let ready =
                exchange(loopback(ports.admin), b"GET /ready HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
            if ready.is_some_and(|reply| reply.status == 200) {
                return Ok(envoy);
            }
        }
        assert!(Instant::now() < deadline, "Envoy is not ready after 30 s");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn envoy_path() -> PathBuf {
    std::env::var_os("TENANTGATE_ENVOY")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/envoy"), PathBuf::from)
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A port that nobody has, and that no outgoing connection will take before Envoy listens on it: it lies under the range
/// that Linux takes those from.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = u16::try_from(std::process::id() % 40).unwrap() * 200;
    loop {
        let port = 21_000 + (own + NEXT.fetch_add(1, Ordering::SeqCst)) % 8_000;
        if TcpListener::bind(loopback(port)).is_ok() {
            return port;
        }
    }
}

fn bootstrap(configuration: &Value, ports: &Ports) -> Value {
    let address = |port: u16| json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } });
    let cluster = |name: &str, port: u16| {
        let endpoint = json!({ "endpoint": { "address": address(port) } });
        json!({
            "name": name, "connect_timeout": "1s",
            "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": [endpoint] }] },
        })
    };
    let mut clusters = vec![cluster("upstream", ports.upstream)];
    // Nobody listens there.
    clusters.push(cluster("down", ports.down));
    clusters.extend(ports.issuers.iter().map(|(name, port)| cluster(name, *port)));
    let gate = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": "tenantgate",
            "failure_policy": "FAIL_RELOAD",
            "vm_config": { "runtime": "envoy.wasm.runtime.v8", "code": { "local": { "filename": module_path() } } },
            "configuration": { "@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration.to_string() },
        },
    });
    let router = json!({ "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        // Nothing of the gate may depend on Envoy's tidying up, so there is none.
        "common_http_protocol_options": { "headers_with_underscores_action": "ALLOW" },
        "max_request_headers_kb": 96,
        "delayed_close_timeout": "0.1s",
        "route_config": { "virtual_hosts": [{
            "name": "upstream", "domains": ["*"],
            "routes": [
                { "match": { "connect_matcher": {} }, "route": { "cluster": "upstream" } },
                { "match": { "prefix": "" }, "route": { "cluster": "upstream" } },
            ],
        }] },
        "http_filters": [
            { "name": "tenantgate", "typed_config": gate },
            { "name": "envoy.filters.http.router", "typed_config": router },
        ],
    });
    json!({
        "admin": { "address": address(ports.admin) },
        "static_resources": {
            "listeners": [{
                "name": "gateway", "address": address(ports.gateway),
                "filter_chains": [{ "filters": [{ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager }] }],
            }],
            "clusters": clusters,
        },
    })
}

//! The module in Envoy, with real sockets.

use std::collections::BTreeMap;
use std::ffi::OsStr;
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
use super::harness::{Harness, Lines, Outcome, Reply, UPSTREAM_HEADERS, counter_name};
use super::host::module_path;
use super::http::{ENDLESS, exchange, serve};
use super::issuer::Issuers;

pub struct EnvoyHarness {
    envoy: Envoy,
    ports: Ports,
    received: Arc<Mutex<Vec<Lines>>>,
    body_lengths: Arc<Mutex<Vec<usize>>>,
    folder: TempDir,
}

/// A process that ends when this value is dropped.
pub struct Envoy(Child);

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl EnvoyHarness {
    /// As [`Harness::start`], with an Envoy that withholds bodies: the option for them is off.
    pub fn without_bodies(configuration: &Value, issuers: Issuers) -> Self {
        Self::start_with(configuration, issuers, |bootstrap, _| {
            *bootstrap.pointer_mut(PLUGIN).unwrap().get_mut("allow_on_headers_stop_iteration").unwrap() = json!(false);
        })
    }

    /// As [`Harness::start`], with a module whose VM crashes at a request with more than 60 header
    /// lines. No request makes the unchanged module crash.
    pub fn with_crashing_module(configuration: &Value, issuers: Issuers) -> Self {
        Self::start_with(configuration, issuers, |bootstrap, folder| {
            let module = crashing_module(folder);
            *bootstrap.pointer_mut(PLUGIN).unwrap().pointer_mut("/vm_config/code/local/filename").unwrap() =
                json!(module);
        })
    }

    /// As [`Harness::start`], with an Envoy that follows redirects of the upstream itself, retries
    /// twice, and allows WebSockets. The upstream redirects `/moved` to `/arrived`, and `/broken`
    /// fails.
    pub fn with_retries(configuration: &Value, issuers: Issuers) -> Self {
        Self::start_with(configuration, issuers, |bootstrap, _| {
            let manager = bootstrap.pointer_mut(MANAGER).unwrap();
            manager["upgrade_configs"] = json!([{ "upgrade_type": "websocket" }]);
            let route = manager.pointer_mut("/route_config/virtual_hosts/0/routes/1/route").unwrap();
            route["internal_redirect_policy"] = json!({ "max_internal_redirects": 2 });
            route["retry_policy"] = json!({ "retry_on": "5xx", "num_retries": 2 });
        })
    }

    /// As [`Harness::start`], with an Envoy that reads its listener from a file (LDS), so that a
    /// test can change it.
    pub fn with_lds(configuration: &Value, issuers: Issuers) -> Self {
        Self::start_with(configuration, issuers, |bootstrap, folder| {
            write_listener(bootstrap, folder);
            bootstrap["static_resources"].as_object_mut().unwrap().remove("listeners");
            bootstrap["node"] = json!({ "id": "gateway", "cluster": "gateway" });
            bootstrap["dynamic_resources"] =
                json!({ "lds_config": { "path_config_source": { "path": folder.join("lds.json") } } });
        })
    }

    /// As [`Harness::start`], with an Envoy that buffers at most `limit` bytes of a body.
    pub fn with_buffer_limit(configuration: &Value, issuers: Issuers, limit: usize) -> Self {
        Self::start_with(configuration, issuers, |bootstrap, _| {
            let resources = &mut bootstrap["static_resources"];
            resources["listeners"][0]["per_connection_buffer_limit_bytes"] = json!(limit);
            resources["clusters"][0]["per_connection_buffer_limit_bytes"] = json!(limit);
        })
    }

    /// Pushes another configuration to an Envoy of [`with_lds`](Self::with_lds), and waits until
    /// Envoy uses it.
    pub fn push(&mut self, configuration: &Value) {
        let modified = "listener_manager.listener_modified: ";
        let count = |harness: &Self| -> u64 {
            let stats = harness.admin("/stats?filter=listener_manager");
            let warming = stats.contains("listener_manager.total_listeners_warming: 0");
            let line =
                stats.lines().find_map(|line| line.strip_prefix(modified)).map_or(0, |count| count.parse().unwrap());
            if warming { line } else { 0 }
        };
        let before = count(self);
        write_listener(&bootstrap(configuration, &self.ports), self.folder.path());
        for _ in 0..600 {
            if count(self) > before {
                return;
            }
            self.advance();
        }
        panic!("Envoy did not take the configuration:\n{}", self.log());
    }

    /// Replaces Envoy by a new one, with `change` made to its connection manager.
    pub fn relaunch(&mut self, configuration: &Value, change: impl FnOnce(&mut Value)) {
        let _ = self.envoy.0.kill();
        let _ = self.envoy.0.wait();
        let mut bootstrap = bootstrap(configuration, &self.ports);
        let filter = &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0];
        change(&mut filter["typed_config"]);
        self.envoy = launch(&bootstrap, &self.ports, self.folder.path())
            .unwrap_or_else(|log| panic!("Envoy did not start:\n{log}"));
    }

    /// Pushes a configuration that Envoy has to reject, and waits until Envoy has rejected it.
    pub fn push_rejected(&mut self, configuration: &Value) {
        write_listener(&bootstrap(configuration, &self.ports), self.folder.path());
        for _ in 0..600 {
            if !self.admin("/stats?filter=lds.update_rejected").contains("update_rejected: 0") {
                return;
            }
            self.advance();
        }
        panic!("Envoy did not refuse the configuration:\n{}", self.log());
    }

    fn start_with(configuration: &Value, issuers: Issuers, change: impl FnOnce(&mut Value, &Path)) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = received.clone();
        let body_lengths = Arc::new(Mutex::new(Vec::new()));
        let lengths = body_lengths.clone();
        let upstream = serve(move |lines, body| {
            let path = lines.iter().find(|(name, _)| name == ":path").map(|(_, path)| path.clone()).unwrap_or_default();
            log.lock().unwrap().push(lines);
            lengths.lock().unwrap().push(body.len());
            let mut headers = Vec::from(UPSTREAM_HEADERS.map(|(name, value)| (name, value.to_owned())));
            let status = match path.as_slice() {
                b"/moved" => 302,
                b"/broken" => 500,
                _ => 200,
            };
            if status == 302 {
                headers.push(("location", "http://acme.example/arrived".to_owned()));
            }
            let size = path.strip_prefix(b"/large/").map(|size| std::str::from_utf8(size).unwrap().parse().unwrap());
            if path == b"/endless" {
                headers.push((ENDLESS, "yes".to_owned()));
            }
            Some((status, headers, size.map_or_else(|| b"the page".to_vec(), |size| vec![b'x'; size])))
        });
        let names: Vec<String> = issuers.lock().unwrap().keys().cloned().collect();
        let etcd = issuers
            .lock()
            .unwrap()
            .values()
            .filter_map(|issuer| issuer.etcd.as_ref())
            .flat_map(|etcd| etcd.members.clone())
            .collect();
        let issuers = names.into_iter().map(|name| {
            let (issuers, tenant) = (issuers.clone(), name.clone());
            let address = serve(move |lines, body| {
                let gate = issuers.lock().unwrap().get(&tenant).unwrap().gate.clone();
                gate.pass();
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
            etcd,
        };
        let folder = TempDir::new().unwrap();
        let mut bootstrap = bootstrap(configuration, &ports);
        change(&mut bootstrap, folder.path());
        let envoy =
            launch(&bootstrap, &ports, folder.path()).unwrap_or_else(|log| panic!("Envoy did not start:\n{log}"));
        Self { envoy, ports, received, body_lengths, folder }
    }
}

#[derive(Clone)]
struct Ports {
    gateway: u16,
    admin: u16,
    upstream: u16,
    down: u16,
    issuers: Vec<(String, u16)>,
    /// The members of the cluster `etcd`.
    etcd: Vec<SocketAddr>,
}

impl EnvoyHarness {
    /// The address of the gateway.
    pub fn gateway(&self) -> SocketAddr {
        loopback(self.ports.gateway)
    }

    /// The address of the cluster `down`. Nothing listens there.
    pub fn down(&self) -> SocketAddr {
        loopback(self.ports.down)
    }

    /// The requests that the upstream received since the last call.
    pub fn take_received(&self) -> Vec<Lines> {
        std::mem::take(&mut self.received.lock().unwrap())
    }

    /// The lengths of the bodies that the upstream received since the last call.
    pub fn take_body_lengths(&self) -> Vec<usize> {
        std::mem::take(&mut self.body_lengths.lock().unwrap())
    }

    /// A page of Envoy's admin interface.
    pub fn admin(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
        exchange(loopback(self.ports.admin), request.as_bytes()).unwrap().body
    }
}

impl Harness for EnvoyHarness {
    fn start(configuration: &Value, issuers: Issuers) -> Self {
        Self::start_with(configuration, issuers, |_, _| {})
    }

    fn clock() -> Clock {
        Clock::Real
    }

    fn send_with(&mut self, head: &Lines, body: Option<&[u8]>) -> Outcome {
        self.take_received();
        let reply = send_to(self.gateway(), head, body);
        outcome(reply, self.take_received())
    }

    /// Replaces Envoy by a new one, as in an upgrade.
    fn reconfigure(&mut self, configuration: &Value) {
        self.relaunch(configuration, |_| {});
    }

    fn advance(&mut self) {
        std::thread::sleep(Duration::from_millis(50));
    }

    fn log(&mut self) -> String {
        fs::read_to_string(self.folder.path().join("envoy.log")).unwrap()
    }

    fn counters(&mut self) -> BTreeMap<String, u64> {
        let stats = self.admin("/stats?type=Counters&filter=^wasmcustom%5C.tenantgate%5C.");
        let counter = |line: &str| {
            let (name, count) = line.strip_prefix("wasmcustom.")?.split_once(": ")?;
            Some((counter_name(name)?, count.parse().unwrap()))
        };
        stats.lines().filter_map(counter).collect()
    }
}

/// Sends one request over a new connection.
pub fn send_to(gateway: SocketAddr, head: &Lines, body: Option<&[u8]>) -> Reply {
    let line = |name: &str| head.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_slice()).unwrap_or_default();
    let mut request =
        [line(":method"), b" ", line(":path"), b" HTTP/1.1\r\nhost: ", line(":authority"), b"\r\n"].concat();
    for (name, value) in head.iter().filter(|(name, _)| !name.starts_with(':')) {
        request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    if let Some(body) = body {
        request.extend(format!("content-length: {}\r\n", body.len()).into_bytes());
    }
    request.extend([b"\r\n", body.unwrap_or_default()].concat());
    exchange(gateway, &request).expect("an answer")
}

/// The outcome of a request: `reply` is its answer, and the upstream received `received` meanwhile.
pub fn outcome(reply: Reply, mut received: Vec<Lines>) -> Outcome {
    let from_upstream = reply.header("x-upstream").is_some();
    assert_eq!(received.len(), usize::from(from_upstream), "{reply:?}");
    match received.pop() {
        Some(lines) => Outcome::Forwarded(lines, reply),
        None => Outcome::Replied(reply),
    }
}

/// Starts Envoy with `configuration`. If Envoy does not start, the error is its log.
pub fn try_start(configuration: &Value) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let ports = Ports {
        gateway: free_port(),
        admin: free_port(),
        upstream: free_port(),
        down: free_port(),
        issuers: Vec::new(),
        etcd: Vec::new(),
    };
    launch(&bootstrap(configuration, &ports), &ports, folder.path()).map(drop)
}

/// Writes the listener of `bootstrap` to the file that Envoy watches, atomically.
fn write_listener(bootstrap: &Value, folder: &Path) {
    let mut listener = bootstrap["static_resources"]["listeners"][0].clone();
    listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
    fs::write(folder.join("lds.new"), json!({ "resources": [listener] }).to_string()).unwrap();
    fs::rename(folder.join("lds.new"), folder.join("lds.json")).unwrap();
}

/// The filter's module with a callback in front of it that crashes.
fn crashing_module(folder: &Path) -> PathBuf {
    const CRASHES: &str = r#"(module
        (import "gate" "proxy_on_request_headers" (func $gate (param i32 i32 i32) (result i32)))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (if (i32.gt_u (local.get 1) (i32.const 60)) (then unreachable))
            (call $gate (local.get 0) (local.get 1) (local.get 2))))"#;
    /// The features of the module, see build.sh.
    const FEATURES: [&str; 6] = [
        "--enable-bulk-memory",
        "--enable-multivalue",
        "--enable-mutable-globals",
        "--enable-nontrapping-float-to-int",
        "--enable-reference-types",
        "--enable-sign-ext",
    ];
    let [text, front, whole] = ["front.wat", "front.wasm", "crashing.wasm"].map(|name| folder.join(name));
    fs::write(&text, CRASHES).unwrap();
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/node_modules/.bin");
    let run = |tool: &str, output: &Path, arguments: &[&OsStr]| {
        let status = Command::new(tools.join(tool)).args(arguments).args(FEATURES).arg("-o").arg(output).status();
        assert!(status.is_ok_and(|status| status.success()), "{tool}; ./build.sh test installs it");
    };
    run("wasm-as", &front, &[text.as_os_str()]);
    let gate = module_path();
    // The first of two exports with the same name counts.
    let [front_name, gate_name, conflicts] = ["front", "gate", "--rename-export-conflicts"].map(OsStr::new);
    run("wasm-merge", &whole, &[front.as_os_str(), front_name, gate.as_os_str(), gate_name, conflicts]);
    whole
}

/// The JSON pointer to the plugin in a bootstrap.
const PLUGIN: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config";
/// The JSON pointer to the connection manager.
const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

fn launch(bootstrap: &Value, ports: &Ports, folder: &Path) -> Result<Envoy, String> {
    let file = folder.join("envoy.json");
    File::create(&file).unwrap().write_all(bootstrap.to_string().as_bytes()).unwrap();
    launch_file(&file, &[], ports.admin)
}

/// Starts Envoy with a bootstrap and further environment variables, and waits until it is ready. If
/// it does not start, the error is its log, which is written beside the file.
pub fn launch_file(file: &Path, variables: &[(&str, &str)], admin: u16) -> Result<Envoy, String> {
    let log = file.with_file_name("envoy.log");
    let output = File::options().create(true).append(true).open(&log).unwrap();
    let mut envoy = Command::new(envoy_path());
    envoy.envs(variables.iter().copied()).args([
        "--disable-hot-restart",
        "--concurrency",
        "2",
        "-l",
        "warning",
        "--component-log-level",
        "wasm:trace",
        "-c",
    ]);
    let child = envoy.arg(file).stdout(output.try_clone().unwrap()).stderr(output).spawn();
    let child =
        child.unwrap_or_else(|error| panic!("{}: {error}; ./build.sh test installs it", envoy_path().display()));
    let mut envoy = Envoy(child);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if envoy.0.try_wait().unwrap().is_some() {
            return Err(fs::read_to_string(log).unwrap());
        }
        if std::net::TcpStream::connect(loopback(admin)).is_ok() {
            let ready = exchange(loopback(admin), b"GET /ready HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
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

pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A free port. It lies below the range of Linux's outgoing connections, so that none of them takes
/// it before Envoy listens.
pub fn free_port() -> u16 {
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
    // Nothing listens there.
    clusters.push(cluster("down", ports.down));
    clusters.extend(ports.issuers.iter().map(|(name, port)| cluster(name, *port)));
    if !ports.etcd.is_empty() {
        // As docs/operations.md has it.
        let endpoints: Vec<Value> =
            ports.etcd.iter().map(|member| json!({ "endpoint": { "address": address(member.port()) } })).collect();
        clusters.push(json!({
            "name": "etcd", "type": "STRICT_DNS", "connect_timeout": "1s",
            "outlier_detection": { "consecutive_5xx": 2, "interval": "1s", "base_ejection_time": "5s", "max_ejection_percent": 50 },
            "load_assignment": { "cluster_name": "etcd", "endpoints": [{ "lb_endpoints": endpoints }] },
        }));
    }
    let gate = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": "tenantgate",
            "failure_policy": "FAIL_RELOAD",
            "allow_on_headers_stop_iteration": true,
            "vm_config": { "runtime": "envoy.wasm.runtime.v8", "code": { "local": { "filename": module_path() } } },
            "configuration": { "@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration.to_string() },
        },
    });
    let router = json!({ "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        // Path normalization is off: the filter must not depend on it.
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
    let ours = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy/envoy.yaml")).unwrap();
    let ours: Value = serde_saphyr::from_str(&ours).unwrap();
    json!({
        "admin": { "address": address(ports.admin) },
        "stats_config": ours["stats_config"],
        "static_resources": {
            "listeners": [{
                "name": "gateway", "address": address(ports.gateway),
                "filter_chains": [{ "filters": [{ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager }] }],
            }],
            "clusters": clusters,
        },
    })
}

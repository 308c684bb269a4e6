//! The module in Envoy, with real sockets.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::clock::Clock;
use super::envoy_process::{EnvoyProcess, address, free_port, launch_file, loopback, plugin, stats_config};
use super::etcd::EtcdAccess;
use super::harness::{Harness, Lines, Outcome, Reply, UPSTREAM_HEADERS, counter_name};
use super::host::module_path;
use super::http::{ENDLESS, exchange, serve};
use super::issuer::Issuers;

pub struct EnvoyHarness {
    /// Taken out when the test ends.
    envoy: Option<EnvoyProcess>,
    ports: Ports,
    received: Arc<Mutex<Vec<Lines>>>,
    body_lengths: Arc<Mutex<Vec<usize>>>,
    vm_id: String,
}

impl Drop for EnvoyHarness {
    fn drop(&mut self) {
        if let Some(envoy) = self.envoy.take()
            && !std::thread::panicking()
        {
            envoy.give_back();
        }
    }
}

impl EnvoyHarness {
    /// As [`Harness::start`], with an Envoy that withholds bodies: the option for them is off.
    pub fn without_bodies(configuration: &Value, issuers: Issuers) -> Self {
        Self::start_with(configuration, issuers, |resources, _| {
            *resources.pointer_mut(PLUGIN).unwrap().get_mut("allow_on_headers_stop_iteration").unwrap() = json!(false);
        })
    }

    /// As [`Harness::start`], with a module whose VM crashes at a request with more than 60 header
    /// lines. No request makes the unchanged module crash.
    pub fn with_crashing_module(configuration: &Value, issuers: Issuers) -> Self {
        Self::start_with(configuration, issuers, |resources, folder| {
            let module = crashing_module(folder);
            *resources.pointer_mut(PLUGIN).unwrap().pointer_mut("/vm_config/code/local/filename").unwrap() =
                json!(module);
        })
    }

    /// As [`Harness::start`], with an Envoy that follows redirects of the upstream itself, retries
    /// twice, and allows WebSockets. The upstream redirects `/moved` to `/arrived`, and `/broken`
    /// fails.
    pub fn with_retries(configuration: &Value, issuers: Issuers) -> Self {
        Self::start_with(configuration, issuers, |resources, _| {
            let manager = resources.pointer_mut(MANAGER).unwrap();
            manager["upgrade_configs"] = json!([{ "upgrade_type": "websocket" }]);
            let route = manager.pointer_mut("/route_config/virtual_hosts/0/routes/1/route").unwrap();
            route["internal_redirect_policy"] = json!({ "max_internal_redirects": 2 });
            route["retry_policy"] = json!({ "retry_on": "5xx", "num_retries": 2 });
        })
    }

    /// As [`Harness::start`], with an Envoy that buffers at most `limit` bytes of a body.
    pub fn with_buffer_limit(configuration: &Value, issuers: Issuers, limit: usize) -> Self {
        Self::start_with(configuration, issuers, |resources, _| {
            resources["listeners"][0]["per_connection_buffer_limit_bytes"] = json!(limit);
            resources["clusters"][0]["per_connection_buffer_limit_bytes"] = json!(limit);
        })
    }

    /// Pushes another configuration to the running Envoy, and waits until Envoy uses it.
    pub fn push(&mut self, configuration: &Value) {
        let modified = |harness: &Self| harness.envoy().stat("listener_manager.listener_modified");
        let before = modified(self);
        self.write_listener(configuration);
        for _ in 0..600 {
            if modified(self) > before && self.envoy().stat("listener_manager.total_listeners_warming") == 0 {
                return;
            }
            self.advance();
        }
        panic!("Envoy did not take the configuration:\n{}", self.log());
    }

    /// Pushes a configuration that Envoy has to reject, and waits until Envoy has rejected it.
    pub fn push_rejected(&mut self, configuration: &Value) {
        let rejected = |harness: &Self| harness.envoy().stat("listener_manager.lds.update_rejected");
        let before = rejected(self);
        self.write_listener(configuration);
        for _ in 0..600 {
            if rejected(self) > before {
                return;
            }
            self.advance();
        }
        panic!("Envoy did not refuse the configuration:\n{}", self.log());
    }

    fn write_listener(&self, configuration: &Value) {
        self.envoy().write_listener(&resources(configuration, &self.vm_id, &self.ports)["listeners"][0]);
    }

    /// Replaces the listener by a new one whose VMs know nothing of the old one's, as a new
    /// Envoy's, with `change` made to its connection manager.
    pub fn relaunch(&mut self, configuration: &Value, change: impl FnOnce(&mut Value)) {
        self.vm_id = new_vm_id();
        let mut resources = resources(configuration, &self.vm_id, &self.ports);
        change(resources.pointer_mut(MANAGER).unwrap());
        self.envoy().end_listener();
        self.begin(&resources);
    }

    fn begin(&self, resources: &Value) {
        self.envoy().begin(resources["clusters"].as_array().unwrap(), &resources["listeners"][0]);
    }

    fn envoy(&self) -> &EnvoyProcess {
        self.envoy.as_ref().unwrap()
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
        let etcd = issuers.lock().unwrap().values().find_map(|issuer| etcd_cluster(issuer.etcd.as_ref()?));
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
            upstream: upstream.port(),
            down: free_port(),
            issuers: issuers.collect(),
            etcd,
        };
        let (envoy, vm_id) = (EnvoyProcess::take(), new_vm_id());
        let mut resources = resources(configuration, &vm_id, &ports);
        change(&mut resources, envoy.folder());
        let harness = Self { envoy: Some(envoy), ports, received, body_lengths, vm_id };
        harness.begin(&resources);
        harness
    }
}

/// No two plugins of different tests have the same.
fn new_vm_id() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("gateway-{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

#[derive(Clone)]
struct Ports {
    gateway: u16,
    upstream: u16,
    down: u16,
    issuers: Vec<(String, u16)>,
    /// The cluster `etcd`.
    etcd: Option<Value>,
}

/// As docs/operations.md has it.
fn etcd_cluster(etcd: &EtcdAccess) -> Option<Value> {
    let endpoint = |member: &SocketAddr| json!({ "endpoint": { "address": address(member.port()) } });
    let endpoints: Vec<Value> = etcd.members.iter().map(endpoint).collect();
    let mut cluster = json!({
        "name": "etcd", "type": "STRICT_DNS", "connect_timeout": "1s",
        "outlier_detection": { "consecutive_5xx": 2, "interval": "1s", "base_ejection_time": "5s", "max_ejection_percent": 50 },
        "load_assignment": { "cluster_name": "etcd", "endpoints": [{ "lb_endpoints": endpoints }] },
    });
    if let Some(socket) = &etcd.transport_socket {
        cluster["transport_socket"] = socket.clone();
    }
    (!etcd.members.is_empty()).then_some(cluster)
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
        self.envoy().admin(path)
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

    /// As a new Envoy, as in an upgrade.
    fn reconfigure(&mut self, configuration: &Value) {
        self.relaunch(configuration, |_| {});
    }

    fn advance(&mut self) {
        std::thread::sleep(Duration::from_millis(50));
    }

    fn log(&mut self) -> String {
        self.envoy().log()
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

/// Starts Envoy with `configuration` in its bootstrap. If Envoy does not start, the error is its
/// log.
pub fn try_start(configuration: &Value) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let ports =
        Ports { gateway: free_port(), upstream: free_port(), down: free_port(), issuers: Vec::new(), etcd: None };
    let admin = free_port();
    let bootstrap = json!({
        "admin": { "address": address(admin) },
        "stats_config": stats_config(),
        "static_resources": resources(configuration, "", &ports),
    });
    let file = folder.path().join("envoy.json");
    fs::write(&file, bootstrap.to_string()).unwrap();
    launch_file(&file, &[], admin).map(drop)
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

/// The JSON pointer to the connection manager in the resources.
const MANAGER: &str = "/listeners/0/filter_chains/0/filters/0/typed_config";
/// The JSON pointer to the plugin.
const PLUGIN: &str = "/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config";

/// The clusters and the listener of a test.
fn resources(configuration: &Value, vm_id: &str, ports: &Ports) -> Value {
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
    clusters.extend(ports.etcd.clone());
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
            plugin(configuration, vm_id),
            { "name": "envoy.filters.http.router", "typed_config": router },
        ],
    });
    json!({
        "listeners": [{
            "name": "gateway", "address": address(ports.gateway),
            "filter_chains": [{ "filters": [{ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager }] }],
        }],
        "clusters": clusters,
    })
}

//! Envoy processes, which tests use one after the other.
//!
//! In a new process V8 compiles the module for three seconds of CPU time, which was nearly all the
//! time of the tier. Envoy gives each `vm_id` VMs and shared data of its own, and V8 shares the
//! code of equal modules in a process. So each test has a `vm_id` of its own in a process that has
//! the module already.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::clock::Clock;
use super::configuration::{configuration, tenant};
use super::host::module_path;
use super::http::exchange;
use super::issuer::Issuer;
use super::signer::Signer;

/// The processes that no test uses.
static IDLE: Mutex<VecDeque<EnvoyProcess>> = Mutex::new(VecDeque::new());

/// With `--concurrency`.
const WORKERS: u64 = 2;

/// An Envoy that reads its clusters and its listener from files.
pub struct EnvoyProcess {
    _envoy: Envoy,
    admin: u16,
    folder: TempDir,
    /// Where the log of the test begins.
    log_start: usize,
}

impl EnvoyProcess {
    /// A process without clusters and listeners of an earlier test.
    pub fn take() -> Self {
        let idle = IDLE.lock().unwrap().pop_front();
        let mut process = idle.unwrap_or_else(Self::start);
        process.end_listener();
        process.log_start = process.whole_log().len();
        process
    }

    /// Lets another test use the process.
    pub fn give_back(self) {
        self.write("listeners", &[]);
        IDLE.lock().unwrap().push_back(self);
    }

    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let admin = free_port();
        let file = folder.path().join("envoy.json");
        let source =
            |name: &str| json!({ "path_config_source": { "path": folder.path().join(format!("{name}.json")) } });
        let bootstrap = json!({
            "admin": { "address": address(admin) },
            "node": { "id": "gateway", "cluster": "gateway" },
            "stats_config": stats_config(),
            "dynamic_resources": { "cds_config": source("clusters"), "lds_config": source("listeners") },
            "static_resources": { "listeners": [keeper()] },
        });
        fs::write(&file, bootstrap.to_string()).unwrap();
        for kind in ["clusters", "listeners"] {
            write_resources(folder.path(), kind, &[]);
        }
        let envoy = launch_file(&file, &[], admin).unwrap_or_else(|log| panic!("Envoy did not start:\n{log}"));
        Self { _envoy: envoy, admin, folder, log_start: 0 }
    }

    /// Gives Envoy the resources of a test, and waits until both workers listen.
    pub fn begin(&self, clusters: &[Value], listener: &Value) {
        let listening = self.stat("listener_manager.listener_create_success") + WORKERS;
        self.replace("clusters", "cluster_manager.cds", clusters);
        self.wait_for(|process| process.stat("cluster_manager.warming_clusters") == 0);
        self.replace("listeners", "listener_manager.lds", std::slice::from_ref(listener));
        self.wait_for(|process| process.stat("listener_manager.listener_create_success") >= listening);
    }

    /// Removes the listener with its VMs. Counters begin anew, as in a new process.
    pub fn end_listener(&self) {
        self.replace("listeners", "listener_manager.lds", &[]);
        self.wait_for(|process| process.stat("listener_manager.total_listeners_draining") == 0);
        self.wait_for(|process| process.stat("listener_manager.total_filter_chains_draining") == 0);
        self.ask("POST", "/reset_counters");
    }

    /// Replaces the listener by one that Envoy may take or reject.
    pub fn write_listener(&self, listener: &Value) {
        self.write("listeners", std::slice::from_ref(listener));
    }

    /// Replaces all resources of a kind, and waits until Envoy has taken them.
    fn replace(&self, kind: &str, stats: &str, resources: &[Value]) {
        let count = |process: &Self, result: &str| process.stat(&format!("{stats}.update_{result}"));
        let (taken, rejected) = (count(self, "success"), count(self, "rejected"));
        self.write(kind, resources);
        self.wait_for(|process| {
            assert_eq!(count(process, "rejected"), rejected, "Envoy rejects the {kind}:\n{}", process.log());
            count(process, "success") > taken
        });
    }

    fn write(&self, kind: &str, resources: &[Value]) {
        write_resources(self.folder.path(), kind, resources);
    }

    fn wait_for(&self, condition: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !condition(self) {
            assert!(Instant::now() < deadline, "Envoy does not take its resources:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A counter or a gauge of Envoy. One that does not exist yet is 0.
    pub fn stat(&self, name: &str) -> u64 {
        let line = format!("{name}: ");
        let stats = self.admin(&format!("/stats?filter=^{name}$"));
        stats.lines().find_map(|stat| stat.strip_prefix(&line)).map_or(0, |count| count.trim().parse().unwrap())
    }

    /// A page of Envoy's admin interface.
    pub fn admin(&self, path: &str) -> String {
        self.ask("GET", path)
    }

    fn ask(&self, method: &str, path: &str) -> String {
        let request = format!("{method} {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
        exchange(loopback(self.admin), request.as_bytes()).unwrap().body
    }

    /// The log of the test.
    pub fn log(&self) -> String {
        self.whole_log().split_off(self.log_start)
    }

    fn whole_log(&self) -> String {
        fs::read_to_string(self.folder.path().join("envoy.log")).unwrap()
    }

    /// The folder of the process.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Writes resources to a file that Envoy watches, atomically.
fn write_resources(folder: &Path, kind: &str, resources: &[Value]) {
    let name = if kind == "clusters" { "cluster.v3.Cluster" } else { "listener.v3.Listener" };
    let mut resources = resources.to_vec();
    for resource in &mut resources {
        resource["@type"] = json!(format!("type.googleapis.com/envoy.config.{name}"));
    }
    let new = folder.join(format!("{kind}.new"));
    fs::write(&new, json!({ "resources": resources }).to_string()).unwrap();
    fs::rename(new, folder.join(format!("{kind}.json"))).unwrap();
}

/// A listener with the module that nobody uses, so that V8 keeps the code.
fn keeper() -> Value {
    let tenants =
        configuration(&[tenant("kept", &Issuer::new("https://kept.example", "none", Signer::es256(), Clock::Real))]);
    json!({ "name": "keeper", "address": address(0), "filter_chains": [{ "filters": [{
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "keeper",
            "route_config": { "name": "keeper" },
            "http_filters": [plugin(&tenants, "keeper"), {
                "name": "envoy.filters.http.router",
                "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
            }],
        },
    }] }] })
}

/// The filter with this configuration. Plugins with the same `vm_id` share VMs and shared data.
pub fn plugin(configuration: &Value, vm_id: &str) -> Value {
    json!({ "name": "tenantgate", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": "tenantgate",
            "failure_policy": "FAIL_RELOAD",
            "allow_on_headers_stop_iteration": true,
            "vm_config": {
                "vm_id": vm_id, "runtime": "envoy.wasm.runtime.v8", "code": { "local": { "filename": module_path() } },
            },
            "configuration": { "@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration.to_string() },
        },
    } })
}

/// As in envoy/envoy.yaml.
pub fn stats_config() -> Value {
    let ours = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy/envoy.yaml")).unwrap();
    let ours: Value = serde_saphyr::from_str(&ours).unwrap();
    ours["stats_config"].clone()
}

/// A process that ends when this value is dropped, or when the process of the tests ends.
pub struct Envoy(Child);

impl Drop for Envoy {
    fn drop(&mut self) {
        // Ends the shell that `launch_file` starts, which ends Envoy.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Starts Envoy with a bootstrap and further environment variables, and waits until it is ready. If
/// it does not start, the error is its log, which is written beside the file.
pub fn launch_file(file: &Path, variables: &[(&str, &str)], admin: u16) -> Result<Envoy, String> {
    /// Ends Envoy when the input ends, and itself when Envoy ends.
    const SCRIPT: &str = r#""$@" & envoy=$!; (cat >/dev/null; kill -KILL $envoy) <&3 & wait $envoy"#;
    let log = file.with_file_name("envoy.log");
    let output = File::options().create(true).append(true).open(&log).unwrap();
    let mut shell = Command::new("sh");
    shell.envs(variables.iter().copied()).args(["-c", &format!("exec 3<&0; {SCRIPT}"), "sh"]).arg(envoy_path());
    shell.args(["--disable-hot-restart", "--concurrency", &WORKERS.to_string(), "--drain-time-s", "0"]);
    shell.args(["-l", "warning", "--component-log-level", "wasm:trace", "-c"]).arg(file);
    let child = shell.stdin(Stdio::piped()).stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
    let mut envoy = Envoy(child);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if envoy.0.try_wait().unwrap().is_some() {
            return Err(fs::read_to_string(log).unwrap());
        }
        if TcpStream::connect(loopback(admin)).is_ok() {
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
    let path = std::env::var_os("TENANTGATE_ENVOY")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/envoy"), PathBuf::from);
    assert!(path.exists(), "{} does not exist; ./build.sh test installs it", path.display());
    path
}

/// An address of Envoy's API on the loopback interface.
pub fn address(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
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

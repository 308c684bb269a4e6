//! A real etcd, and the way to it: the server of an issuer passes the calls of the store on.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::Lines;
use super::http::{base64, exchange};
use super::issuer::Answer;

/// An etcd that ends with the process that started it.
pub struct Etcd {
    pub address: SocketAddr,
    /// The token of the user `root`, if etcd wants a user.
    root: Option<String>,
    /// The shell that ends etcd when this end of its input closes.
    _shell: Child,
}

/// A shell that starts etcd, and ends it when nobody can write to the input of the shell any more.
/// Its disk is then lost. A line there ends etcd at once, starts it again with its disk, or is the
/// name of a signal that pauses it or lets it go on.
const GUARD: &str = r#"run() { etcd "$@" >/dev/null 2>&1 & }
run "$@"
while read -r order; do
    case $order in
        end) kill -KILL $!; wait $! 2>/dev/null ;;
        start) run "$@" ;;
        *) kill "-$order" $! ;;
    esac
done
kill -CONT $! 2>/dev/null && kill $!; wait; rm -rf "$4""#;

/// Starts a member of a cluster at these ports.
pub(super) fn launch(name: &str, ports: (u16, u16), cluster: &str, arguments: &[&str]) -> Child {
    let folder = TempDir::new().unwrap().keep();
    let [client, peer] = [ports.0, ports.1].map(|port| format!("http://127.0.0.1:{port}"));
    let mut shell = Command::new("sh");
    shell.args(["-c", GUARD, "sh", "--log-level", "error", "--data-dir"]).arg(folder);
    shell.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
    shell.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    shell.args(["--name", name, "--initial-cluster", cluster]).args(arguments);
    shell.stdin(Stdio::piped()).spawn().unwrap()
}

/// Waits until the etcd at this address answers.
pub(super) fn wait_for(address: SocketAddr) {
    for _ in 0..600 {
        let is_there = TcpStream::connect(address).is_ok();
        if is_there && try_pass(address, "/v3/maintenance/status", &[], b"{}").is_some_and(|(status, _)| status == 200)
        {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("etcd did not start; the package etcd-server of the distribution has it");
}

impl Etcd {
    /// Starts one with these further arguments, and waits until it answers.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_at((free_port(), free_port()), arguments)
    }

    /// Starts one with these further arguments that has an address for TLS, too.
    pub fn with_tls(arguments: &[&str]) -> (Self, SocketAddr) {
        let (ports, tls) = ((free_port(), free_port()), free_port());
        let listen = format!("http://127.0.0.1:{},https://127.0.0.1:{tls}", ports.0);
        let etcd = Self::start_at(ports, &[&["--listen-client-urls", &listen], arguments].concat());
        (etcd, SocketAddr::from(([127, 0, 0, 1], tls)))
    }

    /// Starts one with these further arguments that has an address for TLS only. From etcd 3.5 on,
    /// the JSON gateways of all addresses use one of these for their own calls.
    pub fn with_tls_only(arguments: &[&str]) -> Self {
        let (tls, peer) = (free_port(), free_port());
        let listen = format!("https://127.0.0.1:{tls}");
        let arguments = [&["--listen-client-urls", &listen, "--advertise-client-urls", &listen], arguments].concat();
        let shell = launch("default", (tls, peer), &format!("default=http://127.0.0.1:{peer}"), &arguments);
        let etcd = Self { address: SocketAddr::from(([127, 0, 0, 1], tls)), root: None, _shell: shell };
        for _ in 0..600 {
            if TcpStream::connect(etcd.address).is_ok() {
                return etcd;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("etcd did not start");
    }

    fn start_at(ports: (u16, u16), arguments: &[&str]) -> Self {
        let shell = launch("default", ports, &format!("default=http://127.0.0.1:{}", ports.1), arguments);
        let address = SocketAddr::from(([127, 0, 0, 1], ports.0));
        wait_for(address);
        Self { address, root: None, _shell: shell }
    }

    /// Starts one that wants a user, as [`want_users`](Self::want_users) says.
    pub fn with_users(arguments: &[&str], users: &[(&str, &str, &str)]) -> Self {
        let mut etcd = Self::start(arguments);
        etcd.want_users(users);
        etcd
    }

    /// Wants a user from now on, see [`want_users`].
    pub fn want_users(&mut self, users: &[(&str, &str, &str)]) {
        self.root = Some(want_users(self.address, users));
    }

    /// The one etcd of this process. Each test has keys with a prefix of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Etcd> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// Starts one with space for little, see [`fill`](Self::fill).
    pub fn small() -> Self {
        Self::start(&["--quota-backend-bytes", "1000000"])
    }

    /// Writes to one key until etcd has no space left.
    pub fn fill(&self) {
        let mut puts = (0..50).map(|_| self.put_filler());
        let refused = puts.find(|(status, _)| *status != 200).unwrap();
        assert_eq!((refused.0, &refused.1["message"]), (429, &json!("etcdserver: mvcc: database space exceeded")));
    }

    fn put_filler(&self) -> (u16, Value) {
        self.post("/v3/kv/put", &json!({ "key": base64("filler"), "value": base64("x".repeat(100_000)) }))
    }

    /// Makes space as docs/operations.md says: without the values that were replaced, and with the
    /// alarm disarmed.
    pub fn make_space(&self) {
        let done = |path: &str, body: &Value| {
            let (status, answer) = self.post(&format!("/v3/{path}"), body);
            assert_eq!(status, 200, "{path}: {answer}");
            answer
        };
        let revision = done("maintenance/status", &json!({}))["header"]["revision"].clone();
        done("kv/compaction", &json!({ "revision": revision, "physical": true }));
        done("maintenance/defragment", &json!({}));
        assert_eq!(self.put_filler().0, 429, "the alarm stays");
        let alarms = done("maintenance/alarm", &json!({ "action": "GET" }))["alarms"].clone();
        for alarm in alarms.as_array().unwrap() {
            done(
                "maintenance/alarm",
                &json!({ "action": "DEACTIVATE", "memberID": alarm["memberID"], "alarm": alarm["alarm"] }),
            );
        }
    }

    /// Posts to the JSON gateway. The result is the status and the answer.
    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let head: Vec<_> =
            self.root.iter().map(|token| ("authorization".to_owned(), token.clone().into_bytes())).collect();
        post_with(self.address, path, &head, body)
    }

    /// The keys that begin with `prefix`, and their values.
    pub fn keys(&self, prefix: &str) -> Vec<(String, String)> {
        let text =
            |value: &Value| String::from_utf8_lossy(&super::http::from_base64(value.as_str().unwrap())).into_owned();
        self.below(prefix).iter().map(|pair| (text(&pair["key"]), text(&pair["value"]))).collect()
    }

    /// What etcd says of the keys that begin with `prefix`.
    fn below(&self, prefix: &str) -> Vec<Value> {
        let end = format!("{}0", prefix.strip_suffix('/').unwrap());
        let (_, answer) = self.post("/v3/kv/range", &json!({ "key": base64(prefix), "range_end": base64(end) }));
        answer["kvs"].as_array().cloned().unwrap_or_default()
    }

    /// The keys that begin with `prefix`, and for how many seconds their leases were granted. 0 for
    /// a key without a lease.
    pub fn leases(&self, prefix: &str) -> Vec<(String, u64)> {
        let seconds = |lease: &Value| {
            let (status, answer) = self.post("/v3/lease/timetolive", &json!({ "ID": lease }));
            assert_eq!(status, 200, "{answer}");
            answer["grantedTTL"].as_str().unwrap().parse().unwrap()
        };
        let of = |pair: &Value| {
            let key = super::http::from_base64(pair["key"].as_str().unwrap());
            (String::from_utf8(key).unwrap(), pair.get("lease").map_or(0, seconds))
        };
        self.below(prefix).iter().map(of).collect()
    }

    /// Writes many keys.
    pub fn put_all(&self, pairs: &[(Vec<u8>, String)]) {
        for pairs in pairs.chunks(100) {
            let put = |(key, value): &(Vec<u8>, String)| json!({ "request_put": { "key": base64(key), "value": base64(value) } });
            let puts: Vec<Value> = pairs.iter().map(put).collect();
            assert_eq!(self.post("/v3/kv/txn", &json!({ "success": puts })).0, 200);
        }
    }

    /// Deletes the keys that begin with `prefix`.
    pub fn delete(&self, prefix: &str) {
        let end = format!("{}0", prefix.strip_suffix('/').unwrap());
        let body = json!({ "key": base64(prefix), "range_end": base64(end) });
        assert_eq!(self.post("/v3/kv/deleterange", &body).0, 200);
    }

    /// Deletes a key.
    pub fn delete_key(&self, key: &str) {
        assert_eq!(self.post("/v3/kv/deleterange", &json!({ "key": base64(key) })).0, 200);
    }

    /// Writes a key, as somebody does who has access to etcd but no session key.
    pub fn put(&self, key: &str, value: &str) {
        let (status, _) = self.post("/v3/kv/put", &json!({ "key": base64(key), "value": base64(value) }));
        assert_eq!(status, 200);
    }
}

/// Lets the etcd at this address want a user from now on. Each of these has a password, and a
/// permission (`READ` or `READWRITE`) for what begins with `/t`. The result is a token of `root`.
pub(super) fn want_users(address: SocketAddr, users: &[(&str, &str, &str)]) -> String {
    let set = |calls: &[(&str, Value)]| {
        for (path, body) in calls {
            assert_eq!(post(address, &format!("/v3/auth/{path}"), body).0, 200, "{path}");
        }
    };
    for (name, password, permission) in users {
        let permission = json!({ "permType": permission, "key": "L3QA", "range_end": "L3Uw" });
        set(&[
            ("user/add", json!({ "name": name, "password": password })),
            ("role/add", json!({ "name": name })),
            ("role/grant", json!({ "name": name, "perm": permission })),
            ("user/grant", json!({ "user": name, "role": name })),
        ]);
    }
    let root = json!({ "name": "root", "password": "root-password" });
    set(&[
        ("user/add", root.clone()),
        ("role/add", json!({ "name": "root" })),
        ("user/grant", json!({ "user": "root", "role": "root" })),
        ("enable", json!({})),
    ]);
    let (_, answer) = post(address, "/v3/auth/authenticate", &root);
    answer["token"].as_str().unwrap().to_owned()
}

/// How long an answer takes, by the path and the number of the attempt.
type DelayOfCall = Box<dyn Fn(&str, usize) -> Duration + Send>;

/// The way to an etcd.
pub struct EtcdAccess {
    pub address: SocketAddr,
    /// How etcd seems to answer.
    pub answer: Answer,
    /// How long the answer to a call takes, in the tier `core`: by its path, and how often the same
    /// call was made before.
    pub delay: DelayOfCall,
    /// How often each call was made, by its path and body.
    pub made: HashMap<(String, String), usize>,
    /// How many calls were made.
    pub calls: usize,
    /// How many of these were transactions.
    pub transactions: usize,
    /// How many of the next answers to writes are lost.
    pub lost: usize,
    /// How many of the next leases meet a member that is down.
    pub lost_leases: usize,
    /// The members of the cluster `etcd` of Envoy, if it has one.
    pub members: Vec<SocketAddr>,
    /// The transport socket of that cluster, if it has one.
    pub transport_socket: Option<Value>,
}

impl EtcdAccess {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            answer: Answer::Normal,
            delay: Box::new(|_, _| Duration::ZERO),
            made: HashMap::new(),
            calls: 0,
            transactions: 0,
            lost: 0,
            lost_leases: 0,
            members: Vec::new(),
            transport_socket: None,
        }
    }

    /// Sets how long answers take from now on, in the tier `core`.
    pub fn take(&mut self, delay: impl Fn(&str, usize) -> Duration + Send + 'static) {
        self.delay = Box::new(delay);
        self.made.clear();
    }

    /// How long the answer to this call takes.
    pub fn next_delay(&mut self, path: &str, body: &str) -> Duration {
        let made = self.made.entry((path.to_owned(), body.to_owned())).or_default();
        *made += 1;
        (self.delay)(path, *made - 1)
    }

    /// Passes a call on.
    pub fn serve(&mut self, path: &str, head: &Lines, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        self.calls += 1;
        self.transactions += usize::from(path == "/v3/kv/txn");
        if self.lost_leases > 0 && path == "/v3/lease/grant" {
            self.lost_leases -= 1;
            return Some((503, b"no healthy upstream".to_vec()));
        }
        match &self.answer {
            Answer::Silence => None,
            Answer::Raw(status, body) => Some((*status, body.clone())),
            Answer::Normal | Answer::Repeat => {
                let token = head.iter().find(|(name, _)| name == "authorization");
                let token: Vec<_> = token.into_iter().cloned().collect();
                let answer = pass(self.address, path, &token, body);
                let is_lost = self.lost > 0 && path == "/v3/kv/txn" && answer.0 == 200;
                self.lost -= usize::from(is_lost);
                (!is_lost).then_some(answer)
            }
        }
    }
}

/// Posts to the JSON gateway at this address. The result is the status and the answer.
pub(super) fn post(address: SocketAddr, path: &str, body: &Value) -> (u16, Value) {
    post_with(address, path, &[], body)
}

pub(super) fn post_with(address: SocketAddr, path: &str, head: &[(String, Vec<u8>)], body: &Value) -> (u16, Value) {
    let (status, answer) = pass(address, path, head, body.to_string().as_bytes());
    (status, serde_json::from_slice(&answer).unwrap_or_default())
}

/// A prefix of keys that no other test has.
pub fn prefix() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("/{}/{}/", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Lets the first tenant's issuer pass the calls of the store on to this etcd.
pub fn store(configuration: &mut Value, prefix: &str) {
    configuration["store"] = json!({ "etcd": { "cluster": "acme", "prefix": prefix } });
}

fn pass(address: SocketAddr, path: &str, head: &[(String, Vec<u8>)], body: &[u8]) -> (u16, Vec<u8>) {
    try_pass(address, path, head, body).expect("an answer of etcd")
}

fn try_pass(address: SocketAddr, path: &str, head: &[(String, Vec<u8>)], body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let mut request =
        format!("POST {path} HTTP/1.1\r\nhost: etcd\r\nconnection: close\r\ncontent-length: {}\r\n", body.len())
            .into_bytes();
    for (name, value) in head {
        request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    request.extend([b"\r\n", body].concat());
    let reply = exchange(address, &request)?;
    // An error comes in chunks.
    let chunked = reply.header("transfer-encoding") == Some("chunked");
    let body = if chunked { unchunked(&reply.body) } else { reply.body };
    Some((reply.status, body.into_bytes()))
}

fn unchunked(mut text: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or_default();
        let Some(chunk) = rest.get(..size).filter(|_| size > 0) else { break };
        body += chunk;
        text = &rest[size + 2..];
    }
    body
}

pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

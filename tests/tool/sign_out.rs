//! The command `sign-out`, with a server in the place of etcd. `tests/scenarios/store_command.rs`
//! has what comes of it at replicas, with a real one.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use serde_json::json;
use tempfile::TempDir;

use super::authority::Authority;
use super::probe::http_date;
use super::web_server::{Received, Sent, serve};
use super::{KEY, run};

const PASSWORD: &str = "correct-horse-battery";
const CONFIGURATION: &str = "
session: {keys: [{id: new, env: KEY}, {id: old, env: OLD_KEY}]}
store: {etcd: {cluster: etcd, username: gate, password: {env: ETCD_PASSWORD}, interval: 3s}}
tenants:
  - name: acme
    hosts: [acme.example]
    issuer: https://issuer.example
    client_id: gate
    client_secret: {env: SECRET}
    provider: {cluster: i, discovery: true}
  - name: globex
    hosts: [globex.example]
    issuer: http://issuer.example
    client_id: gate
    provider: {cluster: i, discovery: true}
";

/// A server that answers as etcd does, and what it has received.
struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        Self::with(tls, 0, |_| None)
    }

    /// One whose clock is so many seconds ahead, and that answers some calls in another way.
    fn with(tls: Option<Arc<ServerConfig>>, ahead: i64, answer: fn(&Received) -> Option<Sent>) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let calls = received.clone();
        let address = serve(tls, move |call| {
            calls.lock().unwrap().push(call.clone());
            answer(call).or_else(|| {
                let header = json!({ "cluster_id": "1", "revision": "7" });
                Some(match call.path.as_str() {
                    "/v3/auth/authenticate" => sent(200, ahead, &json!({ "header": header, "token": "the-token" })),
                    "/v3/kv/range" => sent(200, ahead, &json!({ "header": header })),
                    "/v3/kv/txn" => sent(200, ahead, &json!({ "header": header, "succeeded": true })),
                    _ => sent(404, ahead, &json!({})),
                })
            })
        });
        Self { address, received }
    }

    fn paths(&self) -> Vec<String> {
        self.received.lock().unwrap().iter().map(|call| call.path.clone()).collect()
    }

    fn http(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// An answer of a server whose clock is so many seconds ahead.
fn sent(status: u16, ahead: i64, body: &serde_json::Value) -> Sent {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let date = http_date(now.checked_add_signed(ahead).unwrap());
    Sent { status, headers: vec![("date", date)], body: body.to_string() }
}

/// Runs the command for acme with all variables.
fn sign_out(file: &str, arguments: &[&str]) -> (i32, String, String) {
    let (key, password) = (format!("KEY={KEY}"), format!("ETCD_PASSWORD={PASSWORD}"));
    let variables = ["--env", &key, "--env", &password];
    let (code, output, errors) = run(&[&["sign-out", "-", "--tenant", "acme"], arguments, &variables].concat(), file);
    for secret in [KEY, PASSWORD, "the-token"] {
        assert!(!output.contains(secret) && !errors.contains(secret), "{output}{errors}");
    }
    (code, output, errors)
}

/// The error of a command that fails.
#[track_caller]
fn refused(file: &str, arguments: &[&str]) -> String {
    let (code, output, errors) = sign_out(file, arguments);
    assert_eq!((code, output.as_str()), (2, ""), "{errors}");
    errors
}

/// A bootstrap of Envoy with the configuration and a cluster `etcd` with these endpoints.
fn bootstrap(addresses: &[SocketAddr], tls: &str) -> String {
    let endpoint = |address: &SocketAddr| {
        let (host, port) = (address.ip(), address.port());
        format!("{{endpoint: {{address: {{socket_address: {{address: {host}, port_value: {port}}}}}}}}}")
    };
    let endpoints = addresses.iter().map(endpoint).collect::<Vec<_>>().join(", ");
    let configuration: serde_json::Value = serde_saphyr::from_str(CONFIGURATION).unwrap();
    format!(
        "static_resources:
  listeners:
  - filter:
      '@type': type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
      config:
        name: tenantgate
        configuration:
          '@type': type.googleapis.com/google.protobuf.Struct
          value: {configuration}
  clusters:
  - name: i
  - name: etcd
    load_assignment: {{endpoints: [{{lb_endpoints: [{endpoints}]}}]}}
{tls}"
    )
}

/// The address of a port where nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn etcd_is_where_the_cluster_leads() {
    let server = Server::start(None);
    // A server that is down is passed over.
    let file = bootstrap(&[nobody(), server.address], "");
    let (code, output, errors) = sign_out(&file, &["--user", "ada@acme.example"]);
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    let (before, after) = output.split_once(" that began until ").unwrap();
    let (time, after) = after.split_once(' ').unwrap();
    assert_eq!(before, "acme: all sessions of user \"ada@acme.example\"");
    assert!(humantime::parse_rfc3339(time).is_ok(), "{output}");
    let place = format!("{} (cluster \"etcd\")", server.http());
    assert_eq!(after, format!("end at every replica within about 6s; written to {place}\n"));
    let shown = output.replace(time, "2026-11-26T19:00:00Z").replace("6s", "2s");
    let shown = shown.replace(&server.http(), "http://10.0.0.7:2379");
    assert!(include_str!("../../docs/tool.md").contains(&shown), "{shown}");
    assert_eq!(server.paths(), ["/v3/auth/authenticate", "/v3/kv/range", "/v3/kv/txn"]);
    let received = server.received.lock().unwrap();
    assert_eq!(received[0].body, json!({ "name": "gate", "password": PASSWORD }).to_string());
    assert!(received[1..].iter().all(|call| call.header("authorization") == Some("the-token")), "{received:?}");
}

#[test]
fn another_user_of_etcd_can_be_named() {
    let server = Server::start(None);
    let another = ["--user", "ada", "--etcd-user", "operator", "--etcd-password-env"];
    let file = bootstrap(&[server.address], "");
    for (user, more, says) in [
        (&another[..], &["OPERATOR", "--env", "OPERATOR=a-word-of-the-operator"][..], None),
        (&another[..], &["OPERATOR"], Some("environment variable \"OPERATOR\" is not set here")),
        (&another[..4], &[], Some("--etcd-password-env <VARIABLE>")),
        (&["--all", "--etcd-password-env"], &["OPERATOR"], Some("--etcd-user <NAME>")),
    ] {
        let (code, _, errors) = sign_out(&file, &[user, more].concat());
        assert_eq!(code, if says.is_some() { 2 } else { 0 }, "{errors}");
        assert!(errors.contains(says.unwrap_or_default()), "{errors}");
    }
    let received = server.received.lock().unwrap();
    assert_eq!(received.len(), 3);
    assert_eq!(received[0].body, json!({ "name": "operator", "password": "a-word-of-the-operator" }).to_string());
}

/// A member of etcd that is cut off from the others.
#[test]
fn a_server_that_answers_5xx_is_passed_over() {
    let no_leader = |_: &Received| Some(sent(503, 0, &json!({ "code": 14, "message": "etcdserver: no leader" })));
    let timed_out = |call: &Received| {
        let answer = json!({ "code": 14, "message": "etcdserver: request timed out" });
        (call.path == "/v3/kv/txn").then(|| sent(503, 0, &answer))
    };
    let all = ["/v3/auth/authenticate", "/v3/kv/range", "/v3/kv/txn"];
    let answers: [fn(&Received) -> Option<Sent>; 2] = [no_leader, timed_out];
    for (answer, (asked, then)) in answers.into_iter().zip([(&all[..1], &all[..]), (&all[..], &all[2..])]) {
        let (cut_off, server) = (Server::with(None, 0, answer), Server::start(None));
        let (code, output, errors) = sign_out(&bootstrap(&[cut_off.address, server.address], ""), &["--all"]);
        assert_eq!((code, errors.as_str()), (0, ""), "{output}");
        assert!(output.ends_with(&format!("; written to {} (cluster \"etcd\")\n", server.http())), "{output}");
        assert_eq!(cut_off.paths(), asked);
        assert_eq!(server.paths(), then);
    }
    let servers = [Server::with(None, 0, no_leader), Server::with(None, 0, no_leader)];
    let errors = refused(&bootstrap(&servers.each_ref().map(|server| server.address), ""), &["--all"]);
    let place = format!("{} (cluster \"etcd\")", servers[0].http());
    assert_eq!(
        errors,
        format!("tenantgate: acme: etcd did not confirm it; {place}: status 503: etcdserver: no leader\n")
    );
    assert!(servers.iter().all(|server| !server.paths().is_empty()));
}

#[test]
fn the_address_of_the_command_line_wins() {
    let server = Server::start(None);
    let address = format!("{}/", server.http());
    for file in [CONFIGURATION, &bootstrap(&[nobody()], "")] {
        for (arguments, words) in [
            (["--subject", "ada"].as_slice(), "acme: all sessions of subject \"ada\" that began until "),
            (&["--session", "a\u{1b}b"], "acme: the session \"a\\u{1b}b\" of the issuer ends at every replica"),
            (&["--all"], "acme: all sessions that began until "),
        ] {
            let (code, output, errors) = sign_out(file, &[arguments, &["--etcd", &address]].concat());
            assert_eq!((code, errors.as_str()), (0, ""), "{output}");
            assert!(output.starts_with(words), "{output}");
            assert!(output.ends_with(&format!("; written to {}\n", server.http())), "{output}");
        }
    }
}

/// The name of the server, its authority and the certificate of the client are those of the
/// cluster, or of the command line.
#[test]
fn tls_is_that_of_the_cluster() {
    let far = (2100, 1, 1);
    let (authority, clients) = (Authority::root("Etcd Root"), Authority::root("Client Root"));
    let server = Server::start(Some(authority.issue(&["etcd.example"], far).server_for(&clients)));
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (certificate, key) = clients.issue(&["operator"], far).pem();
    let ca = file("ca.pem", &authority.pem());
    let (certificate, key) = (file("client.pem", &certificate), file("client.key", &key));
    let context = |more: &str| {
        format!(
            "    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: etcd.example
        common_tls_context: {{{more}}}
"
        )
    };
    let trusted = format!("validation_context: {{trusted_ca: {{filename: {ca}}}}}");
    let identity = format!(
        "tls_certificates: [{{certificate_chain: {{filename: {certificate}}}, private_key: {{filename: {key}}}}}]"
    );
    let addresses = [server.address];
    let whole = bootstrap(&addresses, &context(&format!("{trusted}, {identity}")));
    let (code, output, errors) = sign_out(&whole, &["--all"]);
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    assert!(output.ends_with(&format!("https://{} (cluster \"etcd\")\n", server.address)), "{output}");
    let given = ["--all", "--ca", &ca, "--certificate", &certificate, "--private-key", &key];
    assert_eq!(sign_out(&bootstrap(&addresses, &context("")), &given).0, 0);
    let taken = server.paths().len();
    for (context, arguments, says) in [
        (context(&identity), vec!["--all"], "invalid peer certificate: UnknownIssuer"),
        (context("validation_context: {trusted_ca: {filename: /none.pem}}"), vec!["--all"], "give it with `--ca FILE`"),
        (
            context(&trusted).replace("sni: etcd.example", "sni: other.example"),
            vec!["--all"],
            "certificate not valid for",
        ),
        (
            context(&trusted),
            vec!["--all", "--certificate", &certificate, "--private-key", &ca],
            "has no private key in PEM",
        ),
        (context(&trusted), vec!["--all", "--certificate", &ca, "--private-key", &key], "keys may not be consistent"),
    ] {
        let errors = refused(&bootstrap(&addresses, &context), &arguments);
        assert!(errors.contains(says), "{says}: {errors}");
    }
    // The alert of the server may come after its end of the connection.
    let errors = refused(&bootstrap(&addresses, &context(&trusted)), &["--all"]);
    let reasons = ["CertificateRequired", "the server closed the connection"];
    assert!(reasons.iter().any(|reason| errors.contains(reason)), "{errors}");
    assert_eq!(server.paths().len(), taken);
}

#[test]
fn what_is_missing_is_said() {
    let server = Server::start(None);
    let etcd = server.http();
    let without_store = CONFIGURATION.replace("store:", "filter_state: true\n#");
    let misspelt = CONFIGURATION.replace("interval: 3s", "intervall: 3s");
    let at_etcd = ["--all", "--etcd", &etcd];
    let (ada, key) = (["--user", "ada", "--etcd", &etcd], format!("KEY={KEY}"));
    for (file, arguments, says) in [
        (
            without_store.as_str(),
            at_etcd.as_slice(),
            "tenantgate: <stdin>: has no `store`, so replicas do not learn of",
        ),
        (&misspelt, &at_etcd, "store.etcd: unknown field \"intervall\""),
        (
            CONFIGURATION,
            &["--all"],
            "has no address of the cluster \"etcd\", which `store.etcd.cluster` names; say where etcd is with `--etcd URL`",
        ),
        (CONFIGURATION, &["--all", "--etcd", "etcd.example:2379"], "write it as https://etcd.example:2379"),
        (
            CONFIGURATION,
            &["--all", "--etcd", "root:the-token@etcd.example:2379"],
            "write it as https://etcd.example:2379",
        ),
        (CONFIGURATION, &["--all", "--etcd", "http://etcd.example/v3"], "write it as https://etcd.example:2379"),
        (
            CONFIGURATION,
            &["--all", "--etcd", "http://root:the-token@etcd.example"],
            "write `store.etcd.username` and `password`, or give `--etcd-user` and `--etcd-password-env`",
        ),
        (CONFIGURATION, &["--etcd", &etcd], "--user <NAME>|--subject <SUB>|--session <SID>|--all"),
        (CONFIGURATION, &["--user", "ada", "--all"], "cannot be used with"),
        (CONFIGURATION, &["--user", "", "--etcd", &etcd], "a value is required for '--user <NAME>'"),
    ] {
        let errors = refused(file, arguments);
        assert!(errors.contains(says), "{says}: {errors}");
    }
    let tenant = |name: &str| {
        let password = format!("ETCD_PASSWORD={PASSWORD}");
        let arguments = [&["sign-out", "-", "--tenant", name], &ada[..], &["--env", &key, "--env", &password]].concat();
        run(&arguments, CONFIGURATION)
    };
    let (code, _, errors) = tenant("Acme");
    assert_eq!(
        (code, errors.as_str()),
        (2, "tenantgate: <stdin>: there is no tenant \"Acme\"; there are acme, globex\n")
    );
    let (code, _, errors) = tenant("globex");
    assert!(code == 2 && errors.contains("tenant \"globex\" has mistakes, so it has no sessions: "), "{errors}");
    assert!(errors.contains("issuer: "), "{errors}");
    // Without these, replicas could not read the entry, or etcd would not take it. The other key
    // and the secret of the client are not needed.
    for (variables, says) in [
        (vec![], "session.keys[0]: environment variable \"KEY\" is not set here; give it with `--env KEY=…`"),
        (vec!["--env", key.as_str()], "store.etcd.password: environment variable \"ETCD_PASSWORD\" is not set here"),
        (vec!["--env", "KEY=abc", "--env", "ETCD_PASSWORD=x"], "session.keys[0].env: is not base64 of 32 bytes"),
    ] {
        let arguments = [&["sign-out", "-", "--tenant", "acme"], &ada[..], &variables].concat();
        let (code, _, errors) = run(&arguments, CONFIGURATION);
        assert!(code == 2 && errors.contains(says), "{says}: {errors}");
    }
    assert_eq!(server.paths(), <[String; 0]>::default());
}

#[test]
fn an_etcd_that_does_not_take_it() {
    let closed = format!("http://{}", nobody());
    let errors = refused(CONFIGURATION, &["--all", "--etcd", &closed]);
    assert!(errors.starts_with(&format!("tenantgate: acme: etcd did not confirm it; {closed}: ")), "{errors}");
    assert!(errors.contains("onnection refused"), "{errors}");
    let is_txn = |call: &Received| call.path == "/v3/kv/txn";
    // It repeats what it has received.
    let repeats: fn(&Received) -> Option<Sent> = |call| {
        let token = call.header("authorization")?;
        let message = format!("etcdserver: permission denied for {token}");
        (call.path == "/v3/kv/txn").then(|| sent(403, 0, &json!({ "code": 7, "message": message })))
    };
    let html: fn(&Received) -> Option<Sent> =
        |_| Some(Sent { status: 200, headers: Vec::new(), body: "<html>".to_owned() });
    let no_store: fn(&Received) -> Option<Sent> = |call| {
        let answer = json!({ "header": {}, "succeeded": true });
        (call.path != "/v3/auth/authenticate").then(|| sent(200, 0, &answer))
    };
    let not_written: fn(&Received) -> Option<Sent> = |call| {
        let answer = json!({ "header": { "revision": "8" } });
        (call.path == "/v3/kv/txn").then(|| sent(200, 0, &answer))
    };
    let bare: fn(&Received) -> Option<Sent> =
        |_| Some(Sent { status: 503, headers: Vec::new(), body: "no healthy upstream".to_owned() });
    let named: fn(&Received) -> Option<Sent> = |_| {
        let body = "CommonName of client sending a request against gateway will be ignored and not used as expected\n";
        Some(Sent { status: 400, headers: Vec::new(), body: body.to_owned() })
    };
    let invalid = ": the answer is not one of etcd's JSON gateway (/v3)\n";
    for (answer, says, writes) in [
        (repeats, ": status 403: etcdserver: permission denied for [not shown]\n", true),
        (html, ": status 200\n", false),
        (no_store, invalid, false),
        (not_written, invalid, true),
        (bare, ": status 503\n", false),
        (
            named,
            ": status 400: CommonName of client sending a request against gateway will be ignored; the certificate of \
             the client must have no common name (CN)\n",
            false,
        ),
    ] {
        let server = Server::with(None, 0, answer);
        let errors = refused(CONFIGURATION, &["--user", "ada", "--etcd", &server.http()]);
        let start = format!("tenantgate: acme: etcd did not confirm it; {}", server.http());
        assert_eq!(errors, format!("{start}{says}"));
        assert_eq!(server.received.lock().unwrap().iter().any(is_txn), writes, "{says}");
    }
}

/// Sessions of the last minutes would go on, or those of the next ones would end.
#[test]
fn the_clocks_have_to_agree() {
    for (ahead, says) in [(90, "s behind that of etcd, so sessions"), (-90, "s ahead of that of etcd, so new")] {
        let server = Server::with(None, ahead, |_| None);
        let errors = refused(CONFIGURATION, &["--all", "--etcd", &server.http()]);
        assert!(errors.starts_with("tenantgate: acme: nothing was written: the clock of this machine is "), "{errors}");
        assert!(errors.contains(says), "{errors}");
        assert_eq!(server.paths().len(), 1);
    }
    let server = Server::with(None, 4, |_| None);
    assert_eq!(sign_out(CONFIGURATION, &["--all", "--etcd", &server.http()]).0, 0);
}

//! Tenants that an operator writes with the tool, in Envoys that serve them.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::browser::Browser;
use crate::support::documents::{Documents, operator_jwk};
use crate::support::envoy_harness::EnvoyHarness;
use crate::support::etcd::EtcdAccess;
use crate::support::etcd_cluster::EtcdCluster;
use crate::support::harness::{Outcome, values};
use crate::support::http::from_base64url;
use crate::support::replicas::Replicas;
use crate::support::world::{World, ada};

type Envoys = World<Replicas<EnvoyHarness, 3>>;

const PAGE: &str = "https://acme.example/page";
/// So many requests reach each worker: the three Envoys get them in turn, and the system chooses
/// one of two workers for each connection.
const ALL_WORKERS: usize = 60;
/// The passwords of the users of etcd.
const GATE: &str = "password-of-the-gates";
const WRITER: &str = "password-of-the-writer";

/// The commands `tenants`, for gates with one configuration.
struct Tool {
    folder: TempDir,
    etcd: SocketAddr,
    /// The secret of the client, which no output may have.
    secret: String,
}

impl Tool {
    fn new(configuration: &Value, etcd: SocketAddr, secret: &str) -> Self {
        let tool = Self { folder: TempDir::new().unwrap(), etcd, secret: secret.to_owned() };
        tool.write("gate.yaml", configuration);
        tool.write("operator.jwk", &operator_jwk());
        tool
    }

    fn write(&self, name: &str, content: &Value) {
        fs::write(self.folder.path().join(name), content.to_string()).unwrap();
    }

    /// Runs a command. The result is its exit code, and what it prints.
    fn run(&self, command: &str, arguments: &[&str]) -> (i32, String) {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_tenantgate"));
        tool.current_dir(self.folder.path()).args(["tenants", command, "gate.yaml"]).args(arguments);
        tool.args(["--etcd", &format!("http://{}", self.etcd), "--env", &format!("ACME_SECRET={}", self.secret)]);
        tool.args(["--etcd-user", "writer", "--etcd-password-env", "WRITER", "--env", &format!("WRITER={WRITER}")]);
        let output = tool.output().unwrap();
        let [printed, errors] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        for secret in [self.secret.as_str(), GATE, WRITER] {
            assert!(!printed.contains(secret) && !errors.contains(secret), "{printed}{errors}");
        }
        (output.status.code().unwrap(), format!("{printed}{errors}"))
    }

    #[track_caller]
    fn apply(&self, tenant: &Value) {
        self.write("acme.yaml", tenant);
        let (code, output) = self.run("apply", &["acme.yaml", "--key", "operator.jwk", "--yes"]);
        assert!(code == 0 && output.contains("acme: written to http://"), "{code} {output}");
    }

    /// Whether `diff` shows a change.
    #[track_caller]
    fn differs(&self, tenant: &Value) -> bool {
        self.write("acme.yaml", tenant);
        let (code, output) = self.run("diff", &["acme.yaml"]);
        assert!(matches!(code, 0 | 1), "{code} {output}");
        code == 1
    }
}

/// Waits until all Envoys answer so with this session; without a status, the upstream does.
#[track_caller]
fn everywhere(world: &mut Envoys, browser: &Browser, status: Option<u16>) {
    world.eventually(|world| {
        (0..ALL_WORKERS).all(|_| match world.open(&mut browser.clone(), PAGE) {
            Outcome::Replied(reply) => Some(reply.status) == status,
            Outcome::Forwarded(..) => status.is_none(),
        })
    });
}

/// Three Envoys, and an etcd of three members, where the gates only read.
#[test]
fn a_tenant_comes_changes_and_goes_by_the_tool() {
    let etcd = EtcdCluster::start();
    let root = etcd.want_users(&[("gate", GATE, "READ"), ("writer", WRITER, "READWRITE")]);
    let members = etcd.addresses();
    let prefix = "/tenants/";
    let mut parts = None;
    let mut world = Envoys::with_issuer(
        |issuer| {
            issuer.etcd = Some(EtcdAccess { members: members.clone(), ..EtcdAccess::new(members[0]) });
            issuer.secrets.extend([GATE, WRITER].map(str::to_owned));
        },
        |configuration| {
            let acme = Documents::take_first(configuration);
            Documents::new(configuration, prefix);
            let of_etcd = json!({ "cluster": "etcd", "username": "gate", "password": GATE });
            configuration["tenants_from"]["etcd"].as_object_mut().unwrap().extend(of_etcd.as_object().unwrap().clone());
            parts = Some((acme, configuration.clone()));
        },
    );
    let (mut acme, configuration) = parts.unwrap();
    let mut tool = Tool::new(&configuration, members[0], acme["client_secret"].as_str().unwrap());
    acme["client_secret"] = json!({ "env": "ACME_SECRET" });
    let nobody = world.browser();
    everywhere(&mut world, &nobody, Some(404));

    assert!(tool.differs(&acme));
    tool.apply(&acme);
    assert!(!tool.differs(&acme));
    everywhere(&mut world, &nobody, Some(302));
    // The issuer takes no other secret than the one that only the tool knew.
    let mut browser = world.browser();
    let (_, head) = world.sign_in(&mut browser, "acme", PAGE, &ada());
    assert_eq!(["user", "tenant"].map(|name| values(&head, &format!("x-auth-request-{name}"))), [["ada"], ["acme"]]);
    everywhere(&mut world, &browser, None);
    assert_eq!(tool.run("status", &[]), (0, "acme: served\n1 served, 0 broken\n".to_owned()));
    let document = etcd.value(&format!("{prefix}tenants/acme"), &root);
    let payload = String::from_utf8(from_base64url(document.split('.').nth(1).unwrap())).unwrap();
    assert!(payload.contains("sealed") && !payload.contains(&tool.secret), "{payload}");

    acme["access"] = json!([{ "allow": { "groups": ["nobody"] } }]);
    assert!(tool.differs(&acme));
    tool.apply(&acme);
    everywhere(&mut world, &browser, Some(403));
    acme["access"] = json!([{ "allow": { "groups": ["engineers"] } }]);
    tool.apply(&acme);
    everywhere(&mut world, &browser, None);

    // The issuer has given the client another secret.
    tool.secret = "another secret of the client".to_owned();
    let secret = tool.secret.clone();
    world.issuer("acme", |issuer| {
        let old = std::mem::replace(&mut issuer.authentication.1, secret);
        issuer.secrets.push(old);
    });
    let signs_in = |world: &mut Envoys| {
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", PAGE, &ada());
        world.open(&mut browser, &callback).reply().status == 302
    };
    assert!(!signs_in(&mut world));
    assert!(tool.differs(&acme));
    tool.apply(&acme);
    world.eventually(|world| (0..4).all(|_| signs_in(world)));

    let (code, output) = tool.run("delete", &["acme", "--yes"]);
    assert_eq!(code, 0, "{output}");
    [&nobody, &browser].into_iter().for_each(|browser| everywhere(&mut world, browser, Some(404)));
    assert_eq!(tool.run("status", &[]), (0, "0 served, 0 broken\n".to_owned()));
}

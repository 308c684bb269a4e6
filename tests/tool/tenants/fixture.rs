//! The configuration of the gates, files with tenants, and an etcd.

use std::fs;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::etcd::{Etcd, prefix};
use crate::support::signer::Signer;
use crate::{KEY, run};

/// A secret of a client, which no output may have.
pub(super) const SECRET: &str = "correct-horse-battery";
/// Another session key.
pub(super) const OTHER_KEY: &str = "mXf0lX8vN1cC8p9a0mWn3oYq2rTz5uVx7yAb4cDe6fE=";

/// Gates with an etcd, in which their tenants have a prefix of their own.
pub(super) struct Gates {
    pub(super) etcd: &'static Etcd,
    pub(super) prefix: String,
    folder: TempDir,
}

impl Gates {
    pub(super) fn new() -> Self {
        let gates = Self { etcd: Etcd::shared(), prefix: prefix(), folder: TempDir::new().unwrap() };
        gates.configure(&["a"], &[&Signer::eddsa()]);
        gates.file("ed.pem", Signer::eddsa().private_pem());
        gates.file("ec.pem", Signer::es256().private_pem());
        gates
    }

    /// Writes the configuration with these session keys and keys of documents.
    pub(super) fn configure(&self, session_keys: &[&str], signers: &[&Signer]) {
        let session: Vec<Value> =
            session_keys.iter().map(|id| json!({ "id": id, "env": format!("KEY_{id}") })).collect();
        let keys: Vec<Value> = signers.iter().map(|signer| json!({ "jwk": signer.jwk() })).collect();
        let configuration = json!({
            "session": { "keys": session },
            "tenants_from": { "etcd": { "cluster": "etcd", "prefix": self.prefix }, "keys": keys },
            "tenants": [
                of_file("fixed", &json!(["fixed.example"]), json!({})),
                of_file("wild", &json!(["wild.example", "*.wild.example"]), json!({
                    "cookie_domain": "wild.example", "redirect_uri": "https://wild.example/oauth2/callback",
                })),
                of_file("sharing", &json!(["login.shared.example"]), json!({
                    "cookie_domain": "shared.example", "redirect_uri": "https://login.shared.example/oauth2/callback",
                })),
            ],
        });
        self.file("gate.yaml", &configuration.to_string());
    }

    /// Puts the configuration into a bootstrap with these clusters.
    pub(super) fn add_clusters(&self, clusters: &Value) {
        let configuration: Value = serde_json::from_str(&fs::read_to_string(self.path("gate.yaml")).unwrap()).unwrap();
        let bootstrap = json!({ "static_resources": {
            "listeners": [{ "filter": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": { "name": "tenantgate", "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.Struct", "value": configuration,
                } },
            } }],
            "clusters": clusters,
        } });
        self.file("gate.yaml", &bootstrap.to_string());
    }

    /// Writes a file. The result is its path.
    pub(super) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The path of a file that was written.
    pub(super) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs a command with its arguments after the file of the gates, and `input` on standard
    /// input. No output may have a secret.
    pub(super) fn run(&self, command: &str, arguments: &[&str], input: &str) -> (i32, String, String) {
        self.run_at(self.etcd.address, command, arguments, input)
    }

    /// The same by this way to etcd.
    pub(super) fn run_at(
        &self,
        etcd: SocketAddr,
        command: &str,
        arguments: &[&str],
        input: &str,
    ) -> (i32, String, String) {
        let etcd = format!("http://{etcd}");
        self.run_by_file(command, &[arguments, &["--etcd", &etcd]].concat(), input)
    }

    /// The same by the cluster in the file of the gates.
    pub(super) fn run_by_file(&self, command: &str, arguments: &[&str], input: &str) -> (i32, String, String) {
        let gate = self.path("gate.yaml");
        let mut variables = vec![format!("KEY_a={KEY}"), format!("KEY_b={OTHER_KEY}")];
        // Each client has a secret of its own.
        let names = input.split("SECRET_").skip(1).filter_map(|rest| rest.split('}').next());
        variables.extend(names.map(|name| format!("SECRET_{name}={SECRET}-{name}")));
        let mut all = vec!["tenants", command, &gate];
        all.extend(arguments);
        variables.iter().for_each(|variable| all.extend(["--env", variable]));
        let (code, output, errors) = run(&all, input);
        for secret in [SECRET, KEY, OTHER_KEY, Signer::eddsa().private_pem().lines().nth(1).unwrap()] {
            assert!(!output.contains(secret) && !errors.contains(secret), "{output}{errors}");
        }
        (code, output, errors)
    }

    /// Applies tenants.
    pub(super) fn apply(&self, tenants: &str) -> (i32, String, String) {
        self.run("apply", &["-", "--key", &self.path("ed.pem"), "--yes"], tenants)
    }

    /// Applies tenants that are taken.
    #[track_caller]
    pub(super) fn applied(&self, tenants: &str) -> String {
        let (code, output, errors) = self.apply(tenants);
        assert_eq!((code, errors.as_str()), (0, ""), "{output}");
        output
    }

    /// The error for tenants that are refused. Nothing in etcd changes.
    #[track_caller]
    pub(super) fn refused(&self, tenants: &str) -> String {
        let before = self.keys();
        let (code, output, errors) = self.apply(tenants);
        assert_eq!(code, 2, "{output}{errors}");
        assert_eq!(self.keys(), before);
        errors
    }

    /// All keys in etcd, without the prefix, and their values.
    pub(super) fn keys(&self) -> Vec<(String, String)> {
        let keys = self.etcd.keys(&self.prefix).into_iter();
        keys.map(|(key, value)| (key.strip_prefix(&self.prefix).unwrap().to_owned(), value)).collect()
    }

    /// The value of a key.
    pub(super) fn value(&self, key: &str) -> Option<String> {
        self.keys().into_iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The payload of a document.
    pub(super) fn payload(&self, tenant: &str) -> Value {
        payload(&self.value(&format!("tenants/{tenant}")).unwrap())
    }
}

/// A tenant of the file of the gates.
fn of_file(name: &str, hosts: &Value, login: Value) -> Value {
    json!({
        "name": name,
        "hosts": hosts,
        "issuer": "https://issuer.example",
        "client_id": name,
        "client_secret": { "env": "NOT_SET" },
        "provider": { "cluster": "i", "discovery": true },
        "login": login,
    })
}

/// A cluster with these endpoints.
pub(super) fn cluster(name: &str, endpoints: &[(&str, u16)]) -> Value {
    let endpoint = |(host, port): &(&str, u16)| json!({ "endpoint": { "address": { "socket_address": { "address": host, "port_value": port } } } });
    let endpoints: Vec<Value> = endpoints.iter().map(endpoint).collect();
    json!({
        "name": name, "type": "STRICT_DNS",
        "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": endpoints }] },
    })
}

/// The payload of a JWS.
pub(super) fn payload(document: &str) -> Value {
    part(document, 1)
}

/// The header of a JWS.
pub(super) fn header(document: &str) -> Value {
    part(document, 0)
}

fn part(document: &str, number: usize) -> Value {
    let part = document.split('.').nth(number).unwrap();
    serde_json::from_slice(&crate::support::http::from_base64url(part)).unwrap()
}

/// A tenant with these hosts, and further lines.
pub(super) fn tenant(name: &str, hosts: &str, more: &str) -> String {
    format!(
        "- name: {name}
  hosts: [{hosts}]
  issuer: https://login.{}.example
  client_id: gate-{name}
  client_secret: {{env: SECRET_{name}}}
  provider: {{cluster: i, discovery: true}}
{more}",
        name.to_ascii_lowercase()
    )
}

/// A tenant with these hosts, which share cookies under `domain`. Logins return to `host`.
pub(super) fn sharing(name: &str, hosts: &str, domain: &str, host: &str) -> String {
    let login = format!("  login: {{cookie_domain: {domain}, redirect_uri: \"https://{host}/oauth2/callback\"}}\n");
    tenant(name, hosts, &login)
}

/// The document of a tenant, as `apply` signs it but with `tenant` as it is.
pub(super) fn signed(signer: &Signer, tenant: &Value) -> String {
    signer.jws(
        &json!({ "alg": signer.alg(), "typ": "tenantgate-tenant+jws" }),
        &json!({ "iat": 1_800_000_000, "tenant": tenant }),
    )
}

//! Tenants as documents in a real etcd, written as the tool writes them.

use std::net::SocketAddr;
use std::time::Instant;

use serde_json::{Map, Value, json};
use tenantgate::base::time::UnixTime;
use tenantgate::config;
use tenantgate::http::host::HostPattern;
use tenantgate::jose::SigningKey;
use tenantgate::tenant_documents::{Change, DocumentKeys, TenantDocument, seal_secrets};

use super::core_harness::{LOAD_CONTEXT, MachineEntropy, VERIFIER};
use super::crypto::RealCrypto;
use super::etcd::{Etcd, post};
use super::http::base64;
use super::shared::SharedStore;

/// The documents below one prefix, and who signs them.
pub struct Documents {
    /// Where they are written.
    pub etcd: SocketAddr,
    pub prefix: String,
    /// The number of the last change.
    pub number: u64,
    key: SigningKey,
}

impl Documents {
    /// Lets `configuration` find tenants in etcd, through the cluster `acme`.
    pub fn new(configuration: &mut Value, prefix: &str) -> Self {
        let key = operator();
        configuration["tenants_from"] = json!({
            "etcd": { "cluster": "acme", "prefix": prefix, "interval": "1s" },
            "keys": [{ "jwk": key.public_jwk().unwrap() }],
        });
        Self { etcd: Etcd::shared().address, prefix: prefix.to_owned(), number: 0, key }
    }

    /// Takes the first tenant out of `configuration`. It is not in etcd yet.
    pub fn take_first(configuration: &mut Value) -> Value {
        configuration["tenants"].as_array_mut().unwrap().remove(0)
    }

    /// The signed document of a tenant.
    pub fn signed(&self, tenant: &Value) -> String {
        self.signed_with(tenant, &self.key)
    }

    pub fn signed_with(&self, tenant: &Value, key: &SigningKey) -> String {
        let tenant: Map<String, Value> = tenant.as_object().unwrap().clone();
        TenantDocument { tenant, signed_at: UnixTime(1_800_000_000) }.sign(key, &RealCrypto).unwrap()
    }

    /// The tenant with its secrets sealed for the gates with this configuration.
    pub fn sealed(configuration: &Value, tenant: &Value) -> Value {
        let runtime = config::load(configuration.to_string().as_bytes(), LOAD_CONTEXT).unwrap().runtime;
        let mut tenant = tenant.as_object().unwrap().clone();
        let name = tenant["name"].as_str().unwrap().to_owned();
        let (mut entropy, shared) = (MachineEntropy, SharedStore::default());
        let env = &mut tenantgate::env::Env::new(None, &mut entropy, VERIFIER, &shared);
        seal_secrets(&mut tenant, &name, runtime.ring(), env).unwrap();
        Value::Object(tenant)
    }

    /// Writes a tenant: its document, the index and the change.
    pub fn apply(&mut self, tenant: &Value) {
        let document = self.signed(tenant);
        self.put(tenant, &document);
    }

    /// The same with this document.
    pub fn put(&mut self, tenant: &Value, document: &str) {
        let name = tenant["name"].as_str().unwrap();
        let hosts = hosts(tenant);
        let mut pairs = vec![(self.keys().document_of(name), document.to_owned())];
        pairs.extend(hosts.iter().map(|host| (self.keys().host(host), name.to_owned())));
        self.write(name, hosts, pairs, Vec::new());
    }

    /// Deletes a tenant.
    pub fn delete(&mut self, tenant: &Value) {
        let name = tenant["name"].as_str().unwrap();
        let hosts = hosts(tenant);
        let mut keys = vec![self.keys().document_of(name)];
        keys.extend(hosts.iter().map(|host| self.keys().host(host)));
        self.write(name, hosts, Vec::new(), keys);
    }

    pub fn keys(&self) -> DocumentKeys<'_> {
        DocumentKeys::new(&self.prefix)
    }

    fn write(&mut self, name: &str, hosts: Vec<HostPattern>, puts: Vec<(String, String)>, deletes: Vec<String>) {
        self.number += 1;
        let (id, tenant) = (format!("{:?}", Instant::now()), name.to_owned());
        let change = (self.keys().change(self.number), Change { id, tenant, hosts }.write());
        let put =
            |(key, value): &(String, String)| json!({ "request_put": { "key": base64(key), "value": base64(value) } });
        let delete = |key: &String| json!({ "request_delete_range": { "key": base64(key) } });
        let operations: Vec<Value> = puts.iter().chain([&change]).map(put).chain(deletes.iter().map(delete)).collect();
        assert_eq!(post(self.etcd, "/v3/kv/txn", &json!({ "success": operations })).0, 200);
    }
}

fn hosts(tenant: &Value) -> Vec<HostPattern> {
    let hosts = tenant["hosts"].as_array().unwrap();
    hosts.iter().map(|host| HostPattern::parse(host.as_str().unwrap()).unwrap()).collect()
}

/// The key of the operator.
pub fn operator() -> SigningKey {
    SigningKey::from_jwk(&operator_jwk().to_string()).unwrap()
}

/// The same as a file has it.
pub fn operator_jwk() -> Value {
    jwk("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE")
}

/// The key of somebody else, with the same `kid`.
pub fn somebody() -> SigningKey {
    SigningKey::from_jwk(&jwk("AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI").to_string()).unwrap()
}

fn jwk(seed: &str) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "d": seed, "kid": "operator" })
}

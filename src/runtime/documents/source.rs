//! The etcd with the documents of tenants, and how a document becomes a tenant.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value};

use super::cache::{Cache, Found};
use super::flood::Hint;
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::key_of;
use crate::etcd::Etcd;
use crate::http::host::{Host, HostPattern};
use crate::jose::KeySet;
use crate::runtime::tenant_table::ServedTenant;
use crate::seal::KeyRing;
use crate::tenant::{Tenant, TenantName};
use crate::tenant_documents::{DocumentError, DocumentKeys, TenantDocument, open_secrets};

/// Where the documents are.
#[derive(Debug)]
pub(crate) struct DocumentSettings {
    /// The etcd.
    pub(crate) etcd: Arc<Etcd>,
    /// The time between two looks for changes.
    pub(crate) interval: Duration,
    /// The keys that sign documents.
    pub(crate) keys: KeySet,
    /// The most hosts whose tenants a VM keeps.
    pub(crate) most_hosts: u32,
}

/// Makes the model of a tenant. The configuration does it, with the same code as for its file.
pub(crate) trait TenantCompiler: fmt::Debug + Send + Sync {
    /// The tenant of this document, whose secrets are opened.
    fn compile(&self, document: &Value, env: &Env<'_>) -> CompiledTenant;
}

/// A document that was read by the rules of the configuration.
#[derive(Debug)]
pub struct CompiledTenant {
    /// The name, if it is valid.
    pub name: Option<TenantName>,
    /// The valid hosts.
    pub hosts: Arc<[HostPattern]>,
    /// The tenant, or its mistakes.
    pub tenant: Result<Arc<Tenant>, Vec<String>>,
}

/// The tenants of a configuration that are documents in etcd.
pub struct DocumentSource {
    settings: DocumentSettings,
    ring: Arc<KeyRing>,
    compiler: Box<dyn TenantCompiler>,
    cache: Mutex<Cache>,
    /// The key of what is known of the log in the shared data.
    shared_key: String,
}

impl DocumentSource {
    /// The documents of this etcd. Secrets in them are sealed with `ring`.
    pub(crate) fn new(settings: DocumentSettings, ring: Arc<KeyRing>, compiler: Box<dyn TenantCompiler>) -> Self {
        let shared_key =
            ["tenantgate/documents/", &key_of(&[settings.etcd.cluster(), settings.etcd.prefix()])].concat();
        let cache = Mutex::new(Cache::new(settings.most_hosts));
        Self { settings, ring, compiler, cache, shared_key }
    }

    /// The keys in etcd.
    pub fn keys(&self) -> DocumentKeys<'_> {
        DocumentKeys::new(self.settings.etcd.prefix())
    }

    /// The name of the Envoy cluster that leads to etcd.
    pub fn cluster(&self) -> &str {
        self.settings.etcd.cluster()
    }

    /// The time between two looks for changes.
    pub fn interval(&self) -> Duration {
        self.settings.interval
    }

    /// The keys that sign documents.
    pub fn signing_keys(&self) -> &KeySet {
        &self.settings.keys
    }

    /// The document of the tenant with this name, whose signature is verified.
    ///
    /// # Errors
    /// [`DocumentError`] if the value is not one.
    pub fn open(&self, name: &str, value: &[u8], env: &Env<'_>) -> Result<TenantDocument, DocumentError> {
        TenantDocument::open(value, name, &self.settings.keys, env.verifier())
    }

    /// The tenant of a document, with its secrets opened.
    pub fn compile(&self, tenant: &Map<String, Value>, env: &Env<'_>) -> CompiledTenant {
        let mut tenant = tenant.clone();
        let name = tenant.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        open_secrets(&mut tenant, &name, &self.ring);
        self.compiler.compile(&Value::Object(tenant), env)
    }

    /// What is known of the tenant of this host.
    pub(crate) fn find(&self, host: &Host, env: &Env<'_>) -> Found {
        let Ok(now) = env.now() else { return Found::Away };
        let find = |cache: &mut Cache| match cache.find(host, now) {
            Found::Unknown => cache.find_without_lookup(host, &self.hint(cache, host, now, env), now),
            found @ (Found::Tenant(_) | Found::Absent | Found::Away) => found,
        };
        self.with_cache(find).unwrap_or(Found::Away)
    }

    /// What the summary of the index says of this host, if there is one.
    pub(super) fn hint(&self, cache: &Cache, host: &Host, now: UnixTime, env: &Env<'_>) -> Hint {
        let Some(summary) = cache.summary_for(host, now) else { return Hint::None };
        let mut candidates = self.keys().candidates(host).into_iter();
        match candidates.find(|(key, _)| summary.may_have(key, &self.shared_key, env.shared())) {
            Some((_, Some(domain))) => Hint::Below(domain),
            Some((_, None)) => Hint::Exact,
            None => Hint::NoTenant,
        }
    }

    /// A number that changes with the tenants that are kept.
    pub fn generation(&self) -> u64 {
        self.with_cache(|cache| cache.generation()).unwrap_or_default()
    }

    /// The tenants that are kept and serve.
    pub fn served(&self) -> Vec<Arc<ServedTenant>> {
        self.with_cache(|cache| cache.served()).unwrap_or_default()
    }

    pub(super) fn etcd(&self) -> &Arc<Etcd> {
        &self.settings.etcd
    }

    pub(super) fn ring(&self) -> &Arc<KeyRing> {
        &self.ring
    }

    pub(super) fn shared_key(&self) -> &str {
        &self.shared_key
    }

    pub(super) fn with_cache<T>(&self, act: impl FnOnce(&mut Cache) -> T) -> Option<T> {
        self.cache.lock().ok().map(|mut cache| act(&mut cache))
    }
}

/// Omits the keys and the tenants.
impl fmt::Debug for DocumentSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocumentSource").field("settings", &self.settings).finish_non_exhaustive()
    }
}

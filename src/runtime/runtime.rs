//! A loaded configuration with its session keys, tenants and caches.

use std::sync::Arc;
use std::time::Duration;

use super::deferred::DeferredTenants;
use super::documents::{self, DocumentSettings, DocumentSource, Found, LookupWait, StartDocumentWork, TenantCompiler};
use super::tenant_table::{ServedTenant, TenantEntry, TenantTable};
use crate::base::log_settings::LogSettings;
use crate::base::time::UnixTime;
use crate::env::{Env, HostFailure};
use crate::http::call::HttpCall;
use crate::http::host::Host;
use crate::http::host_table::HostTable;
use crate::identity::{CacheCounts, VerifiedCache, VerifiedIdentity};
use crate::oauth::discovery::Provider;
use crate::seal::KeyRing;
use crate::session::revocation::{Folded, Revocation, RevocationError, Revocations, SelectedSessions};
use crate::session::store::{CommandedSignOut, Store, StoreOutline, StoreSettings, StoreTenants};
use crate::session::{SessionCache, Sessions, prepare_refreshes};
use crate::tenant::{SessionPolicy, Tenant};
use crate::tenant_documents::DocumentKeys;
use crate::upstream::{Assertion, AssertionSettings, UpstreamConfig};

/// A loaded configuration with its caches. A request keeps the runtime that it began with.
#[derive(Debug)]
pub struct Runtime {
    ring: Arc<KeyRing>,
    policy: SessionPolicy,
    tenants: TenantTable,
    deferred: Option<Arc<DeferredTenants>>,
    upstream: UpstreamConfig,
    bearer_cache: VerifiedCache<VerifiedIdentity>,
    session_cache: SessionCache,
    counts_tenants: bool,
    log: LogSettings,
    store: Option<Arc<Store>>,
    documents: Option<Arc<DocumentSource>>,
}

/// What works beside the requests for the tenants of documents that a VM keeps.
pub struct FoundTenants {
    /// Their providers, in the order of their numbers. A document that changes gives another one.
    pub providers: Vec<(u64, Arc<Provider>)>,
    /// Their revocations.
    pub revocations: Vec<Arc<Revocations>>,
}

/// What works beside the requests for tenants that were compiled after the load.
#[derive(Default)]
pub struct NewTenants {
    /// Their providers.
    pub providers: Vec<Arc<Provider>>,
    /// Their revocations.
    pub revocations: Vec<Arc<Revocations>>,
}

/// What all upstreams have in common.
#[derive(Debug, Default)]
pub(crate) struct UpstreamSettings {
    /// Names of identity headers beside those of the tenants.
    pub(crate) header_names: Vec<String>,
    /// The signed assertion.
    pub(crate) assertion: Option<AssertionSettings>,
    /// Whether tenant, user and roles are set as filter state.
    pub(crate) filter_state: bool,
}

impl Runtime {
    /// The runtime before the first valid configuration. It has no tenants, so every host is
    /// refused.
    pub fn closed() -> Self {
        Self::new(Arc::default(), SessionPolicy::lasting(Duration::ZERO), Vec::new(), UpstreamSettings::default())
    }

    /// Makes a runtime from its parts. A host of two entries selects the first of them; the loader
    /// refuses such a configuration.
    pub(crate) fn new(
        ring: Arc<KeyRing>,
        policy: SessionPolicy,
        entries: Vec<TenantEntry>,
        upstream: UpstreamSettings,
    ) -> Self {
        let UpstreamSettings { header_names, assertion, filter_state } = upstream;
        let alike = entries.chunk_by(TenantEntry::has_headers_of);
        let own = alike.filter_map(<[_]>::first).flat_map(TenantEntry::header_names);
        let header_names = &mut own.chain(header_names.iter().map(String::as_str));
        let upstream = UpstreamConfig::new(header_names, assertion.map(Assertion::new), filter_state);
        let tenants = TenantTable::new(entries);
        Self {
            ring,
            policy,
            tenants,
            deferred: None,
            upstream,
            bearer_cache: VerifiedCache::default(),
            session_cache: SessionCache::default(),
            counts_tenants: true,
            log: LogSettings::default(),
            store: None,
            documents: None,
        }
    }

    /// The runtime with these tenants of a configuration that was checked before.
    pub(crate) fn with_deferred(self, deferred: DeferredTenants) -> Self {
        Self { deferred: Some(Arc::new(deferred)), ..self }
    }

    pub(super) fn deferred(&self) -> Option<&DeferredTenants> {
        self.deferred.as_deref()
    }

    /// Compiles some of the deferred tenants that fetch something. Returns whether there are more.
    pub fn compile_some(&self, env: &Env<'_>) -> bool {
        self.deferred.as_ref().is_some_and(|deferred| deferred.compile_some(env))
    }

    /// The deferred tenants that were compiled since the last call, and are kept.
    pub fn take_compiled(&self) -> NewTenants {
        let mut new = NewTenants::default();
        for tenant in self.deferred().map(DeferredTenants::take_new).unwrap_or_default() {
            new.providers.push(tenant.provider.clone());
            new.revocations.push(tenant.revocations.clone());
        }
        new
    }

    /// The runtime, with or without counters for each tenant.
    pub(crate) fn with_counted_tenants(self, counts_tenants: bool) -> Self {
        Self { counts_tenants, ..self }
    }

    /// Whether each tenant has counters of its own.
    pub fn counts_tenants(&self) -> bool {
        self.counts_tenants
    }

    /// The runtime with these settings of the log.
    pub(crate) fn with_log(self, log: LogSettings) -> Self {
        Self { log, ..self }
    }

    /// The runtime with this store for its tenants. `outline` is that of deferred tenants. Call it
    /// after [`with_documents`](Self::with_documents).
    pub(crate) fn with_store(mut self, settings: Option<StoreSettings>, outline: Option<StoreOutline>) -> Self {
        self.store = settings.map(|settings| {
            let tenants = match (&self.deferred, outline) {
                (Some(deferred), Some(outline)) => StoreTenants::Deferred(outline, deferred.clone()),
                _ => StoreTenants::compiled(&self.revocations().collect::<Vec<_>>()),
            };
            let store = Store::new(settings, self.ring.clone(), self.policy.lifetime, tenants);
            Arc::new(store.with_others(self.documents.is_some()))
        });
        self
    }

    /// The runtime with the tenants of these documents. Those of the file come first.
    pub(crate) fn with_documents(mut self, documents: Option<(DocumentSettings, Box<dyn TenantCompiler>)>) -> Self {
        self.documents =
            documents.map(|(settings, compiler)| Arc::new(DocumentSource::new(settings, self.ring.clone(), compiler)));
        self
    }

    /// The etcd with documents of tenants.
    pub fn documents(&self) -> Option<&Arc<DocumentSource>> {
        self.documents.as_ref()
    }

    /// The tenants of documents that are kept, if they are others than at the time of this
    /// [`generation`](DocumentSource::generation), which is replaced.
    pub fn found_since(&self, generation: &mut u64) -> Option<FoundTenants> {
        let documents = self.documents.as_ref()?;
        let current = documents.generation();
        if std::mem::replace(generation, current) == current {
            return None;
        }
        let served = documents.served();
        let (providers, revocations): (_, Vec<Arc<Revocations>>) = served
            .iter()
            .map(|tenant| ((tenant.settings, tenant.provider.clone()), tenant.revocations.clone()))
            .unzip();
        if let Some(store) = &self.store {
            store.set_others(&revocations);
        }
        Some(FoundTenants { providers, revocations })
    }

    /// The runtime without its store, for one that asks no etcd.
    #[must_use]
    pub fn without_store(self) -> Self {
        Self { store: None, ..self }
    }

    /// The store that this replica has in common with others.
    pub fn store(&self) -> Option<&Arc<Store>> {
        self.store.as_ref()
    }

    /// Begins to write to the store that these sessions of the tenant end, for the command of an
    /// operator, which makes the calls. `None` without a store.
    pub fn end_sessions(
        &self,
        tenant: &ServedTenant,
        selected: SelectedSessions<'_>,
        env: &mut Env<'_>,
    ) -> Option<Result<(CommandedSignOut, HttpCall), HostFailure>> {
        let store = self.store.as_ref()?;
        Some(CommandedSignOut::begin(store, &tenant.revocations, selected, env))
    }

    /// Ends these sessions of the tenant in this process.
    ///
    /// # Errors
    /// The same as for [`Revocation::store`].
    pub(crate) fn revoke(
        &self,
        tenant: &ServedTenant,
        revocation: &Revocation,
        now: UnixTime,
        env: &mut Env<'_>,
    ) -> Result<Folded, RevocationError> {
        revocation.store(&tenant.revocations, self.policy.lifetime, now, env)
    }

    /// What the log has beside the line of each event.
    pub fn log(&self) -> LogSettings {
        self.log
    }

    /// Creates the values in the shared data that requests need. Call it before the first request
    /// with this configuration.
    pub fn prepare(&self, env: &Env<'_>) {
        if self.documents.is_some() || self.refreshes() {
            prepare_refreshes(env.shared());
        }
    }

    /// Whether a tenant of the configuration refreshes sessions.
    pub(super) fn refreshes(&self) -> bool {
        self.deferred().is_some_and(DeferredTenants::refreshes)
            || self.served().any(|tenant| tenant.model.refresh.is_some())
    }

    /// The entry for `host`: that of the exact host, else that of the longest wildcard.
    pub fn select(&self, host: &Host) -> Option<&TenantEntry> {
        self.tenants.select(host)
    }

    /// What is known of the tenant of `host`. A tenant of the file comes before one of a document.
    pub(crate) fn find(&self, host: &Host, env: &Env<'_>) -> Found {
        let deferred = self.deferred.as_ref().and_then(|deferred| deferred.find(host, env));
        match (deferred.or_else(|| self.select(host).cloned()), &self.documents) {
            (Some(entry), _) => Found::Tenant(entry),
            (None, None) => Found::Absent,
            (None, Some(_)) if host.as_str().split('.').count() > DocumentKeys::MAX_LABELS => Found::Absent,
            (None, Some(documents)) => documents.find(host, env),
        }
    }

    /// Whether `host` belongs to this tenant. What another document has of its hosts may not be
    /// known here.
    pub(crate) fn is_host_of(&self, host: &Host, tenant: &Tenant, env: &Env<'_>) -> bool {
        match self.find(host, env) {
            Found::Tenant(TenantEntry::Served(owner)) => owner.model.name == tenant.name,
            Found::Tenant(TenantEntry::Broken(_)) | Found::Absent => false,
            Found::Away | Found::Unknown => tenant.hosts.iter().any(|pattern| pattern.matches(host)),
        }
    }

    /// Waits for the lookup of the tenant of `host`, with the work that has to begin for it. `None`
    /// if etcd cannot be asked at this moment.
    pub(crate) fn look_up(&self, host: &Host, env: &Env<'_>) -> Option<(LookupWait, Option<StartDocumentWork>)> {
        documents::look_up(self.documents.as_ref()?, host, env)
    }

    /// What is due to follow the documents, and no other VM does.
    pub(crate) fn follow_documents(&self, env: &mut Env<'_>) -> Vec<StartDocumentWork> {
        self.documents.as_ref().map(|documents| documents::follow(documents, env)).unwrap_or_default()
    }

    /// The positions of the entries, by host.
    pub(super) fn hosts(&self) -> &Arc<HostTable> {
        self.tenants.hosts()
    }

    /// All entries, in the order of the configuration.
    pub fn entries(&self) -> &[TenantEntry] {
        self.tenants.entries()
    }

    /// The provider of each served tenant.
    pub fn providers(&self) -> impl Iterator<Item = Arc<Provider>> {
        self.served().map(|tenant| tenant.provider.clone())
    }

    /// The revocations of each served tenant.
    pub fn revocations(&self) -> impl Iterator<Item = Arc<Revocations>> {
        self.served().map(|tenant| tenant.revocations.clone())
    }

    pub(super) fn served(&self) -> impl Iterator<Item = &Arc<ServedTenant>> {
        self.entries().iter().filter_map(|entry| match entry {
            TenantEntry::Served(tenant) => Some(tenant),
            TenantEntry::Broken(_) => None,
        })
    }

    /// The sessions of `tenant` at `now`.
    pub(crate) fn sessions<'a>(&'a self, tenant: &'a ServedTenant, now: UnixTime) -> Sessions<'a> {
        Sessions {
            tenant: &tenant.model,
            ring: &self.ring,
            policy: self.policy,
            revocations: &tenant.revocations,
            now,
            cache: &self.session_cache,
            settings: tenant.settings,
        }
    }

    /// The session keys.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// The lifetime of sessions.
    pub fn policy(&self) -> SessionPolicy {
        self.policy
    }

    /// The settings that all upstreams have in common.
    pub fn upstream(&self) -> &UpstreamConfig {
        &self.upstream
    }

    /// The cache of verified bearer tokens.
    pub(crate) fn bearer_cache(&self) -> &VerifiedCache<VerifiedIdentity> {
        &self.bearer_cache
    }

    /// The hits, misses and evictions of the bearer token cache since the last call.
    pub fn take_cache_counts(&self) -> CacheCounts {
        self.bearer_cache.take_counts()
    }
}

//! A loaded configuration and what runs for it.

use std::sync::Arc;
use std::time::Duration;

use super::tenant_table::{ServedTenant, TenantEntry, TenantTable};
use crate::base::time::UnixTime;
use crate::http::host::Host;
use crate::identity::{BearerCache, CacheCounts};
use crate::oauth::discovery::Provider;
use crate::seal::KeyRing;
use crate::session::revocation::Revocations;
use crate::session::{RefreshMemory, Sessions};
use crate::tenant::SessionPolicy;
use crate::upstream::{Assertion, UpstreamConfig};

/// A loaded configuration with its caches. Requests that are under way keep the one that they began with.
#[derive(Debug)]
pub struct Runtime {
    ring: KeyRing,
    policy: SessionPolicy,
    tenants: TenantTable,
    upstream: UpstreamConfig,
    bearer_cache: BearerCache,
    refresh_memory: RefreshMemory,
}

impl Runtime {
    /// The runtime before the first good configuration: it has no tenant, so it refuses every host.
    pub fn closed() -> Self {
        Self::new(KeyRing::default(), SessionPolicy::lasting(Duration::ZERO), Vec::new(), None, false)
    }

    /// Puts a configuration together. A host that two entries claim goes to the first; the loader refuses that before.
    pub(crate) fn new(
        ring: KeyRing,
        policy: SessionPolicy,
        entries: Vec<TenantEntry>,
        assertion: Option<Assertion>,
        filter_state: bool,
    ) -> Self {
        let headers = entries.iter().filter_map(TenantEntry::headers);
        let upstream = UpstreamConfig::new(headers, assertion, filter_state);
        let (bearer_cache, refresh_memory) = (BearerCache::default(), RefreshMemory::default());
        Self { ring, policy, tenants: TenantTable::new(entries), upstream, bearer_cache, refresh_memory }
    }

    /// The entry for `host`: the exact one, else that of the longest wildcard.
    pub fn select(&self, host: &Host) -> Option<&TenantEntry> {
        self.tenants.select(host)
    }

    /// Every entry, in the order of the configuration.
    pub fn entries(&self) -> &[TenantEntry] {
        self.tenants.entries()
    }

    /// The provider of each tenant that serves.
    pub fn providers(&self) -> impl Iterator<Item = Arc<Provider>> {
        self.served().map(|tenant| tenant.provider.clone())
    }

    /// The revocations of each tenant that serves.
    pub fn revocations(&self) -> impl Iterator<Item = Arc<Revocations>> {
        self.served().map(|tenant| tenant.revocations.clone())
    }

    fn served(&self) -> impl Iterator<Item = &Arc<ServedTenant>> {
        self.entries().iter().filter_map(|entry| match entry {
            TenantEntry::Served(tenant) => Some(tenant),
            TenantEntry::Broken(_) => None,
        })
    }

    /// Reads and writes the sessions of `tenant` at `now`.
    pub(crate) fn sessions<'a>(&'a self, tenant: &'a ServedTenant, now: UnixTime) -> Sessions<'a> {
        let (ring, policy) = (&self.ring, self.policy);
        Sessions { tenant: &tenant.model, ring, policy, revocations: &tenant.revocations, now }
    }

    /// The keys that seal and open.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// How long sessions last.
    pub fn policy(&self) -> SessionPolicy {
        self.policy
    }

    /// What the configuration says about all upstreams.
    pub fn upstream(&self) -> &UpstreamConfig {
        &self.upstream
    }

    /// Bearer tokens that were verified under this configuration.
    pub(crate) fn bearer_cache(&self) -> &BearerCache {
        &self.bearer_cache
    }

    /// What happened in the cache of bearer tokens since the last call.
    pub fn take_cache_counts(&self) -> CacheCounts {
        self.bearer_cache.take_counts()
    }

    /// Refresh tokens that were sent under this configuration.
    pub(crate) fn refresh_memory(&self) -> &RefreshMemory {
        &self.refresh_memory
    }
}

//! The settings that all tenants have in common: everything in the configuration but `tenants`.

use std::sync::Arc;

use super::code::Code;
use super::cursor::Object;
use super::load_context::LoadContext;
use super::tenant::AssertionNames;
use super::tenants_from::{TenantsFrom, tenants_from};
use super::{assertion, log, session, stats, store};
use crate::base::log_settings::LogSettings;
use crate::runtime::{Runtime, TenantEntry, UpstreamSettings};
use crate::seal::{KeyRing, SealingKey};
use crate::session::store::StoreSettings;
use crate::tenant::SessionPolicy;
use crate::upstream::AssertionSettings;

/// The settings, as far as they could be read.
pub(super) struct Common {
    /// Whether a mistake of one tenant is one of the whole.
    pub(super) strict: bool,
    /// The session keys.
    pub(super) keys: Vec<SealingKey>,
    /// The etcd of the replicas.
    pub(super) store: Option<StoreSettings>,
    /// The etcd of further tenants.
    pub(super) documents: TenantsFrom,
    policy: Option<SessionPolicy>,
    assertion: Option<AssertionSettings>,
    filter_state: bool,
    counts_tenants: bool,
    log: LogSettings,
}

impl Common {
    /// Reads all members of the configuration but `tenants`.
    pub(super) fn read(root: &Object<'_>, context: LoadContext<'_>) -> Self {
        let strict = root.field("strict").boolean().unwrap_or(false);
        let (keys, policy) = session::session(&root.field("session").about(Code::SESSION), context.environment);
        let assertion = assertion::assertion(&root.field("assertion").about(Code::ASSERTION), context.environment);
        let filter_state = root.field("filter_state").boolean().unwrap_or(false);
        let counts_tenants = stats::stats(&root.field("stats"));
        let log = log::log(&root.field("log"));
        let store = store::store(&root.field("store").about(Code::STORE), context.environment);
        let documents = tenants_from(&root.field("tenants_from").about(Code::TENANTS_FROM), context);
        Self { strict, keys, store, documents, policy, assertion, filter_state, counts_tenants, log }
    }

    /// What of the signed assertion no tenant may use, too.
    pub(super) fn assertion_names(&self) -> Option<AssertionNames> {
        let AssertionSettings { header, jwks_path, .. } = self.assertion.as_ref()?;
        Some(AssertionNames { header: header.clone(), jwks_path: jwks_path.clone() })
    }

    /// The runtime with these settings and tenants, which have neither a store nor documents yet.
    /// `header_names` are identity headers beside those of the tenants. `None` if the policy of
    /// sessions could not be read.
    pub(super) fn into_runtime(
        self,
        ring: Arc<KeyRing>,
        tenants: Vec<TenantEntry>,
        header_names: Vec<String>,
    ) -> Option<Runtime> {
        let upstream = UpstreamSettings { header_names, assertion: self.assertion, filter_state: self.filter_state };
        let runtime = Runtime::new(ring, self.policy?, tenants, upstream);
        Some(runtime.with_counted_tenants(self.counts_tenants).with_log(self.log))
    }
}

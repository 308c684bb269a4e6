//! The wait of a request for the first fetch of what a provider publishes.
//!
//! Scenarios: tests/scenarios/keys.rs.

use std::sync::Arc;

use super::provider::{NeededDocuments, Provider};
use super::shared_store::{SharedJwksStore, catch_up, longest_wait};
use crate::base::time::UnixTime;
use crate::env::Env;

/// A fetch that a request waits for, because this process has no documents of the provider yet.
/// Requests that wait at the same time share one fetch, whichever VM makes it.
pub(crate) struct AwaitedFetch {
    provider: Arc<Provider>,
    store: SharedJwksStore,
    needed: NeededDocuments,
    /// The failed fetches when the wait began.
    failures: u32,
    wait_end: UnixTime,
}

impl AwaitedFetch {
    /// Begins the wait, and requests the fetch. `None` if the request need not wait, or had better
    /// not: the last fetch has failed, and the next one may not begin yet.
    pub(crate) fn begin(provider: &Arc<Provider>, needed: NeededDocuments, env: &Env<'_>) -> Option<Self> {
        if !provider.lacks(needed) {
            return None;
        }
        let tenant = provider.tenant();
        let (store, now) = (SharedJwksStore::new(tenant)?, env.now().ok()?);
        let schedule = store.schedule(env.shared());
        if !schedule.is_worth_waiting(now, longest_wait(tenant)) {
            // The fetch of another VM may have ended since the request began.
            catch_up(provider, env);
            return None;
        }
        provider.request_refresh();
        let wait_end = now.plus(tenant.provider.timeout);
        Some(Self { provider: provider.clone(), store, needed, failures: schedule.failures, wait_end })
    }

    /// Whether the wait is over: the documents are there, the fetch failed, or it takes longer than
    /// the timeout of the provider.
    pub(crate) fn is_over(&self, env: &Env<'_>) -> bool {
        catch_up(&self.provider, env);
        let is_late = env.now().map_or(true, |now| now > self.wait_end);
        is_late || !self.provider.lacks(self.needed) || self.store.schedule(env.shared()).failures != self.failures
    }
}

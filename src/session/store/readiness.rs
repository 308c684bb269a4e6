//! Whether the sign-outs of other replicas are known, before a session is used.

use std::sync::Arc;

use super::load::Load;
use super::outcome::Outcome;
use super::replica::Store;
use super::wait::StoreWait;
use super::work::{StartStoreWork, Task};
use crate::env::Env;
use crate::session::revocation::Revocations;

/// What this process knows of the sign-outs of other replicas.
pub(crate) enum Readiness {
    /// Those of the last moments at most are missing.
    Known,
    /// etcd has not answered for too long, or has not given the list of this tenant.
    Unknown,
    /// They will be known soon. This work has to begin for it, unless it is in progress.
    Awaited(StoreWait, Option<StartStoreWork>),
}

/// What this process knows of the sign-outs of a tenant at other replicas. A request that may not
/// wait causes no read.
pub(crate) fn readiness(
    store: &Arc<Store>,
    revocations: &Arc<Revocations>,
    may_wait: bool,
    env: &Env<'_>,
) -> Readiness {
    let Ok(now) = env.now() else { return Readiness::Unknown };
    if store.epoch() == 0 {
        store.look(env);
    }
    if store.is_loaded(revocations, env) {
        return if store.is_stale(now) { Readiness::Unknown } else { Readiness::Known };
    }
    if store.is_away() || !may_wait || revocations.pauses_loading(now) {
        return Readiness::Unknown;
    }
    if store.epoch() == 0 {
        return Readiness::Awaited(StoreWait::for_poll(store, now), None);
    }
    let id = revocations.id();
    let Ok(mut loading) = store.loading().lock() else { return Readiness::Unknown };
    if let Some(outcome) = loading.get(id.as_ref()) {
        return Readiness::Awaited(StoreWait::for_work(outcome, now), None);
    }
    let outcome = Arc::new(Outcome::default());
    let (load, operation) = Load::begin(store, revocations, &outcome, env);
    loading.insert(id.into_owned(), outcome.clone());
    let start = StartStoreWork::new(store, Task::Load(load), operation);
    Readiness::Awaited(StoreWait::for_work(&outcome, now), Some(start))
}

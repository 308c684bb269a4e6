//! Documents that one VM fetched, shared with the other VMs of the process.
//!
//! The shared data have two values for each tenant: the schedule, which lets exactly one VM fetch
//! at a time, and the documents as they were received. A third value, common to all tenants,
//! changes at the end of every fetch, so a VM with thousands of tenants reads one value in each
//! tick.
//!
//! Scenarios: tests/scenarios/keys.rs.

use std::time::Duration;

use serde_json::{Value, json};

use super::fetch::Documents;
use super::fetched::Fetched;
use super::provider::Provider;
use super::schedule::Schedule;
use crate::base::json;
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::{SharedData, Version, change, create, key_of};
use crate::tenant::{SourceStart, Tenant};

/// The keys of one tenant's values in the shared data.
pub(super) struct SharedJwksStore {
    schedule: String,
    documents: String,
}

impl SharedJwksStore {
    /// The store of `tenant`, or `None` if the tenant fetches nothing. No two tenants have the same
    /// store, and a tenant with another source has another one.
    pub(super) fn new(tenant: &Tenant) -> Option<Self> {
        let source = tenant.provider.source.as_ref()?;
        let (kind, SourceStart::Discovery(url) | SourceStart::JwksUri(url)) = match &source.start {
            start @ SourceStart::Discovery(_) => ("discovery", start),
            start @ SourceStart::JwksUri(_) => ("jwks", start),
        };
        let id = key_of(&[tenant.name.as_str(), &tenant.issuer, &tenant.provider.cluster, kind, url.as_str()]);
        Some(Self { schedule: format!("{PREFIX}{id}/schedule"), documents: format!("{PREFIX}{id}/documents") })
    }

    /// Creates the schedule if there is none. Returns whether there is one afterwards.
    pub(super) fn prepare(&self, shared: &dyn SharedData) -> bool {
        create(shared, &self.schedule).is_ok()
    }

    #[cfg(test)]
    pub(super) fn schedule_key(&self) -> &str {
        &self.schedule
    }

    /// The current schedule; the default if there is none.
    pub(super) fn schedule(&self, shared: &dyn SharedData) -> Schedule {
        shared.get(&self.schedule).map(|(bytes, _)| Schedule::read(&bytes)).unwrap_or_default()
    }

    /// Claims a due fetch for this VM. Returns whether it succeeded; of several VMs only one does.
    pub(super) fn claim(&self, shared: &dyn SharedData, tenant: &Tenant, now: UnixTime, requested: bool) -> bool {
        let claimed = change(shared, &self.schedule, |bytes| {
            let schedule = Schedule::read(bytes);
            schedule
                .is_due(now, requested, longest_wait(tenant))
                .then(|| schedule.begun(now, max_fetch_duration(tenant)).write())
        });
        claimed.is_ok()
    }

    /// Records how a fetch ended, and returns the schedule that was written. Another VM may write
    /// at the same time, so it is tried [`TRIES`] times.
    fn end(&self, shared: &dyn SharedData, end: impl Fn(Schedule) -> Schedule) -> Option<Schedule> {
        (0..TRIES).find_map(|_| {
            let mut written = None;
            let end = |bytes: &[u8]| Some(written.insert(end(Schedule::read(bytes))).write());
            change(shared, &self.schedule, end).ok()?;
            written
        })
    }

    /// Takes over the documents that were last fetched in this process, unless this VM has those of
    /// the number `published` in the schedule. Returns whether it did. The documents may be newer
    /// than the number; then they are taken over once more.
    pub(super) fn take_over(
        &self,
        provider: &Provider,
        published: u64,
        now: UnixTime,
        shared: &dyn SharedData,
    ) -> bool {
        if published == provider.published() {
            return false;
        }
        let documents = self.documents(shared, provider.tenant(), now);
        documents.is_some_and(|fetched| {
            provider.replace(fetched, Some(published));
            true
        })
    }

    fn documents(&self, shared: &dyn SharedData, tenant: &Tenant, now: UnixTime) -> Option<Fetched> {
        let (bytes, _) = shared.get(&self.documents)?;
        let record = json::parse_object(&bytes).ok()?;
        let at = UnixTime(record.get("at").and_then(Value::as_u64)?).min(now);
        let metadata = record.get("metadata").and_then(Value::as_str).map(str::as_bytes);
        let jwks = record.get("jwks").and_then(Value::as_str)?;
        Fetched::read(at, metadata, jwks.as_bytes(), tenant).ok()
    }
}

/// The longest time that a fetch takes: two calls within the timeout each, and some time for the
/// ticks.
pub(super) fn max_fetch_duration(tenant: &Tenant) -> Duration {
    tenant.provider.timeout.saturating_mul(3)
}

/// The longest time between two looks at the schedule.
pub(super) fn longest_wait(tenant: &Tenant) -> Duration {
    let interval = tenant.provider.source.as_ref().map(|source| source.interval);
    interval.unwrap_or_default().max(max_fetch_duration(tenant))
}

/// Whether any fetch has ended since version `last`, and the version to pass in the next time.
pub(super) fn changed_since(shared: &dyn SharedData, last: Option<Version>) -> (bool, Option<Version>) {
    let version = shared.get(CHANGES).map(|(_, version)| version);
    (version.is_some() && version != last, version)
}

/// Publishes fetched documents to this VM and to the others.
pub(crate) fn publish(provider: &Provider, documents: Documents, env: &mut Env<'_>) {
    let tenant = provider.tenant();
    let Documents { metadata, jwks, fetched } = documents;
    let (at, shared) = (fetched.at, env.shared());
    provider.replace(fetched, None);
    let (Some(store), Some(source)) = (SharedJwksStore::new(tenant), &tenant.provider.source) else { return };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
    let record = json!({ "at": at.0, "metadata": metadata.and_then(text), "jwks": text(jwks) });
    if shared.set(&store.documents, json::write(&record).as_bytes(), None).is_err() {
        return;
    }
    let jitter = jitter(env);
    if let Some(schedule) = store.end(shared, |schedule| schedule.succeeded(at, source.interval, jitter)) {
        provider.set_published(schedule.published);
    }
    let _ = shared.set(CHANGES, b"-", None);
}

/// Takes over the documents that another VM fetched if this VM has none. So a request does not fail
/// or wait because this VM looks for them at its ticks only.
pub(crate) fn catch_up(provider: &Provider, env: &Env<'_>) {
    if !provider.is_current() {
        catch_up_newer(provider, env);
    }
}

/// Takes over the documents that another VM fetched after those of this VM, for a token with an
/// unknown key. Returns whether there were any. Without any it costs one read of the shared data.
pub(crate) fn catch_up_newer(provider: &Provider, env: &Env<'_>) -> bool {
    let Some(store) = SharedJwksStore::new(provider.tenant()) else { return false };
    let Ok(now) = env.now() else { return false };
    let published = store.schedule(env.shared()).published;
    store.take_over(provider, published, now, env.shared())
}

/// Schedules the next fetch after a failed one.
pub(super) fn postpone(tenant: &Tenant, now: UnixTime, env: &mut Env<'_>) {
    if let (Some(store), Some(source)) = (SharedJwksStore::new(tenant), &tenant.provider.source) {
        let jitter = jitter(env);
        store.end(env.shared(), |schedule| schedule.failed(now, source.interval, jitter));
        let _ = env.shared().set(CHANGES, b"-", None);
    }
}

/// Without randomness the replicas fetch at the same time, which is no reason not to fetch.
fn jitter(env: &mut Env<'_>) -> u8 {
    env.random::<1>().map_or(0, |[byte]| byte)
}

const PREFIX: &str = "tenantgate/keys/";
const CHANGES: &str = "tenantgate/keys/changes";
const TRIES: usize = 3;

//! What one VM fetched, where the other VMs of its process find it.
//!
//! For each tenant there are two values in the shared data: the schedule, by which exactly one VM fetches at a time, and the documents
//! as they came. A third value, for all tenants, changes whenever there is something new, so that a VM with thousands of tenants looks at
//! one value a tick.

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

/// Where the shared data have what belongs to one tenant.
pub(super) struct SharedJwksStore {
    schedule: String,
    documents: String,
}

impl SharedJwksStore {
    /// The store of `tenant`. `None` if it fetches nothing. Two tenants never have the same, nor has one that now fetches from elsewhere.
    pub(super) fn new(tenant: &Tenant) -> Option<Self> {
        let source = tenant.provider.source.as_ref()?;
        let (kind, SourceStart::Discovery(url) | SourceStart::JwksUri(url)) = match &source.start {
            start @ SourceStart::Discovery(_) => ("discovery", start),
            start @ SourceStart::JwksUri(_) => ("jwks", start),
        };
        let id = key_of(&[tenant.name.as_str(), &tenant.issuer, &tenant.provider.cluster, kind, url.as_str()]);
        Some(Self { schedule: format!("{PREFIX}{id}/schedule"), documents: format!("{PREFIX}{id}/documents") })
    }

    /// Makes sure that there is a schedule. Whether there can be one.
    pub(super) fn prepare(&self, shared: &dyn SharedData) -> bool {
        create(shared, &self.schedule).is_ok()
    }

    pub(super) fn schedule(&self, shared: &dyn SharedData) -> Schedule {
        shared.get(&self.schedule).map(|(bytes, _)| Schedule::read(&bytes)).unwrap_or_default()
    }

    /// Takes it upon this VM to fetch, if that is due. Whether it was the first.
    pub(super) fn claim(&self, shared: &dyn SharedData, tenant: &Tenant, now: UnixTime, wanted: bool) -> bool {
        let claimed = change(shared, &self.schedule, |bytes| {
            let schedule = Schedule::read(bytes);
            schedule.is_due(now, wanted).then(|| schedule.begun(now, patience(tenant)).write())
        });
        claimed.is_ok()
    }

    /// Writes down how a fetch ended. Another VM may be writing, too, so it is tried more than once.
    fn end(&self, shared: &dyn SharedData, end: impl Fn(Schedule) -> Schedule) {
        let _ = (0..TRIES)
            .find(|_| change(shared, &self.schedule, |bytes| Some(end(Schedule::read(bytes)).write())).is_ok());
    }

    /// What was fetched last in this process.
    pub(super) fn documents(&self, shared: &dyn SharedData, tenant: &Tenant, now: UnixTime) -> Option<Fetched> {
        let (bytes, _) = shared.get(&self.documents)?;
        let record = json::parse_object(&bytes).ok()?;
        let at = UnixTime(record.get("at").and_then(Value::as_u64)?).min(now);
        let metadata = record.get("metadata").and_then(Value::as_str).map(str::as_bytes);
        let jwks = record.get("jwks").and_then(Value::as_str)?;
        Fetched::read(at, metadata, jwks.as_bytes(), tenant).ok()
    }
}

/// How long a fetch may take: two documents, each within the timeout, and a little for the ticks.
pub(super) fn patience(tenant: &Tenant) -> Duration {
    tenant.provider.timeout.saturating_mul(3)
}

/// Whether anything was published since `last`, and the version to ask with the next time.
pub(super) fn news(shared: &dyn SharedData, last: Option<Version>) -> (bool, Option<Version>) {
    let version = shared.get(NEWS).map(|(_, version)| version);
    (version.is_some() && version != last, version)
}

/// Puts what was fetched into use, in this VM and in the others.
pub(crate) fn publish(provider: &Provider, documents: Documents, env: &mut Env<'_>) {
    let tenant = provider.tenant();
    let Documents { metadata, jwks, fetched } = documents;
    let (at, shared) = (fetched.at, env.shared());
    provider.replace(fetched);
    let (Some(store), Some(source)) = (SharedJwksStore::new(tenant), &tenant.provider.source) else { return };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
    let record = json!({ "at": at.0, "metadata": metadata.and_then(text), "jwks": text(jwks) });
    if shared.set(&store.documents, record.to_string().as_bytes(), None).is_err() {
        return;
    }
    let jitter = jitter(env);
    store.end(shared, |schedule| schedule.succeeded(at, source.interval, jitter));
    let _ = shared.set(NEWS, b"-", None);
}

/// Puts off the next fetch after one that was of no use.
pub(super) fn put_off(tenant: &Tenant, now: UnixTime, env: &mut Env<'_>) {
    if let (Some(store), Some(source)) = (SharedJwksStore::new(tenant), &tenant.provider.source) {
        let jitter = jitter(env);
        store.end(env.shared(), |schedule| schedule.failed(now, source.interval, jitter));
    }
}

/// Without randomness the fetches of replicas fall on the same moment, which is no reason not to fetch.
fn jitter(env: &mut Env<'_>) -> u8 {
    env.random::<1>().map_or(0, |[byte]| byte)
}

const PREFIX: &str = "tenantgate/keys/";
const NEWS: &str = "tenantgate/keys/news";
const TRIES: usize = 3;

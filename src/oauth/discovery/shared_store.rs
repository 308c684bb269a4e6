//! Documents that one VM fetched, shared with the other VMs of the process.
//!
//! The shared data have two values for each tenant: the schedule, which lets exactly one VM fetch
//! at a time, and the documents as they were received. The documents are sealed, since they say who
//! can sign in as anybody, and other plugins may write into the shared data. The schedule is not:
//! whatever it says, it delays a fetch by a limited time. A third value, common to all tenants,
//! changes at the end of every fetch, so a VM with thousands of tenants reads one value in each
//! tick.
//!
//! Scenarios: tests/scenarios/keys.rs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fetch::Documents;
use super::fetched::Fetched;
use super::provider::Provider;
use super::schedule::Schedule;
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::{SharedData, Version, change, create, key_of};
use crate::seal::Purpose;
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
        let documents = self.documents(shared, provider, now);
        documents.is_some_and(|fetched| {
            provider.replace(fetched, Some(published));
            true
        })
    }

    fn documents(&self, shared: &dyn SharedData, provider: &Provider, now: UnixTime) -> Option<Fetched> {
        let (bytes, _) = shared.get(&self.documents)?;
        let opened = provider.ring().open::<Record>(Purpose::Documents, provider.tenant(), &bytes)?;
        let Record { place, at, metadata, jwks } = opened.value();
        let at = UnixTime(*at).min(now);
        // Whoever writes into the shared data can put a record at another place, or an old one
        // back.
        let is_older = |held: UnixTime| at < held && held <= now;
        if *place != self.documents || provider.fetched_at().is_some_and(is_older) {
            return None;
        }
        Fetched::read(at, metadata.as_deref().map(str::as_bytes), jwks.as_bytes(), provider.tenant()).ok()
    }
}

/// The documents of a provider in the shared data, before they are sealed.
#[derive(Serialize, Deserialize)]
struct Record {
    /// The key of the value, which depends on the source of the documents.
    place: String,
    /// When they were fetched.
    at: u64,
    /// The metadata, if the tenant uses discovery.
    metadata: Option<String>,
    jwks: String,
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
    let Some(jwks) = text(jwks) else { return };
    let record = Record { place: store.documents.clone(), at: at.0, metadata: metadata.and_then(text), jwks };
    let Ok(sealed) = provider.ring().seal(Purpose::Documents, tenant, &record, env) else { return };
    if shared.set(&store.documents, sealed.as_bytes(), None).is_err() {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::base::secret::Secret;
    use crate::config::{self, LoadContext};
    use crate::http::call::CallResponse;
    use crate::jose::{HostAlgorithms, NoHostVerifier, SignatureAlgorithm, Verifier};
    use crate::oauth::discovery::{AwaitedFetch, Fetch, FetchStep, NeededDocuments};
    use crate::testing::{TestHost, TestSharedData};

    /// The providers of the tenants `a` and `b`, in a VM of their own.
    fn providers(key_id: &str) -> [Arc<Provider>; 2] {
        providers_at("https://i.example/keys", key_id)
    }

    fn providers_at(jwks_uri: &str, key_id: &str) -> [Arc<Provider>; 2] {
        let tenant = |name: &str| {
            json!({
                "name": name, "hosts": [format!("{name}.example")], "client_id": "gate", "issuer": "https://i.example",
                "provider": { "cluster": "i", "authorization_endpoint": "https://i.example/a",
                    "token_endpoint": "https://i.example/t", "jwks_uri": jwks_uri },
            })
        };
        let key = json!({ "id": key_id, "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" });
        let configuration = json!({ "session": { "keys": [key] }, "tenants": [tenant("a"), tenant("b")] });
        let context = LoadContext { environment: &TestHost::default(), host: HostAlgorithms::default() };
        let runtime = config::load_value(&configuration, context).unwrap().runtime;
        let providers: Vec<_> = runtime.providers().collect();
        providers.try_into().unwrap()
    }

    fn with<T>(shared: &TestSharedData, now: u64, act: impl FnOnce(&mut Env<'_>) -> T) -> T {
        let mut host = TestHost::default();
        let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() };
        act(&mut Env::new(Some(UnixTime(now)), &mut host, verifier, shared))
    }

    fn jwks(kid: &str) -> Value {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x }] })
    }

    /// Fetches a set with one key at `now`.
    fn fetch(provider: &Arc<Provider>, kid: &str, shared: &TestSharedData, now: u64) {
        let (fetch, _) = Fetch::begin(provider).unwrap();
        let body = Secret::new(jwks(kid).to_string().into_bytes());
        let FetchStep::Done(_, Ok(documents)) = fetch.proceed(Ok(CallResponse { status: 200, body }), UnixTime(now))
        else {
            panic!("there is no set")
        };
        with(shared, now, |env| publish(provider, documents, env));
    }

    fn has(provider: &Provider, kid: &str) -> bool {
        provider.trusted_keys(UnixTime(2000)).candidates(SignatureAlgorithm::EdDsa, Some(kid)).count() == 1
    }

    fn documents_key(provider: &Provider) -> String {
        SharedJwksStore::new(provider.tenant()).unwrap().documents
    }

    fn put(shared: &TestSharedData, provider: &Provider, value: &[u8]) {
        shared.set(&documents_key(provider), value, None).unwrap();
    }

    /// A new VM takes documents over only as a VM with the same session key has written them, for
    /// the same tenant.
    #[test]
    fn forged_documents_are_not_taken_over() {
        let shared = TestSharedData::default();
        let [a, b] = providers("k");
        fetch(&a, "one", &shared, 1000);
        let (sealed, _) = shared.get(&documents_key(&a)).unwrap();
        let of_new_vm = |key_id: &str| {
            let [new, _] = providers(key_id);
            with(&shared, 2000, |env| catch_up(&new, env));
            has(&new, "one")
        };
        assert!(of_new_vm("k"));
        assert!(!of_new_vm("another"));
        let plain = json!({ "at": 1000, "metadata": null, "jwks": jwks("one").to_string() }).to_string();
        let mut changed = sealed.clone();
        let last = changed.len() - 2;
        changed[last] ^= 1;
        fetch(&b, "one", &shared, 1000);
        let (of_b, _) = shared.get(&documents_key(&b)).unwrap();
        // The same tenant, as it was configured before.
        let [before, _] = providers_at("https://i.example/old", "k");
        fetch(&before, "one", &shared, 1000);
        let (of_before, _) = shared.get(&documents_key(&before)).unwrap();
        // The same, sealed as what a browser can hold.
        let place = documents_key(&a);
        let record = Record { place, at: 1000, metadata: None, jwks: jwks("one").to_string() };
        let seal = |purpose| with(&shared, 1000, |env| a.ring().seal(purpose, a.tenant(), &record, env).unwrap());
        let [session, login] = [Purpose::Session, Purpose::Login].map(|purpose| seal(purpose).into_bytes());
        for forged in [plain.as_bytes(), &changed, &of_b, &of_before, &session, &login, b"-", b""] {
            put(&shared, &a, forged);
            assert!(!of_new_vm("k"), "{}", String::from_utf8_lossy(forged));
        }
        put(&shared, &a, &sealed);
        assert!(of_new_vm("k"));
    }

    /// A request began before the fetch of another VM had ended, and looks whether it has to wait
    /// after that.
    #[test]
    fn a_request_that_meets_the_end_of_a_fetch_has_its_documents() {
        let shared = TestSharedData::default();
        let ([a, _], [other, _]) = (providers("k"), providers("k"));
        let store = SharedJwksStore::new(a.tenant()).unwrap();
        assert!(store.claim(&shared, a.tenant(), UnixTime(1000), true));
        fetch(&a, "one", &shared, 1000);
        let wait = with(&shared, 1000, |env| AwaitedFetch::begin(&other, NeededDocuments::Keys, env));
        assert!(wait.is_none() && has(&other, "one"));
    }

    #[test]
    fn documents_that_are_older_are_not_taken_over() {
        let shared = TestSharedData::default();
        let ([a, _], [other, _]) = (providers("k"), providers("k"));
        fetch(&a, "old", &shared, 1000);
        let (old, _) = shared.get(&documents_key(&a)).unwrap();
        fetch(&a, "new", &shared, 1001);
        assert!(with(&shared, 2000, |env| catch_up_newer(&other, env)) && has(&other, "new"));
        put(&shared, &a, &old);
        // As after another fetch.
        let store = SharedJwksStore::new(a.tenant()).unwrap();
        store.end(&shared, |schedule| schedule.succeeded(UnixTime(2000), Duration::from_secs(60), 0));
        assert!(!with(&shared, 2000, |env| catch_up_newer(&other, env)));
        assert!(has(&other, "new") && !has(&other, "old"));
        // Two fetches in one second.
        fetch(&a, "again", &shared, 1001);
        assert!(with(&shared, 2000, |env| catch_up_newer(&other, env)) && has(&other, "again"));
        put(&shared, &a, &old);
        store.end(&shared, |schedule| schedule.succeeded(UnixTime(2000), Duration::from_secs(60), 0));
        // A clock that was set back makes no document old.
        assert!(with(&shared, 900, |env| catch_up_newer(&other, env)) && has(&other, "old"));
    }

    /// Documents that another VM fetched in the future are used no longer than those of now.
    #[test]
    fn documents_of_the_future_are_those_of_now() {
        let shared = TestSharedData::default();
        let ([a, _], [other, _]) = (providers("k"), providers("k"));
        fetch(&a, "one", &shared, 5000);
        with(&shared, 2000, |env| catch_up(&other, env));
        assert!(has(&other, "one"));
        assert_eq!(other.fetched_at(), Some(UnixTime(2000)));
    }

    /// The longest JWK Set fits into a sealed value, with room for metadata of the same length.
    #[test]
    fn the_longest_documents_are_shared() {
        let shared = TestSharedData::default();
        let ([a, _], [other, _]) = (providers("k"), providers("k"));
        let (fetch, _) = Fetch::begin(&a).unwrap();
        let mut set = jwks("one");
        let rest = CallResponse::MAX_BODY - set.to_string().len() - r#""x":"","#.len();
        set["x"] = json!("\u{1}".repeat(rest / 6));
        let body = Secret::new(set.to_string().into_bytes());
        let FetchStep::Done(_, Ok(documents)) = fetch.proceed(Ok(CallResponse { status: 200, body }), UnixTime(1))
        else {
            panic!("there is no set")
        };
        with(&shared, 1, |env| publish(&a, documents, env));
        with(&shared, 1, |env| catch_up(&other, env));
        assert!(has(&other, "one"));
    }
}

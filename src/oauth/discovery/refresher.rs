//! Keeps the fetched documents up to date: one refresher in each VM, driven by the ticks of the
//! host.
//!
//! Scenarios: tests/scenarios/keys.rs.

use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use super::error::FetchError;
use super::fetch::{Fetch, FetchStep};
use super::fetch_queue::{FetchQueue, Place, Reason};
use super::provider::{Age, Provider};
use super::schedule::Schedule;
use super::shared_store::{SharedJwksStore, changed_since, longest_wait, postpone, publish};
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::Version;
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::tenant::{Tenant, TenantName};

/// Fetches for the tenants of one configuration. It does no input or output: it returns the calls
/// that are to be made, and receives their results.
#[derive(Default)]
pub struct JwksRefresher {
    providers: Vec<ScheduledProvider>,
    /// How many of these come from the file.
    configured: usize,
    queue: FetchQueue,
    running: HashMap<FetchId, Running>,
    last_id: u64,
    last_change: Option<Version>,
}

/// Identifies a fetch that is in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FetchId(u64);

/// A fetch in progress.
struct Running {
    fetch: Fetch,
    place: Place,
    /// The index of its provider.
    index: usize,
}

struct ScheduledProvider {
    /// The number of the settings of its tenant. 0 for one of the file.
    number: u64,
    provider: Arc<Provider>,
    store: SharedJwksStore,
    /// The shared schedule as this VM read it last. Before a fetch is due by it, it is not read
    /// again.
    known: Schedule,
}

/// The calls that are to be made, and the lines for the log.
#[derive(Default)]
pub struct Actions {
    /// The calls. Each ends with [`JwksRefresher::called`], even if the host did not make it.
    pub calls: Vec<(FetchId, HttpCall)>,
    /// Log lines, which also increment the counters.
    pub log: Vec<LogLine>,
    /// Whether a fetch of this VM or another one has ended, which requests may wait for.
    pub has_fetched: bool,
}

impl JwksRefresher {
    /// Refreshes these providers. Documents that were fetched in this process before are taken over
    /// when a request needs them or the next fetch is due, so a new configuration of thousands of
    /// tenants loads quickly.
    pub fn new(providers: impl IntoIterator<Item = Arc<Provider>>, env: &Env<'_>) -> Self {
        let mut refresher = Self::default();
        refresher.add(providers, env);
        refresher
    }

    /// Refreshes these providers of tenants of the file, too.
    pub fn add(&mut self, providers: impl IntoIterator<Item = Arc<Provider>>, env: &Env<'_>) {
        let mut new = Vec::new();
        for provider in providers {
            new.extend(ScheduledProvider::new(0, provider, env));
        }
        if new.is_empty() {
            return;
        }
        let (first, added) = (self.configured, new.len());
        let mut before = std::mem::take(&mut self.providers).into_iter();
        self.providers.extend(before.by_ref().take(first));
        self.providers.extend(new);
        self.configured = self.providers.len();
        self.providers.extend(before);
        if self.providers.len() > self.configured {
            // Those of documents have other places now.
            for running in self.running.values_mut().filter(|running| running.index >= first) {
                running.index = running.index.saturating_add(added);
            }
            self.queue.fill([]);
        }
    }

    /// Refreshes these providers of tenants of documents, too, and no longer those of others. They
    /// come in the order of their numbers, by which one is known again.
    pub fn set_found(&mut self, providers: impl IntoIterator<Item = (u64, Arc<Provider>)>, env: &Env<'_>) {
        let before = self.providers.split_off(self.configured.min(self.providers.len()));
        let mut before = before.into_iter().peekable();
        for (number, provider) in providers {
            while before.next_if(|known| known.number < number).is_some() {}
            let known = before.next_if(|known| known.number == number);
            self.providers.extend(known.or_else(|| ScheduledProvider::new(number, provider, env)));
        }
        // It has places in the list of before.
        self.queue.fill([]);
    }

    /// Whether no tenant fetches anything.
    pub fn is_idle(&self) -> bool {
        self.providers.is_empty()
    }

    /// The tenants whose keys this VM has fetched or taken over, with the age of the keys in
    /// seconds.
    pub fn ages(&self, now: UnixTime) -> impl Iterator<Item = (&TenantName, u64)> {
        self.providers.iter().filter_map(move |ScheduledProvider { provider, .. }| {
            Some((&provider.tenant().name, now.0.saturating_sub(provider.fetched_at()?.0)))
        })
    }

    /// Begins the fetches that are due or requested, as many as may run at the same time. The
    /// others begin as soon as one of these ends.
    pub fn tick(&mut self, env: &Env<'_>) -> Actions {
        let mut actions = Actions::default();
        let Ok(now) = env.now() else { return actions };
        if self.is_idle() {
            return actions;
        }
        (actions.has_fetched, self.last_change) = changed_since(env.shared(), self.last_change);
        self.fill_queue(now);
        self.begin(now, env, &mut actions);
        actions
    }

    /// Continues the fetch whose call ended. A call of an unknown fetch is ignored.
    pub fn called(&mut self, id: FetchId, result: Result<CallResponse, CallFailure>, env: &mut Env<'_>) -> Actions {
        let mut actions = Actions::default();
        let Some(Running { fetch, place, index }) = self.running.remove(&id) else { return actions };
        let Ok(now) = env.now() else {
            self.queue.release(&place);
            return actions;
        };
        match fetch.proceed(result, now) {
            FetchStep::Call(fetch, call) => {
                self.running.insert(id, Running { fetch, place, index });
                actions.calls.push((id, call));
                return actions;
            }
            FetchStep::Done(provider, Ok(documents)) => {
                let omitted = documents.fetched.omitted;
                publish(&provider, documents, env);
                actions.log.push(fetched(provider.tenant(), omitted));
                actions.log.extend(provider.newly_left_out().map(|errors| left_out(provider.tenant(), &errors)));
            }
            FetchStep::Done(provider, Err(error)) => {
                postpone(provider.tenant(), now, env);
                actions.log.push(failed(provider.tenant(), &error));
                actions.log.extend(provider.age_reached(now).map(|age| aged(provider.tenant(), age)));
            }
        }
        self.queue.release(&place);
        if let Some(scheduled) = self.providers.get_mut(index) {
            scheduled.look(now, env);
        }
        actions.has_fetched = true;
        self.begin(now, env, &mut actions);
        actions
    }

    /// Puts into the queue what may begin now, the earliest first.
    fn fill_queue(&mut self, now: UnixTime) {
        let waiting: BinaryHeap<_> = self.providers.iter().enumerate().filter_map(|it| it.1.rank(it.0, now)).collect();
        let waiting = waiting.into_sorted_vec();
        self.queue.fill(waiting.into_iter().map(|(reason, _, _, index)| (reason, index)));
    }

    /// Begins the fetches of the queue that have a place.
    fn begin(&mut self, now: UnixTime, env: &Env<'_>, actions: &mut Actions) {
        let Self { providers, queue, running, last_id, .. } = self;
        while let Some((place, index)) = queue.next(|index| cluster_of(providers, index)) {
            let begin = |it: &mut ScheduledProvider| {
                it.claim(place.reason(), now, env).then(|| Fetch::begin(&it.provider)).flatten()
            };
            let Some((fetch, call)) = providers.get_mut(index).and_then(begin) else {
                queue.release(&place);
                continue;
            };
            *last_id = last_id.wrapping_add(1);
            let id = FetchId(*last_id);
            running.insert(id, Running { fetch, place, index });
            actions.calls.push((id, call));
        }
    }
}

fn cluster_of(providers: &[ScheduledProvider], index: usize) -> &str {
    providers.get(index).map_or("", |scheduled| &scheduled.provider.tenant().provider.cluster)
}

impl ScheduledProvider {
    /// `None` if nothing of it is fetched.
    fn new(number: u64, provider: Arc<Provider>, env: &Env<'_>) -> Option<Self> {
        let store = SharedJwksStore::new(provider.tenant())?;
        store.prepare(env.shared());
        Some(Self { number, provider, store, known: Schedule::default() })
    }

    /// Its rank in the queue, if it belongs there. Of those that clients have asked for, the first
    /// is the one that was not fetched for the longest time, unless it failed.
    fn rank(&self, index: usize, now: UnixTime) -> Option<(Reason, bool, UnixTime, usize)> {
        let Self { provider, known, .. } = self;
        let requested = provider.is_refresh_requested();
        if !known.is_due(now, requested, longest_wait(provider.tenant())) {
            return None;
        }
        Some(match requested {
            true => (Reason::Requested, known.failures > 0, known.last, index),
            false => (Reason::Due, false, known.next, index),
        })
    }

    /// Whether this VM is the one that fetches now.
    fn claim(&mut self, reason: Reason, now: UnixTime, env: &Env<'_>) -> bool {
        let Self { provider, store, .. } = self;
        let requested = reason == Reason::Requested;
        let claimed = store.claim(env.shared(), provider.tenant(), now, requested);
        if claimed {
            provider.refresh_begins();
        }
        self.look(now, env);
        claimed
    }

    /// Reads the schedule, and takes over what another VM has fetched after the documents of this
    /// VM. If it has none, the first request does that: after a load of thousands of tenants, to
    /// parse the documents of all would stop the worker for seconds.
    fn look(&mut self, now: UnixTime, env: &Env<'_>) {
        let Self { provider, store, known, .. } = self;
        *known = store.schedule(env.shared());
        if provider.is_current() {
            store.take_over(provider, known.published, now, env.shared());
        }
    }
}

fn fetched(tenant: &Tenant, omitted: usize) -> LogLine {
    let rest = if omitted == 0 { String::new() } else { format!("; {omitted} of no use here were left out") };
    let reason = format!("the keys of the issuer were fetched{rest}");
    LogLine::new(Level::Info, Event::JwksFetched, Some(&tenant.name), &reason)
}

fn left_out(tenant: &Tenant, errors: &[FetchError]) -> LogLine {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let reason = format!("left out of the metadata: {}", errors.join("; "));
    LogLine::new(Level::Warn, Event::MetadataIncomplete, Some(&tenant.name), &reason)
}

/// The warning that fetched keys will not be used for ever.
fn aged(tenant: &Tenant, age: Age) -> LogLine {
    let reason = match age {
        Age::Young | Age::Old => {
            "the keys of the issuer were fetched so long ago that half of `jwks_max_age` is over; \
             after all of it they are not used"
        }
        Age::Over => "`jwks_max_age` is over, so the fetched keys are not used until a fetch succeeds",
    };
    LogLine::new(Level::Warn, Event::JwksStale, Some(&tenant.name), reason)
}

fn failed(tenant: &Tenant, error: &FetchError) -> LogLine {
    let reason = format!("{error}; what was fetched before stays in use");
    LogLine::new(Level::Warn, Event::JwksFetchFailed, Some(&tenant.name), &reason)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::base::secret::Secret;
    use crate::config::{self, LoadContext};
    use crate::jose::{HostAlgorithms, NoHostVerifier, Verifier};
    use crate::runtime::Runtime;
    use crate::testing::{TestHost, TestSharedData};

    /// The refresher of one VM, whose calls take some seconds.
    struct Vm {
        runtime: Runtime,
        refresher: JwksRefresher,
        shared: TestSharedData,
        now: u64,
        /// The calls in progress: when each ends, and whether it is answered.
        calls: Vec<(u64, FetchId, bool)>,
        /// When fetches of each tenant have ended.
        fetched: BTreeMap<String, Vec<u64>>,
    }

    impl Vm {
        /// `tenants` of one cluster each or of the same one, whose keys are fetched every 30
        /// seconds.
        fn new(tenants: usize, cluster: impl Fn(usize) -> String) -> Self {
            let tenant = |number: usize| {
                json!({
                    "name": format!("t{number}"), "hosts": [format!("t{number}.example")], "client_id": "gate",
                    "issuer": "https://i.example",
                    "provider": { "cluster": cluster(number), "authorization_endpoint": "https://i.example/a",
                        "token_endpoint": "https://i.example/t", "jwks_uri": "https://i.example/keys",
                        "jwks_interval": "30s" },
                })
            };
            let key = json!({ "id": "k", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" });
            let tenants: Vec<_> = (0..tenants).map(tenant).collect();
            let configuration = json!({ "session": { "keys": [key] }, "tenants": tenants });
            let context = LoadContext { environment: &TestHost::default(), host: HostAlgorithms::default() };
            let runtime = config::load_value(&configuration, context).unwrap().runtime;
            let (refresher, shared) = (JwksRefresher::default(), TestSharedData::default());
            let mut vm =
                Self { runtime, refresher, shared, now: 1_000_000, calls: Vec::new(), fetched: BTreeMap::new() };
            vm.refresher = vm.with(|vm, env| JwksRefresher::new(vm.runtime.providers(), env));
            vm
        }

        fn with<T>(&mut self, act: impl FnOnce(&mut Self, &mut Env<'_>) -> T) -> T {
            let (mut host, shared) = (TestHost::default(), std::mem::take(&mut self.shared));
            let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() };
            let result = act(self, &mut Env::new(Some(UnixTime(self.now)), &mut host, verifier, &shared));
            self.shared = shared;
            result
        }

        /// One second: the calls that end, and a tick. `takes` is how long a call to a cluster
        /// takes, and whether it is answered.
        fn second(&mut self, takes: impl Fn(&str) -> (u64, bool)) {
            self.now = self.now.saturating_add(1);
            let now = self.now;
            let mut actions = self.with(|vm, env| vm.refresher.tick(env));
            loop {
                self.take(actions, &takes);
                let Some(ended) = self.calls.iter().position(|(end, ..)| *end <= now) else { break };
                let (_, id, is_answered) = self.calls.remove(ended);
                let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k",
                    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] });
                let body = Secret::new(jwks.to_string().into_bytes());
                let response = CallResponse { status: 200, body };
                let result = if is_answered { Ok(response) } else { Err(CallFailure::NoAnswer) };
                actions = self.with(|vm, env| vm.refresher.called(id, result, env));
            }
        }

        fn take(&mut self, actions: Actions, takes: impl Fn(&str) -> (u64, bool)) {
            for (id, call) in actions.calls {
                let (seconds, is_answered) = takes(&call.cluster);
                self.calls.push((self.now.saturating_add(seconds), id, is_answered));
            }
            for line in actions.log.iter().filter(|line| line.event == Event::JwksFetched) {
                let name = line.text.split("tenant=").nth(1).unwrap().split(':').next().unwrap();
                self.fetched.entry(name.to_owned()).or_default().push(self.now);
            }
        }

        fn request(&self, number: usize) {
            self.runtime.providers().nth(number).unwrap().request_refresh();
        }
    }

    /// More fetches are due than can run: each tenant gets its turn.
    #[test]
    fn no_tenant_is_left_out() {
        let mut vm = Vm::new(600, |number| format!("c{}", number % 50));
        for _ in 0..600 {
            vm.second(|_| (4, true));
        }
        assert_eq!(vm.fetched.len(), 600);
        for (tenant, times) in &vm.fetched {
            let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            // 64 fetches of 4 seconds at the same time: 16 each second, and 600 tenants.
            assert!(longest <= 45, "{tenant} waited {longest} seconds");
        }
    }

    /// With an issuer that answers at once, all tenants have their keys after one tick.
    #[test]
    fn the_next_fetch_begins_when_one_ends() {
        let mut vm = Vm::new(2_000, |_| "one".to_owned());
        vm.second(|_| (0, true));
        assert_eq!(vm.fetched.len(), 2_000);
    }

    /// Clients ask for unknown keys of many tenants, whose issuers do not answer. Another tenant
    /// gets its new keys, and the fetches that are due begin.
    #[test]
    fn a_flood_at_some_tenants_delays_no_other() {
        let mut vm = Vm::new(400, |number| if number < 300 { "slow".to_owned() } else { format!("c{number}") });
        let takes = |cluster: &str| if cluster == "slow" { (5, false) } else { (0, true) };
        for second in 0..300 {
            (0..300).for_each(|number| vm.request(number));
            if second == 200 {
                vm.request(399);
            }
            vm.second(takes);
        }
        let asked = 1_000_000 + 201;
        assert!(vm.fetched["t399"].iter().any(|time| (asked..=asked + 1).contains(time)), "{:?}", vm.fetched["t399"]);
        for number in 300..400 {
            let times = &vm.fetched[&format!("t{number}")];
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 31), "{number}: {times:?}");
        }
    }

    /// A deferred tenant of the file is compiled after tenants of documents were found.
    #[test]
    fn tenants_of_the_file_and_of_documents_come_in_any_order() {
        let mut vm = Vm::new(4, |number| format!("c{number}"));
        let providers: Vec<_> = vm.runtime.providers().collect();
        let (file, found) = providers.split_at(2);
        let found = || (7..).zip(found.iter().cloned());
        vm.refresher = JwksRefresher::default();
        vm.with(|vm, env| vm.refresher.set_found(found(), env));
        // The fetches of both are in progress while the others come.
        vm.second(|_| (3, true));
        for provider in file {
            vm.with(|vm, env| vm.refresher.add([provider.clone()], env));
            vm.second(|_| (1, true));
        }
        let of_running: Vec<_> = vm.refresher.running.values().map(|running| running.index).collect();
        assert!(of_running.iter().all(|index| *index >= 1), "{of_running:?}");
        (0..40).for_each(|_| vm.second(|_| (1, true)));
        for number in 0..4 {
            assert!((1..=3).contains(&vm.fetched[&format!("t{number}")].len()), "{:?}", vm.fetched);
        }
        // Those of documents go, and the others stay.
        vm.with(|vm, env| vm.refresher.set_found(found().skip(1), env));
        let names: Vec<_> = vm.refresher.providers.iter().map(|it| it.provider.tenant().name.as_str()).collect();
        assert_eq!(names, ["t0", "t1", "t3"]);
    }

    /// Whatever another plugin writes into the shared schedule, the keys are fetched.
    #[test]
    fn a_schedule_that_nobody_can_have_written_stops_no_fetch() {
        let mut vm = Vm::new(1, |_| "one".to_owned());
        vm.second(|_| (0, true));
        let provider = vm.runtime.providers().next().unwrap();
        let key = SharedJwksStore::new(provider.tenant()).unwrap().schedule_key().to_owned();
        for junk in ["18446744073709551615 18446744073709551615 9 1 1", "0 2000000 0 1 0", "0 0 4294967295 1 0"] {
            let before = vm.fetched["t0"].len();
            vm.with(|_, env| env.shared().set(&key, junk.as_bytes(), None).unwrap());
            for _ in 0..40 {
                vm.second(|_| (0, true));
            }
            assert!(vm.fetched["t0"].len() > before, "{junk}");
        }
    }
}

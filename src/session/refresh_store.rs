//! The refreshes that the workers of this process have begun and what came of them, so that each
//! refresh token is sent once. Many issuers accept a refresh token only once, and some revoke the
//! whole grant when they see it again.
//!
//! The states are in the shared data, so they outlast a configuration and the VM that wrote them.
//! Shared data never expire, so the states are in a fixed number of slots, each with a limit.
//! Another plugin may read and write them, so a result is sealed for its tenant and refresh.
//!
//! Scenarios: `tests/scenarios/refresh.rs`.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::refresh_grant::RefreshGrant;
use crate::base::encoding::base64url;
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::{SharedData, change, create};
use crate::seal::{KeyRing, Purpose};
use crate::tenant::{Tenant, TenantName};

/// The refreshes of this process for one tenant, by [`RefreshKey`]. Everything may be lost at any
/// time; then a refresh is made again.
#[derive(Clone, Copy)]
pub(crate) struct RefreshStore<'a> {
    ring: &'a KeyRing,
    tenant: &'a Tenant,
}

/// Identifies one refresh: the refresh token and the time of the last refresh, because an issuer
/// that issues no new refresh token receives the same one each time. It is a hash, so it reveals no
/// token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshKey([u8; 32]);

impl RefreshKey {
    /// The key of the refresh that `grant` permits at `tenant`. A tenant name has no space.
    pub(crate) fn new(tenant: &TenantName, grant: &RefreshGrant) -> Self {
        Self(Sha256::digest(format!("{tenant} {} {}", grant.renewed, grant.refresh_token)).into())
    }

    /// The key as text.
    pub(super) fn name(self) -> String {
        base64url(&self.0)
    }

    fn slot(self) -> String {
        let Self([first, ..]) = self;
        slot(first % SLOTS)
    }
}

/// What is known about a refresh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RefreshState {
    /// A worker makes the call. It ends before this time, in seconds since the Unix epoch, unless
    /// the VM of the worker ends first.
    Called(u64),
    /// The call failed. No request refreshes before this time, in seconds since the Unix epoch.
    Failed(u64),
    /// The call gave this sealed session.
    Renewed(String),
    /// The issuer rejected the refresh token.
    Rejected,
}

/// A state as the shared data have it.
#[derive(Clone, Serialize, Deserialize)]
enum StoredState {
    /// See [`RefreshState::Called`].
    Called(u64),
    /// See [`RefreshState::Failed`].
    Failed(u64),
    /// The key of the refresh and its result, sealed.
    Ended(String),
}

/// The content of a slot, the oldest entry first.
#[derive(Default, Serialize, Deserialize)]
struct Slot(Vec<(RefreshKey, StoredState)>);

/// Creates the slots. The creation of a value is not atomic, so it has to happen before requests
/// come. Without shared data, each worker refreshes for itself.
pub(crate) fn prepare(shared: &dyn SharedData) {
    let _ = (0..SLOTS).try_for_each(|number| create(shared, &slot(number)));
}

impl<'a> RefreshStore<'a> {
    /// The refreshes of this tenant. The keys seal their results.
    pub(crate) fn new(ring: &'a KeyRing, tenant: &'a Tenant) -> Self {
        Self { ring, tenant }
    }

    /// The state of a refresh. `None` if a request may begin it: there is none, its call is long
    /// over, or the pause after its failure is; or its result does not open.
    pub(crate) fn state(self, key: RefreshKey, shared: &dyn SharedData, now: UnixTime) -> Option<RefreshState> {
        let (bytes, _) = shared.get(&key.slot())?;
        self.read(key, Slot::read(&bytes).state(key, now)?)
    }

    /// What this entry of the shared data says about the refresh.
    fn read(self, key: RefreshKey, stored: StoredState) -> Option<RefreshState> {
        match stored {
            StoredState::Called(until) => Some(RefreshState::Called(until)),
            StoredState::Failed(until) => Some(RefreshState::Failed(until)),
            StoredState::Ended(sealed) => {
                let opened =
                    self.ring.open::<(RefreshKey, RefreshState)>(Purpose::Refresh, self.tenant, sealed.as_bytes())?;
                let (of, result) = opened.into_parts().1;
                (of == key).then_some(result)
            }
        }
    }

    /// Claims a refresh that no worker makes. Its call ends before `until`. Returns whether this
    /// worker has to make the call; of several workers only one has to.
    pub(crate) fn claim(self, key: RefreshKey, until: UnixTime, shared: &dyn SharedData, now: UnixTime) -> bool {
        for _ in 0..TRIES {
            let mut is_taken = false;
            let claimed = change(shared, &key.slot(), |bytes| {
                let slot = Slot::read(bytes);
                is_taken = slot.state(key, now).and_then(|stored| self.read(key, stored)).is_some();
                if is_taken { None } else { Some(slot.put(key, StoredState::Called(until.0)).write()) }
            });
            if claimed.is_ok() || is_taken {
                return !is_taken;
            }
        }
        // Without a working store every worker refreshes for itself.
        shared.get(&key.slot()).is_none()
    }

    /// Records the end of a call. A result that cannot be sealed is lost, and the next request may
    /// refresh.
    pub(crate) fn end(self, key: RefreshKey, state: &RefreshState, env: &mut Env<'_>) {
        let stored = match state {
            RefreshState::Called(until) => StoredState::Called(*until),
            RefreshState::Failed(until) => StoredState::Failed(*until),
            RefreshState::Renewed(_) | RefreshState::Rejected => {
                let sealed = self.ring.seal(Purpose::Refresh, self.tenant, &(key, state), env);
                sealed.map_or(StoredState::Failed(0), StoredState::Ended)
            }
        };
        put(key, &stored, env.shared());
    }

    /// Records that a call has failed, and that no request refreshes before `until`.
    pub(crate) fn fail(key: RefreshKey, until: UnixTime, shared: &dyn SharedData) {
        put(key, &StoredState::Failed(until.0), shared);
    }
}

/// Writes a state. Another worker may write to the slot at the same time, so it is tried [`TRIES`]
/// times.
fn put(key: RefreshKey, state: &StoredState, shared: &dyn SharedData) {
    let write = |bytes: &[u8]| Some(Slot::read(bytes).put(key, state.clone()).write());
    let _ = (0..TRIES).find(|_| change(shared, &key.slot(), write).is_ok());
}

impl Slot {
    /// A slot that is not valid counts as empty.
    fn read(bytes: &[u8]) -> Self {
        postcard::from_bytes(bytes).unwrap_or_default()
    }

    fn write(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    fn state(&self, key: RefreshKey, now: UnixTime) -> Option<StoredState> {
        let (_, state) = self.0.iter().find(|(other, _)| *other == key)?;
        state.is_in_force(now).then(|| state.clone())
    }

    /// The slot with this state. The oldest entries go until the limits are kept.
    fn put(mut self, key: RefreshKey, state: StoredState) -> Self {
        self.0.retain(|(other, _)| *other != key);
        self.0.push((key, state));
        let mut bytes = 0_usize;
        let fitting = self.0.iter().rev().take(MAX_ENTRIES).take_while(|(_, state)| {
            bytes = bytes.saturating_add(state.size());
            bytes <= MAX_BYTES
        });
        // The new entry stays in any case.
        let surplus = self.0.len().saturating_sub(fitting.count().max(1));
        self.0.drain(..surplus);
        self
    }
}

impl StoredState {
    /// If the clock was set back, a call or a pause must not last until the old time is reached
    /// again.
    fn is_in_force(&self, now: UnixTime) -> bool {
        match self {
            Self::Called(until) | Self::Failed(until) => now.0 < *until && *until <= now.0.saturating_add(MAX_PAUSE),
            Self::Ended(_) => true,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Ended(sealed) => sealed.len(),
            Self::Called(_) | Self::Failed(_) => 0,
        }
    }
}

fn slot(number: u8) -> String {
    format!("tenantgate/refresh/{number}")
}

/// With the limits of a slot, at most 4,096 entries and 8 MiB. A request reads one slot, and only
/// if its session is due.
const SLOTS: u8 = 128;
const MAX_ENTRIES: usize = 32;
const MAX_BYTES: usize = 64 * 1024;
const TRIES: usize = 8;
/// The longest time in seconds that a call or a pause can take: an interval of two days.
const MAX_PAUSE: u64 = 48 * 3600;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::shared::NoSharedData;
    use crate::runtime::Runtime;
    use crate::testing::{self, TestHost, TestSharedData, tenant_name, tenants};

    fn key(tenant: &str, token: &str, renewed: u64) -> RefreshKey {
        let grant = RefreshGrant { refresh_token: token.to_owned(), renewed, ..RefreshGrant::default() };
        RefreshKey::new(&tenant_name(tenant), &grant)
    }

    fn stores(runtime: &Runtime) -> [RefreshStore<'_>; 2] {
        tenants(runtime).map(|tenant| RefreshStore::new(runtime.ring(), tenant))
    }

    const NOW: UnixTime = UnixTime(100);

    #[test]
    fn one_worker_makes_the_call() {
        let runtime = testing::runtime(&["k1"]);
        let [store, _] = stores(&runtime);
        let (mut host, shared) = (TestHost::default(), TestSharedData::default());
        let env = &mut host.env_with(&shared);
        let key = key("acme", "t", 0);
        prepare(env.shared());
        assert_eq!(store.state(key, env.shared(), NOW), None);
        assert!(store.claim(key, UnixTime(105), env.shared(), NOW));
        assert!(!store.claim(key, UnixTime(105), env.shared(), NOW));
        assert_eq!(store.state(key, env.shared(), UnixTime(104)), Some(RefreshState::Called(105)));
        // The VM of the worker ended.
        assert_eq!(store.state(key, env.shared(), UnixTime(105)), None);
        assert!(store.claim(key, UnixTime(110), env.shared(), UnixTime(105)));
        store.end(key, &RefreshState::Failed(140), env);
        assert_eq!(store.state(key, env.shared(), UnixTime(139)), Some(RefreshState::Failed(140)));
        assert!(!store.claim(key, UnixTime(150), env.shared(), UnixTime(139)));
        assert!(store.claim(key, UnixTime(150), env.shared(), UnixTime(140)));
        for result in [RefreshState::Renewed("sealed".to_owned()), RefreshState::Rejected] {
            store.end(key, &result, env);
            assert_eq!(store.state(key, env.shared(), UnixTime(9999)), Some(result));
            assert!(!store.claim(key, UnixTime(10_000), env.shared(), UnixTime(9999)));
        }
    }

    /// A result counts for the tenant and the refresh that it was sealed for. Any other one counts
    /// as none, so that the refresh is made again.
    #[test]
    fn a_result_is_of_its_tenant_and_refresh() {
        let runtime = testing::runtime(&["k1"]);
        let [acme, globex] = stores(&runtime);
        let (mut host, shared) = (TestHost::default(), TestSharedData::default());
        let env = &mut host.env_with(&shared);
        let (own, other) = (key("acme", "t", 0), key("acme", "u", 0));
        acme.end(own, &RefreshState::Rejected, env);
        let (bytes, _) = env.shared().get(&own.slot()).unwrap();
        let stored = Slot::read(&bytes).state(own, NOW).unwrap();
        for forged in [stored.clone(), StoredState::Ended("junk".to_owned())] {
            put(other, &forged, env.shared());
            assert_eq!(acme.state(other, env.shared(), NOW), None);
            assert!(acme.claim(other, UnixTime(105), env.shared(), NOW));
        }
        assert_eq!(acme.state(own, env.shared(), NOW), Some(RefreshState::Rejected));
        assert_eq!(globex.state(own, env.shared(), NOW), None);
    }

    #[test]
    fn a_refresh_belongs_to_a_tenant_a_token_and_a_time() {
        let (shared, runtime) = (TestSharedData::default(), testing::runtime(&["k1"]));
        let [store, _] = stores(&runtime);
        for key in [key("acme", "t", 0), key("globex", "t", 0), key("acme", "u", 0), key("acme", "t", 1)] {
            assert!(store.claim(key, UnixTime(105), &shared, NOW));
        }
    }

    /// A slot has room for a few refreshes, and a claim writes all of it.
    #[test]
    fn refreshes_are_spread_over_the_slots() {
        let shared = TestSharedData::default();
        prepare(&shared);
        let mut slots: Vec<String> = (0..5000).map(|number| key("acme", "t", number).slot()).collect();
        assert!(slots.iter().all(|slot| shared.get(slot).is_some()));
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(slots.len(), usize::from(SLOTS));
    }

    /// A worker that loses the race does not call, and one that only wrote to the same slot does
    /// not matter.
    #[test]
    fn a_claim_is_atomic() {
        let runtime = testing::runtime(&["k1"]);
        let [store, _] = stores(&runtime);
        let (mine, other) = (key("acme", "t", 0), key("acme", "other", 0));
        for (written, claimed) in [(mine, false), (other, true)] {
            let shared = TestSharedData::default();
            prepare(&shared);
            let slot = Slot::default().put(written, StoredState::Called(105)).write();
            shared.before_write.replace(Some((mine.slot(), slot)));
            assert_eq!(store.claim(mine, UnixTime(105), &shared, NOW), claimed);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_stops_no_refresh() {
        let (shared, runtime) = (TestSharedData::default(), testing::runtime(&["k1"]));
        let [store, _] = stores(&runtime);
        let key = key("acme", "t", 0);
        let two_days = 48 * 3600;
        RefreshStore::fail(key, UnixTime(NOW.0 + two_days), &shared);
        assert!(store.state(key, &shared, NOW).is_some());
        RefreshStore::fail(key, UnixTime(NOW.0 + two_days + 1), &shared);
        assert_eq!(store.state(key, &shared, NOW), None);
    }

    #[test]
    fn without_shared_data_every_worker_calls() {
        let runtime = testing::runtime(&["k1"]);
        let [store, _] = stores(&runtime);
        prepare(&NoSharedData);
        for _ in 0..2 {
            assert!(store.claim(key("acme", "t", 0), UnixTime(105), &NoSharedData, NOW));
        }
    }

    #[test]
    fn a_slot_is_limited() {
        let mut slot = Slot::default();
        for number in 0..3 * MAX_ENTRIES {
            slot = slot.put(key("acme", &number.to_string(), 0), StoredState::Called(105));
        }
        assert_eq!(slot.0.len(), MAX_ENTRIES);
        assert!(matches!(slot.state(key("acme", "95", 0), NOW), Some(StoredState::Called(105))));
        assert!(slot.state(key("acme", "0", 0), NOW).is_none());
        let big = StoredState::Ended("x".repeat(20_000));
        for number in 0..10 {
            slot = slot.put(key("acme", &number.to_string(), 0), big.clone());
        }
        assert_eq!(slot.0.len(), 3);
        let kept = Slot::read(&slot.write()).state(key("acme", "9", 0), NOW);
        assert!(matches!(kept, Some(StoredState::Ended(text)) if text.len() == 20_000));
        for junk in [&b"-"[..], b"", b"\xff\xff\xff\xff"] {
            assert!(Slot::read(junk).0.is_empty());
        }
    }
}

//! The refreshes that the workers of this process have begun and what came of them, so that each
//! refresh token is sent once. Many issuers accept a refresh token only once, and some revoke the
//! whole grant when they see it again.
//!
//! The states are in the shared data, so they outlast a configuration and the VM that wrote them.
//! Shared data never expire, so the states are in a fixed number of slots, each with a limit.
//!
//! Scenarios: `tests/scenarios/refresh.rs`.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::refresh_grant::RefreshGrant;
use crate::base::encoding::base64url;
use crate::base::time::UnixTime;
use crate::env::shared::{SharedData, change, create};
use crate::tenant::TenantName;

/// The refreshes of this process by [`RefreshKey`]. Everything may be lost at any time; then a
/// refresh is made again.
#[derive(Clone, Copy)]
pub(crate) struct RefreshStore<'a>(&'a dyn SharedData);

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

/// The content of a slot, the oldest entry first.
#[derive(Default, Serialize, Deserialize)]
struct Slot(Vec<(RefreshKey, RefreshState)>);

impl<'a> RefreshStore<'a> {
    /// The store in these shared data.
    pub(crate) fn new(shared: &'a dyn SharedData) -> Self {
        Self(shared)
    }

    /// Creates the slots. The creation of a value is not atomic, so it has to happen before
    /// requests come. Without shared data, each worker refreshes for itself.
    pub(crate) fn prepare(self) {
        let _ = (0..SLOTS).try_for_each(|number| create(self.0, &slot(number)));
    }

    /// The state of a refresh. `None` if a request may begin it: there is none, its call is long
    /// over, or the pause after its failure is.
    pub(crate) fn state(self, key: RefreshKey, now: UnixTime) -> Option<RefreshState> {
        let (bytes, _) = self.0.get(&key.slot())?;
        Slot::read(&bytes).state(key, now)
    }

    /// Claims a refresh that no worker makes. Its call ends before `until`. Returns whether this
    /// worker has to make the call; of several workers only one has to.
    pub(crate) fn claim(self, key: RefreshKey, until: UnixTime, now: UnixTime) -> bool {
        for _ in 0..TRIES {
            let mut is_taken = false;
            let claimed = change(self.0, &key.slot(), |bytes| {
                let slot = Slot::read(bytes);
                is_taken = slot.state(key, now).is_some();
                if is_taken { None } else { Some(slot.put(key, RefreshState::Called(until.0)).write()) }
            });
            if claimed.is_ok() || is_taken {
                return !is_taken;
            }
        }
        // Without a working store every worker refreshes for itself.
        self.0.get(&key.slot()).is_none()
    }

    /// Records the end of a call. Another worker may write to the slot at the same time, so it is
    /// tried [`TRIES`] times.
    pub(crate) fn end(self, key: RefreshKey, state: &RefreshState) {
        let write = |bytes: &[u8]| Some(Slot::read(bytes).put(key, state.clone()).write());
        let _ = (0..TRIES).find(|_| change(self.0, &key.slot(), write).is_ok());
    }
}

impl Slot {
    /// A slot that is not valid counts as empty.
    fn read(bytes: &[u8]) -> Self {
        postcard::from_bytes(bytes).unwrap_or_default()
    }

    fn write(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    fn state(&self, key: RefreshKey, now: UnixTime) -> Option<RefreshState> {
        let (_, state) = self.0.iter().find(|(other, _)| *other == key)?;
        state.is_in_force(now).then(|| state.clone())
    }

    /// The slot with this state. The oldest entries go until the limits are kept.
    fn put(mut self, key: RefreshKey, state: RefreshState) -> Self {
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

impl RefreshState {
    /// If the clock was set back, a call or a pause must not last until the old time is reached
    /// again.
    fn is_in_force(&self, now: UnixTime) -> bool {
        match self {
            Self::Called(until) | Self::Failed(until) => now.0 < *until && *until <= now.0.saturating_add(MAX_PAUSE),
            Self::Renewed(_) | Self::Rejected => true,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Renewed(sealed) => sealed.len(),
            Self::Called(_) | Self::Failed(_) | Self::Rejected => 0,
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
    use crate::testing::{TestSharedData, tenant_name};

    fn key(tenant: &str, token: &str, renewed: u64) -> RefreshKey {
        let grant = RefreshGrant { refresh_token: token.to_owned(), renewed, ..RefreshGrant::default() };
        RefreshKey::new(&tenant_name(tenant), &grant)
    }

    const NOW: UnixTime = UnixTime(100);

    #[test]
    fn one_worker_makes_the_call() {
        let shared = TestSharedData::default();
        let (store, key) = (RefreshStore::new(&shared), key("acme", "t", 0));
        store.prepare();
        assert_eq!(store.state(key, NOW), None);
        assert!(store.claim(key, UnixTime(105), NOW));
        assert!(!store.claim(key, UnixTime(105), NOW));
        assert_eq!(store.state(key, UnixTime(104)), Some(RefreshState::Called(105)));
        // The VM of the worker ended.
        assert_eq!(store.state(key, UnixTime(105)), None);
        assert!(store.claim(key, UnixTime(110), UnixTime(105)));
        store.end(key, &RefreshState::Failed(140));
        assert_eq!(store.state(key, UnixTime(139)), Some(RefreshState::Failed(140)));
        assert!(!store.claim(key, UnixTime(150), UnixTime(139)));
        assert!(store.claim(key, UnixTime(150), UnixTime(140)));
        store.end(key, &RefreshState::Renewed("sealed".to_owned()));
        assert_eq!(store.state(key, UnixTime(9999)), Some(RefreshState::Renewed("sealed".to_owned())));
        assert!(!store.claim(key, UnixTime(10_000), UnixTime(9999)));
    }

    #[test]
    fn a_refresh_belongs_to_a_tenant_a_token_and_a_time() {
        let shared = TestSharedData::default();
        let store = RefreshStore::new(&shared);
        for key in [key("acme", "t", 0), key("globex", "t", 0), key("acme", "u", 0), key("acme", "t", 1)] {
            assert!(store.claim(key, UnixTime(105), NOW));
        }
    }

    /// A worker that loses the race does not call, and one that only wrote to the same slot does
    /// not matter.
    #[test]
    fn a_claim_is_atomic() {
        let (mine, other) = (key("acme", "t", 0), key("acme", "other", 0));
        for (written, claimed) in [(mine, false), (other, true)] {
            let shared = TestSharedData::default();
            let store = RefreshStore::new(&shared);
            store.prepare();
            let slot = Slot::default().put(written, RefreshState::Called(105)).write();
            shared.before_write.replace(Some((mine.slot(), slot)));
            assert_eq!(store.claim(mine, UnixTime(105), NOW), claimed);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_stops_no_refresh() {
        let shared = TestSharedData::default();
        let (store, key) = (RefreshStore::new(&shared), key("acme", "t", 0));
        store.end(key, &RefreshState::Failed(NOW.0.saturating_add(MAX_PAUSE).saturating_add(1)));
        assert_eq!(store.state(key, NOW), None);
    }

    #[test]
    fn without_shared_data_every_worker_calls() {
        let store = RefreshStore::new(&NoSharedData);
        store.prepare();
        for _ in 0..2 {
            assert!(store.claim(key("acme", "t", 0), UnixTime(105), NOW));
        }
    }

    #[test]
    fn a_slot_is_limited() {
        let mut slot = Slot::default();
        for number in 0..3 * MAX_ENTRIES {
            slot = slot.put(key("acme", &number.to_string(), 0), RefreshState::Called(105));
        }
        assert_eq!(slot.0.len(), MAX_ENTRIES);
        assert_eq!(slot.state(key("acme", "95", 0), NOW), Some(RefreshState::Called(105)));
        assert_eq!(slot.state(key("acme", "0", 0), NOW), None);
        let big = RefreshState::Renewed("x".repeat(20_000));
        for number in 0..10 {
            slot = slot.put(key("acme", &number.to_string(), 0), big.clone());
        }
        assert_eq!(slot.0.len(), 3);
        assert_eq!(Slot::read(&slot.write()).state(key("acme", "9", 0), NOW), Some(big));
        for junk in [&b"-"[..], b"", b"\xff\xff\xff\xff"] {
            assert!(Slot::read(junk).0.is_empty());
        }
    }
}

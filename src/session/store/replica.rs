//! The store of a configuration, and what this VM knows of it.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::outcome::Outcome;
use super::settings::{StoreSettings, WhenAway};
use super::state::PollState;
use super::tenants::StoreTenants;
use crate::base::time::UnixTime;
use crate::env::shared::key_of;
use crate::env::{Env, NoEntropy};
use crate::etcd::Etcd;
use crate::seal::KeyRing;
use crate::session::revocation::{Revocations, StoreRead};

/// The store of a configuration.
pub struct Store {
    settings: StoreSettings,
    ring: Arc<KeyRing>,
    /// The lifetime of sessions.
    lifetime: Duration,
    /// The tenants of the configuration.
    tenants: StoreTenants,
    /// The key of the [`PollState`] in the shared data. Configurations with other tenants have
    /// another one, since a poll reads for its own tenants only.
    key: String,
    /// The key of the state of this process's last poll of this etcd, whichever tenants it was for.
    last_key: String,
    /// What this VM read last of the [`PollState`].
    known: KnownState,
    /// The reads of lists in progress, by the id of the tenant.
    loading: Mutex<HashMap<String, (Arc<Outcome>, UnixTime)>>,
    /// Each restore in progress has a reference to it.
    restores: Arc<()>,
    /// Whether there are tenants of documents beside `tenants`.
    has_others: bool,
    /// Those of them that this VM keeps.
    others: Mutex<HashMap<String, Arc<Revocations>>>,
}

#[derive(Default)]
struct KnownState {
    /// The random number of this VM. 0 before it is needed.
    salt: AtomicU64,
    epoch: AtomicU64,
    lost: AtomicU64,
    /// The last `lost` after which nothing is left to restore in this VM.
    restored: AtomicU64,
    revision: AtomicU64,
    confirmed: AtomicU64,
    is_away: AtomicBool,
}

impl Store {
    /// The store for these tenants. Values in it are sealed with `ring`.
    pub(crate) fn new(settings: StoreSettings, ring: Arc<KeyRing>, lifetime: Duration, tenants: StoreTenants) -> Self {
        let parts = [tenants.all(), settings.etcd.cluster(), settings.etcd.prefix()];
        let key = ["tenantgate/store/", &key_of(&parts)].concat();
        let [_, of_etcd @ ..] = parts;
        let last_key = ["tenantgate/last-poll/", &key_of(&of_etcd)].concat();
        Self {
            settings,
            ring,
            lifetime,
            tenants,
            key,
            last_key,
            known: KnownState::default(),
            loading: Mutex::default(),
            restores: Arc::default(),
            has_others: false,
            others: Mutex::default(),
        }
    }

    /// The store with tenants of documents beside those of the file. Which of them other VMs of the
    /// process serve is not known.
    pub(crate) fn with_others(self, has_others: bool) -> Self {
        Self { has_others, ..self }
    }

    /// Replaces the tenants of documents that this VM keeps.
    pub(crate) fn set_others(&self, others: &[Arc<Revocations>]) {
        if let Ok(mut known) = self.others.lock() {
            *known = others.iter().map(|revocations| (revocations.id().into_owned(), revocations.clone())).collect();
        }
    }

    /// Records that the polls read a sign-out of a tenant with this id that this VM does not know.
    /// The VMs that serve it read its list again. The ids are in 4,096 groups, because shared data
    /// are never freed.
    pub(super) fn miss(&self, id: &str, env: &Env<'_>) {
        if self.has_others {
            let _ = env.shared().set(&self.missed_key(id), b"-", None);
        }
    }

    /// A number that changes with each sign-out of this tenant that the polls may have missed.
    fn missed(&self, revocations: &Revocations, env: &Env<'_>) -> u32 {
        let is_known = !self.has_others || !revocations.is_found();
        let version = || env.shared().get(&self.missed_key(&revocations.id())).map_or(0, |(_, version)| version.0);
        if is_known { 0 } else { version() }
    }

    fn missed_key(&self, id: &str) -> String {
        [&self.key, "/missed/", id.get(..2).unwrap_or_default()].concat()
    }

    /// The etcd.
    pub(super) fn etcd(&self) -> &Arc<Etcd> {
        &self.settings.etcd
    }

    /// What every key in etcd begins with.
    pub(super) fn prefix(&self) -> &str {
        self.settings.etcd.prefix()
    }

    /// The session keys.
    pub(super) fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// The lifetime of sessions.
    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The random number of this VM.
    ///
    /// # Errors
    /// [`NoEntropy`] if the host gives no random bytes.
    pub(super) fn salt(&self, env: &mut Env<'_>) -> Result<u64, NoEntropy> {
        match self.known.salt.load(Ordering::Relaxed) {
            0 => {
                let salt = u64::from_be_bytes(env.random()?);
                self.known.salt.store(salt, Ordering::Relaxed);
                Ok(salt)
            }
            salt => Ok(salt),
        }
    }

    /// The revocations of the tenant with this id. If it is one of the configuration, it is
    /// compiled for it.
    pub(super) fn tenant(&self, id: &str, env: &Env<'_>) -> Option<Arc<Revocations>> {
        let other = || self.others.lock().ok()?.get(id).cloned();
        self.tenants.find(id, env).or_else(other)
    }

    /// The key of the state of the polls in the shared data.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The key of the last poll of this process, whichever tenants it was for. So a configuration
    /// with other tenants notices a loss, too.
    pub(super) fn last_key(&self) -> &str {
        &self.last_key
    }

    /// Notes a state of the polls, for the requests of this VM.
    pub(super) fn note(&self, state: &PollState) {
        self.known.epoch.store(state.epoch, Ordering::Relaxed);
        self.known.lost.store(state.lost, Ordering::Relaxed);
        self.known.revision.store(state.revision, Ordering::Relaxed);
        self.known.confirmed.store(state.confirmed, Ordering::Relaxed);
        self.known.is_away.store(state.is_away, Ordering::Relaxed);
    }

    /// Reads the state of the polls, which another VM may have changed.
    pub(super) fn look(&self, env: &Env<'_>) {
        if let Some((state, _)) = PollState::read(&self.key, &self.ring, env) {
            self.note(&state);
        }
    }

    /// The reads of lists that are in progress, and when they began, by the id of the tenant.
    pub(super) fn loading(&self) -> &Mutex<HashMap<String, (Arc<Outcome>, UnixTime)>> {
        &self.loading
    }

    /// The read of the list of the tenant with this id has ended.
    pub(super) fn loaded(&self, id: &str) {
        if let Ok(mut loading) = self.loading.lock() {
            loading.remove(id);
        }
    }

    /// The number of the polls without a gap. 0 before the first poll.
    pub(super) fn epoch(&self) -> u64 {
        self.known.epoch.load(Ordering::Relaxed)
    }

    /// How many lists may be read or restored now because etcd has lost data. 0 if all are.
    pub(super) fn room_for_restores(&self) -> usize {
        let (lost, restored) = (&self.known.lost, &self.known.restored);
        if lost.load(Ordering::Relaxed) == restored.load(Ordering::Relaxed) {
            return 0;
        }
        let reads = self.loading.lock().map_or(MOST_RESTORES, |loading| loading.len());
        MOST_RESTORES.saturating_sub(reads).saturating_sub(Arc::strong_count(&self.restores).saturating_sub(1))
    }

    /// Counts as a restore in progress until it is dropped.
    pub(super) fn begin_restore(&self) -> Arc<()> {
        self.restores.clone()
    }

    /// Records that this VM keeps no list that etcd may have lost.
    pub(super) fn set_restored(&self) {
        self.known.restored.store(self.known.lost.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Whether etcd may have lost sign-outs that the list has, because it was last read before etcd
    /// lost data.
    pub(super) fn may_have_lost(&self, revocations: &Revocations) -> bool {
        let (read, lost) = (revocations.last_read(), self.known.lost.load(Ordering::Relaxed));
        lost > 0 && (read.store != self.number() || read.epoch < lost)
    }

    /// Identifies the store, and the tenants for which it is polled, in a read.
    fn number(&self) -> u32 {
        // The key ends with the text of a hash.
        self.key.as_bytes().last_chunk().map_or(0, |end| u32::from_be_bytes(*end))
    }

    /// A recent revision of etcd. 0 before the first poll.
    pub(super) fn revision(&self) -> u64 {
        self.known.revision.load(Ordering::Relaxed)
    }

    /// Whether the last poll had no answer.
    pub(crate) fn is_away(&self) -> bool {
        self.known.is_away.load(Ordering::Relaxed)
    }

    /// The time between two polls of a replica.
    pub fn interval(&self) -> Duration {
        self.settings.interval
    }

    /// The name of the Envoy cluster that leads to etcd.
    pub fn cluster(&self) -> &str {
        self.settings.etcd.cluster()
    }

    /// How long ago the last poll began that had an answer, in seconds. `None` before the first.
    pub fn age(&self, now: UnixTime) -> Option<u64> {
        let confirmed = self.known.confirmed.load(Ordering::Relaxed);
        (confirmed > 0).then(|| now.0.saturating_sub(confirmed))
    }

    /// Whether the sign-outs of other replicas count as unknown, because etcd has not answered for
    /// too long.
    pub(super) fn is_stale(&self, now: UnixTime) -> bool {
        let longest = self.settings.max_staleness.as_secs();
        // A time in the future is of a clock that was set back.
        let is_ahead = self.known.confirmed.load(Ordering::Relaxed) > now.0.saturating_add(longest);
        is_ahead || self.age(now).is_none_or(|age| age > longest)
    }

    /// Whether requests with a session get 503 while sign-outs may be unknown.
    pub(crate) fn refuses_when_away(&self) -> bool {
        self.settings.when_away == WhenAway::Refuse
    }

    /// A read of all sign-outs of the tenant that would begin now. Its epoch is 0 before the first
    /// poll.
    pub(super) fn read(&self, revocations: &Revocations, env: &Env<'_>) -> StoreRead {
        StoreRead { epoch: self.epoch(), missed: self.missed(revocations, env), store: self.number() }
    }

    /// Whether the list of the tenant was read since the last gap between polls, by this VM or
    /// another one of the process.
    pub(super) fn is_loaded(&self, revocations: &Revocations, env: &Env<'_>) -> bool {
        self.epoch() > 0 && revocations.have_read(self.read(revocations, env), env.shared())
    }
}

/// The most lists that are read or restored at a time after etcd has lost data.
const MOST_RESTORES: usize = 8;

/// Omits the keys.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_vm::{NOW, TestEtcd, TestVm};
    use super::*;
    use crate::env::shared::SharedData as _;

    #[test]
    fn when_an_answer_is_too_old() {
        let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd::default());
        assert!(vm.store.is_stale(UnixTime(NOW)) && vm.store.age(UnixTime(NOW)).is_none());
        vm.poll(NOW, &mut etcd).unwrap();
        assert_eq!(vm.store.age(UnixTime(NOW + 30)), Some(30));
        // Before NOW, the clock was set back.
        for (now, is_stale) in [(NOW, false), (NOW + 30, false), (NOW + 31, true), (NOW - 30, false), (NOW - 31, true)]
        {
            assert_eq!(vm.store.is_stale(UnixTime(now)), is_stale, "{now}");
        }
    }

    #[test]
    fn the_random_number_of_a_vm_stays() {
        let mut vm = TestVm::new(1);
        let numbers = [NOW, NOW + 1].map(|now| vm.at(now, |store, env| store.salt(env)).unwrap());
        let other = TestVm::new(2).at(NOW, |store, env| store.salt(env)).unwrap();
        assert!(numbers[0] == numbers[1] && numbers[0] > 1 && numbers[0] != other, "{numbers:?} {other}");
    }

    #[test]
    fn the_cluster_is_that_of_the_configuration() {
        assert_eq!(TestVm::new(1).store.cluster(), "etcd");
    }

    #[test]
    fn a_list_is_read_once_for_all_vms_of_a_process() {
        let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd::default());
        let mut other = TestVm::of_process(2, &vm.shared);
        for list in [0, 1] {
            assert!(!vm.is_loaded(list));
            vm.load(list, NOW, &mut etcd);
            assert!(!vm.is_loaded(list), "no poll goes on from it");
        }
        vm.poll(NOW, &mut etcd).unwrap();
        TestVm::new(3).sign_out(0, "ada", NOW, &mut etcd);
        for list in [0, 1] {
            vm.load(list, NOW, &mut etcd);
        }
        for vm in [&mut vm, &mut other] {
            assert!(vm.is_loaded(0) && vm.is_loaded(1));
            assert!(vm.knows(0, "ada"), "the list comes with it");
        }
        // A VM that knows it does not read it at each request.
        for list in &vm.lists {
            vm.shared.set(&format!("tenantgate/revoked/{}", list.id()), b"junk", None).unwrap();
        }
        for vm in [&mut vm, &mut other] {
            assert!(vm.is_loaded(0) && vm.is_loaded(1));
        }
        // A poll with a gap.
        etcd.cluster = 2;
        vm.poll(NOW + 2, &mut etcd).unwrap();
        assert!(!vm.is_loaded(0) && !other.is_loaded(1));
    }

    /// The shared data may lose a list while no VM keeps the tenant.
    #[test]
    fn a_list_that_the_process_has_lost_is_read_again() {
        let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd::default());
        vm.poll(NOW, &mut etcd).unwrap();
        for list in [0, 1] {
            vm.load(list, NOW, &mut etcd);
            let key = format!("tenantgate/revoked/{}", vm.lists[list].id());
            vm.shared.set(&key, b"junk", None).unwrap();
        }
        let mut other = TestVm::of_process(2, &vm.shared);
        assert!(!other.is_loaded(0) && !other.is_loaded(1));
        // What a poll adds to the lost list does not make it whole.
        TestVm::new(3).sign_out(0, "bob", NOW, &mut etcd);
        other.poll(NOW + 2, &mut etcd).unwrap();
        assert!(other.knows(0, "bob") && !other.is_loaded(0));
        // A VM that has read it brings it back.
        assert!(vm.is_loaded(0));
    }

    /// The VM that polls may not know a tenant of a document that another VM serves.
    #[test]
    fn a_sign_out_that_the_polls_miss_makes_others_read() {
        let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd::default());
        let mut other = TestVm::of_process(2, &vm.shared);
        vm.poll(NOW, &mut etcd).unwrap();
        for list in [0, 1] {
            assert!(!other.is_loaded(list));
            other.load(list, NOW, &mut etcd);
            assert!(other.is_loaded(list));
        }
        vm.store.set_others(&[]);
        vm.poll(NOW + 2, &mut etcd).unwrap();
        assert!(other.is_loaded(1));
        other.sign_out(1, "ada", NOW, &mut etcd);
        vm.poll(NOW + 4, &mut etcd).unwrap();
        assert!(!other.is_loaded(1) && other.is_loaded(0));
        other.load(1, NOW + 4, &mut etcd);
        assert!(other.is_loaded(1) && other.knows(1, "ada"));
        // Nothing is missed for a tenant of the file, whoever writes into its group.
        let ids = other.lists.clone().map(|list| list.id().into_owned());
        other.at(NOW, |store, env| ids.iter().for_each(|id| store.miss(id, env)));
        assert!(other.is_loaded(0) && !other.is_loaded(1));
        // The groups do not mix.
        other.load(1, NOW + 4, &mut etcd);
        other.at(NOW, |store, env| store.miss(&ids[0], env));
        assert!(ids[0].get(..2) != ids[1].get(..2) && other.is_loaded(1));
    }
}

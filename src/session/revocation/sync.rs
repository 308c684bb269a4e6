//! Synchronizes the revocation lists of the VMs of a process.
//!
//! The shared data have one value for each tenant's list. It is sealed, because other plugins may
//! write there, and a list could end the sessions of everybody, for ever. Further values, one for
//! each group of tenants, change whenever a list of the group does, so a VM with thousands of
//! tenants reads some dozen values in each tick.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::list::{Folded, RevocationEntry, RevocationList};
use super::revocations::Revocations;
use super::store_read::StoreRead;
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::{SharedData, Version, create};
use crate::seal::KeyRing;
use crate::tenant::Tenant;

/// The sessions that one logout revokes.
#[derive(Default)]
pub(crate) struct Revocation {
    /// The entries, each with its time: sessions that began later are not revoked.
    pub(crate) entries: Vec<(RevocationEntry, UnixTime)>,
    /// The logout token and when it expires. A logout token is accepted once.
    pub(crate) token: Option<(RevocationEntry, UnixTime)>,
    /// All sessions that began before this time end.
    pub(crate) before: UnixTime,
    /// The read of the store that has ended, so that the list has all that it found.
    pub(crate) read: StoreRead,
}

/// The reason why a revocation was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RevocationError {
    /// The logout token was accepted before.
    Replayed,
    /// The host did not store the list, so the sessions are revoked in this VM only.
    NotStored,
}

impl fmt::Display for RevocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replayed => "the logout token was accepted before",
            Self::NotStored => "the host did not store the revoked sessions",
        })
    }
}

impl std::error::Error for RevocationError {}

impl Revocation {
    /// Ends all sessions of one user (`sub`) of a tenant that began at `now` or before.
    pub(crate) fn of_user(subject: &str, now: UnixTime) -> Self {
        Self { entries: vec![(RevocationEntry::subject(subject), now)], ..Self::default() }
    }

    /// Revokes the sessions: in this VM at once, in the other VMs of the process at their next
    /// tick. `lifetime` is that of sessions. Returns what was done to keep the list within its
    /// limit.
    ///
    /// # Errors
    /// [`RevocationError::Replayed`] without any effect; [`RevocationError::NotStored`] if only
    /// this VM has revoked the sessions.
    pub(crate) fn store(
        &self,
        revocations: &Revocations,
        lifetime: Duration,
        now: UnixTime,
        env: &mut Env<'_>,
    ) -> Result<Folded, RevocationError> {
        let (shared, keys) = (env.shared(), SharedKeys::new(revocations));
        let mut list = RevocationList::clone(&revocations.list());
        for _ in 0..TRIES {
            // Two VMs that create a list at the same time may lose what one of them stores. Both
            // change the value of the group, and then `refresh` writes it again.
            let held = create(shared, &keys.list).ok().and_then(|()| shared.get(&keys.list));
            let Some((bytes, version)) = held else { break };
            revocations.join(&mut list, &bytes);
            if self.token.is_some_and(|(token, _)| list.holds(token)) {
                return Err(RevocationError::Replayed);
            }
            let mut list = list.clone();
            self.entries.iter().chain(&self.token).for_each(|&(entry, until)| list.add(entry, until));
            list.end_before(self.before);
            list.add_read(self.read);
            let folded = list.fold(now, lifetime);
            let Ok(sealed) = revocations.seal(&list, env) else { break };
            if shared.set(&keys.list, sealed.as_bytes(), Some(version)).is_ok() {
                revocations.replace_joined(list, sealed.as_bytes());
                revocations.set_stored();
                let _ = shared.set(&keys.changes, b"-", None);
                return Ok(folded);
            }
        }
        self.entries.iter().for_each(|&(entry, until)| list.add(entry, until));
        list.end_before(self.before);
        list.fold(now, lifetime);
        revocations.replace_unstored(list);
        Err(RevocationError::NotStored)
    }
}

impl Revocations {
    /// The list of a tenant of a document, with what the VMs of the process have revoked before.
    pub(crate) fn of_document(tenant: Arc<Tenant>, ring: Arc<KeyRing>, shared: &dyn SharedData) -> Self {
        Self::new(tenant, ring).found().with_shared(shared)
    }

    /// The list of a tenant of the file, with what the VMs of the process have revoked before.
    pub(crate) fn joined(tenant: Arc<Tenant>, ring: Arc<KeyRing>, shared: &dyn SharedData) -> Self {
        Self::new(tenant, ring).with_shared(shared)
    }

    fn with_shared(self, shared: &dyn SharedData) -> Self {
        self.catch_up(shared);
        self
    }

    /// Adds what the other VMs of the process have revoked since the last tick.
    pub(crate) fn catch_up(&self, shared: &dyn SharedData) {
        let held = shared.get(&SharedKeys::new(self).list).filter(|(bytes, _)| !self.has_joined(bytes));
        if let Some((bytes, _)) = held {
            let mut list = RevocationList::clone(&self.list());
            self.join(&mut list, &bytes);
            self.replace_joined(list, &bytes);
        }
    }
}

/// Keeps the lists of one VM up to date: one for each configuration, driven by the ticks of the
/// host.
#[derive(Default)]
pub struct RevocationSync {
    groups: Vec<TenantGroup>,
    /// The tenants of documents.
    found: Vec<TenantGroup>,
    lifetime: Duration,
}

/// A group of tenants with a common value that changes with their lists.
struct TenantGroup {
    letter: Option<u8>,
    changes: String,
    seen: Option<Version>,
    /// Those that the runtime still keeps.
    tenants: Vec<Weak<Revocations>>,
}

impl TenantGroup {
    fn add(&mut self, revocations: &Arc<Revocations>) {
        // Before it would grow, the places of those that are gone are used again.
        if self.tenants.len() == self.tenants.capacity() {
            self.tenants.retain(|tenant| tenant.strong_count() > 0);
        }
        self.tenants.push(Arc::downgrade(revocations));
    }
}

impl RevocationSync {
    /// Keeps these lists up to date, and adds at once what the shared data have. `lifetime` is that
    /// of sessions.
    pub fn new(tenants: impl IntoIterator<Item = Arc<Revocations>>, lifetime: Duration, env: &mut Env<'_>) -> Self {
        let mut sync = Self { groups: Vec::new(), found: Vec::new(), lifetime };
        for revocations in tenants {
            let keys = SharedKeys::new(&revocations);
            sync.refresh(&revocations, &keys, env);
            add_to_group(&mut sync.groups, &revocations, keys);
        }
        sync
    }

    /// Keeps the lists of these tenants of the file up to date, too. Each has joined its shared
    /// list after the last [`tick`](Self::tick).
    pub fn add(&mut self, tenants: impl IntoIterator<Item = Arc<Revocations>>) {
        add(&mut self.groups, tenants);
    }

    /// Keeps the lists of these tenants of documents up to date, too, and no longer those of
    /// others. Each has joined its shared list when it was made.
    pub fn set_found(&mut self, tenants: impl IntoIterator<Item = Arc<Revocations>>) {
        let before = std::mem::take(&mut self.found);
        add(&mut self.found, tenants);
        for group in &mut self.found {
            group.seen = before.iter().find(|old| old.letter == group.letter).and_then(|old| old.seen);
        }
    }

    /// The lists that are kept up to date.
    pub(crate) fn lists(&self) -> Vec<Arc<Revocations>> {
        let mut lists = Vec::new();
        for groups in [&self.groups, &self.found] {
            for group in groups {
                lists.extend(group.tenants.iter().filter_map(Weak::upgrade));
            }
        }
        lists
    }

    /// Reads the lists that other VMs have changed.
    pub fn tick(&mut self, env: &mut Env<'_>) {
        let mut changed = Vec::new();
        for group in self.groups.iter_mut().chain(&mut self.found) {
            let version = env.shared().get(&group.changes).map(|(_, version)| version);
            if version.is_some() && version != group.seen {
                group.seen = version;
                changed.extend(group.tenants.iter().filter_map(Weak::upgrade));
            }
        }
        changed.iter().for_each(|revocations| self.refresh(revocations, &SharedKeys::new(revocations), env));
    }

    /// Joins the shared list into the VM's copy, and writes entries back that the shared list lost.
    fn refresh(&self, revocations: &Revocations, keys: &SharedKeys, env: &mut Env<'_>) {
        let Ok(now) = env.now() else { return };
        let sealed = env.shared().get(&keys.list).map(|(bytes, _)| bytes);
        let sealed = sealed.unwrap_or_default();
        let mut held = revocations.open(&sealed);
        let mut list = RevocationList::clone(&revocations.list());
        list.join(&held);
        list.fold(now, self.lifetime);
        held.fold(now, self.lifetime);
        let lost = list != held;
        revocations.replace_joined(list, &sealed);
        if lost {
            let _ = Revocation::default().store(revocations, self.lifetime, now, env);
        } else {
            revocations.set_stored();
        }
    }
}

/// Adds the tenants to their groups.
fn add(groups: &mut Vec<TenantGroup>, tenants: impl IntoIterator<Item = Arc<Revocations>>) {
    for revocations in tenants {
        add_to_group(groups, &revocations, SharedKeys::new(&revocations));
    }
}

/// Adds a tenant with these keys to its group.
fn add_to_group(groups: &mut Vec<TenantGroup>, revocations: &Arc<Revocations>, keys: SharedKeys) {
    match groups.iter_mut().find(|group| group.letter == keys.group) {
        Some(group) => group.add(revocations),
        None => groups.push(TenantGroup {
            letter: keys.group,
            changes: keys.changes,
            seen: None,
            tenants: vec![Arc::downgrade(revocations)],
        }),
    }
}

/// The keys of one tenant's values in the shared data.
struct SharedKeys {
    list: String,
    changes: String,
    /// The letter of the group, with which `changes` ends.
    group: Option<u8>,
}

impl SharedKeys {
    /// The keys for `tenant`. No two tenants have the same, and a tenant with another issuer or
    /// client has others.
    fn new(revocations: &Revocations) -> Self {
        let id = revocations.id();
        // One of 64 characters.
        let group = id.get(..1).unwrap_or_default();
        Self { list: format!("{PREFIX}{id}"), changes: format!("{PREFIX}changes/{group}"), group: group.bytes().next() }
    }
}

const PREFIX: &str = "tenantgate/revoked/";
/// With a thousand sign-outs of one tenant in a second, eight were too few for one in 10,000. The
/// later tries are hardly ever made.
const TRIES: usize = 32;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::env::shared::SharedWriteError;
    use crate::jose::{HostAlgorithms, NoHostVerifier, Verifier};
    use crate::session::id::SessionId;
    use crate::session::revocation::RevocableSession;
    use crate::testing::{TestHost, TestSharedData, runtime};

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const LIFETIME: Duration = Duration::from_secs(3600);

    fn with<T>(shared: &TestSharedData, act: impl FnOnce(&mut Env<'_>) -> T) -> T {
        let mut host = TestHost::default();
        let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() };
        act(&mut Env::new(Some(NOW), &mut host, verifier, shared))
    }

    /// The lists of the tenants in a new VM that has this session key, with what the shared data
    /// have.
    fn lists(key: &str, shared: &TestSharedData) -> [Arc<Revocations>; 2] {
        let lists: Vec<_> = runtime(&[key]).revocations().collect();
        with(shared, |env| RevocationSync::new(lists.clone(), LIFETIME, env));
        lists.try_into().unwrap()
    }

    fn ends_adas(list: &Revocations) -> bool {
        let session = RevocableSession { id: SessionId([7; 16]), user: "", sub: "ada", sid: None, signed_in: NOW };
        list.contain(&session, NOW)
    }

    /// Other plugins can write into the shared data. They end no session, and they lose none of
    /// the entries that a VM knows.
    #[test]
    fn a_list_of_another_plugin_is_replaced() {
        let shared = TestSharedData::default();
        let [a, b] = lists("k", &shared);
        let key = |list: &Revocations| SharedKeys::new(list).list;
        let stored = |list: &Revocations| shared.get(&key(list)).unwrap().0;
        let end_adas = Revocation::of_user("ada", NOW);
        with(&shared, |env| end_adas.store(&b, LIFETIME, NOW, env)).unwrap();
        let of_b = stored(&b);
        let plain = [u64::MAX.to_be_bytes().as_slice(), &[0; 8]].concat();
        for forged in [&plain, &of_b, &of_b[..of_b.len() - 1].to_vec(), &b"-".to_vec()] {
            shared.set(&key(&a), forged, None).unwrap();
            assert!(!ends_adas(&lists("k", &shared)[0]));
            with(&shared, |env| Revocation::of_user("bob", NOW).store(&a, LIFETIME, NOW, env)).unwrap();
            assert!(!ends_adas(&a) && stored(&a) != *forged);
        }
        // The list of a VM with another key does not open either.
        assert!(ends_adas(&lists("k", &shared)[1]));
        assert!(!ends_adas(&lists("another", &shared)[1]));

        // A VM that knows of an end writes it back.
        shared.set(&key(&b), &plain, None).unwrap();
        with(&shared, |env| RevocationSync::new([b.clone()], LIFETIME, env));
        assert!(stored(&b) != plain && ends_adas(&lists("k", &shared)[1]));
    }

    /// A list that this VM has joined is not opened again, and one that another VM has written
    /// since is.
    #[test]
    fn each_list_is_joined_once() {
        let shared = TestSharedData::default();
        let ([mine, _], [other, _]) = (lists("k", &shared), lists("k", &shared));
        let end = |list: &Revocations, user| {
            with(&shared, |env| Revocation::of_user(user, NOW).store(list, LIFETIME, NOW, env))
        };
        end(&mine, "bob").unwrap();
        let opened = |list: &Revocations| {
            let mut joined = RevocationList::default();
            list.join(&mut joined, &shared.get(&SharedKeys::new(list).list).unwrap().0);
            joined != RevocationList::default()
        };
        assert!(!opened(&mine) && opened(&other));
        end(&other, "ada").unwrap();
        assert!(opened(&mine) && !opened(&other) && !ends_adas(&mine));
        mine.catch_up(&shared);
        assert!(!opened(&mine) && ends_adas(&mine));
    }

    #[test]
    fn the_longest_list_is_shared() {
        let shared = TestSharedData::default();
        let [a, _] = lists("k", &shared);
        let sid = |number: u32| RevocationEntry::sid(&number.to_string());
        let entries = (0..4096).map(|number| (sid(number), NOW)).collect();
        with(&shared, |env| Revocation { entries, ..Revocation::default() }.store(&a, LIFETIME, NOW, env)).unwrap();
        for number in 0..1024 {
            let token = Some((RevocationEntry::token(&number.to_string()), NOW.plus(LIFETIME)));
            let mut list = RevocationList::clone(&a.list());
            token.into_iter().for_each(|(token, until)| list.add(token, until));
            a.replace_unstored(list);
        }
        with(&shared, |env| Revocation::of_user("ada", NOW).store(&a, LIFETIME, NOW, env)).unwrap();
        let [other, _] = lists("k", &shared);
        assert_eq!(other.list(), a.list());
    }

    /// A tick costs a read for each group of tenants, and opens no list that nobody has changed.
    #[test]
    fn a_tick_brings_what_other_vms_revoked() {
        let shared = TestSharedData::default();
        let groups = lists("k", &shared).map(|list| SharedKeys::new(&list).group);
        assert!(groups[0] != groups[1] && groups.iter().all(Option::is_some));
        let keeps: [fn(&mut RevocationSync, Vec<_>); 2] =
            [|sync, lists| sync.add(lists), |sync, lists| sync.set_found(lists)];
        for (turn, keep) in keeps.into_iter().enumerate() {
            let user = ["ada", "bob"][turn];
            let (others, mine) = (lists("k", &shared), lists("k", &shared));
            let mut sync = RevocationSync { lifetime: LIFETIME, ..RevocationSync::default() };
            keep(&mut sync, mine.to_vec());
            with(&shared, |env| sync.tick(env));
            for list in [0, 1] {
                let known = mine.each_ref().map(|list| list.list());
                with(&shared, |env| sync.tick(env));
                let is_known = |list: usize| Arc::ptr_eq(&mine[list].list(), &known[list]);
                assert!(is_known(0) && is_known(1), "nothing has changed");
                with(&shared, |env| Revocation::of_user(user, NOW).store(&others[list], LIFETIME, NOW, env)).unwrap();
                with(&shared, |env| sync.tick(env));
                assert!(is_known(1 - list) && mine[list].list() == others[list].list(), "{user} {list}");
            }
        }
    }

    /// After each look for a list, another VM does something, so many times.
    struct Between<'a> {
        shared: &'a TestSharedData,
        act: &'a dyn Fn(),
        left: Cell<usize>,
    }

    impl SharedData for Between<'_> {
        fn get(&self, key: &str) -> Option<(Vec<u8>, Version)> {
            let found = self.shared.get(key);
            if let Some(left) = self.left.get().checked_sub(1) {
                self.left.set(left);
                (self.act)();
            }
            found
        }

        fn set(&self, key: &str, value: &[u8], version: Option<Version>) -> Result<(), SharedWriteError> {
            self.shared.set(key, value, version)
        }
    }

    /// Ends the sessions of a user.
    fn end(user: &str, list: &Revocations, shared: &dyn SharedData) {
        let mut host = TestHost::default();
        let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() };
        let env = &mut Env::new(Some(NOW), &mut host, verifier, shared);
        Revocation::of_user(user, NOW).store(list, LIFETIME, NOW, env).unwrap();
    }

    #[test]
    fn a_list_that_two_vms_create_is_whole_after_the_next_ticks() {
        let shared = TestSharedData::default();
        let ([mine, _], [other, _]) = (lists("k", &shared), lists("k", &shared));
        let mut syncs = [&mine, &other].map(|list| {
            let mut sync = RevocationSync { lifetime: LIFETIME, ..RevocationSync::default() };
            sync.add([list.clone()]);
            sync
        });
        // Before the list is created, the other VM stores the first sign-out.
        let act = || end("ada", &other, &shared);
        end("bob", &mine, &Between { shared: &shared, act: &act, left: Cell::new(1) });
        assert!(!ends_adas(&lists("k", &shared)[0]), "nothing was lost, so this test shows nothing");
        let [first, second] = &mut syncs;
        for sync in [second, first] {
            with(&shared, |env| sync.tick(env));
        }
        assert!(ends_adas(&mine) && ends_adas(&other) && ends_adas(&lists("k", &shared)[0]));
        assert_eq!(mine.list(), other.list());
    }

    #[test]
    fn a_sign_out_is_stored_though_another_vm_is_faster_many_times() {
        let shared = TestSharedData::default();
        let ([mine, _], [other, _]) = (lists("k", &shared), lists("k", &shared));
        // The list exists.
        end("eve", &other, &shared);
        let faster = Between { shared: &shared, act: &|| end("bob", &other, &shared), left: Cell::new(30) };
        end("ada", &mine, &faster);
        assert_eq!(faster.left.get(), 0, "the other one was not faster, so this test shows nothing");
        assert!(ends_adas(&lists("k", &shared)[0]));
    }

    /// Tenants are dropped and compiled again without end.
    #[test]
    fn lists_that_are_gone_take_no_place() {
        let shared = TestSharedData::default();
        let mut sync = RevocationSync { lifetime: LIFETIME, ..RevocationSync::default() };
        let [a, b] = lists("k", &shared);
        sync.add([a.clone(), b]);
        (0..1000).for_each(|_| sync.add(lists("k", &shared)));
        assert!(sync.groups.iter().all(|group| group.tenants.len() < 10));
        let [other, _] = lists("k", &shared);
        with(&shared, |env| Revocation::of_user("ada", NOW).store(&other, LIFETIME, NOW, env)).unwrap();
        with(&shared, |env| sync.tick(env));
        assert_eq!(a.list(), other.list());
    }

    #[test]
    fn tenants_of_documents_that_stay_are_not_joined_again() {
        let shared = TestSharedData::default();
        let [a, b] = lists("k", &shared);
        for list in [&a, &a, &b] {
            with(&shared, |env| Revocation::of_user("ada", NOW).store(list, LIFETIME, NOW, env)).unwrap();
        }
        let mut sync = RevocationSync { lifetime: LIFETIME, ..RevocationSync::default() };
        sync.set_found([a, b.clone()]);
        with(&shared, |env| sync.tick(env));
        let known = b.list();
        sync.set_found([b.clone()]);
        with(&shared, |env| sync.tick(env));
        assert!(Arc::ptr_eq(&b.list(), &known));
    }
}

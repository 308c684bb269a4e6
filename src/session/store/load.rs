//! Reads all sign-outs of a tenant, before this process uses a session of it for the first time,
//! and after a gap between the polls.

use std::sync::Arc;
use std::time::Duration;

use super::outcome::{Ended, Outcome};
use super::replica::Store;
use super::restore::Restore;
use super::sign_out::{SignOut, ended};
use super::step::Step;
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::etcd::{Answer, EtcdError, Operation, Pages};
use crate::session::revocation::{Revocation, RevocationList, Revocations, StoreRead};

/// A read in progress.
pub(crate) struct Load {
    store: Arc<Store>,
    revocations: Arc<Revocations>,
    /// What the list has when the read has ended.
    read: StoreRead,
    pages: Pages,
    calls: usize,
    /// How many sign-outs were read, and when the last one of them was.
    count: usize,
    oldest: UnixTime,
    outcome: Arc<Outcome>,
    /// What was read.
    known: RevocationList,
    /// Whether the list of this process has ended sessions of everybody for want of room.
    has_folded: bool,
    /// Whether etcd may have lost sign-outs that the list has.
    may_have_lost: bool,
    /// The writes of what etcd has lost, after the read has ended.
    restore: Option<Restore>,
}

impl Load {
    /// Begins to read the sign-outs of this tenant. Call it after a poll.
    pub(super) fn begin(
        store: &Arc<Store>,
        revocations: &Arc<Revocations>,
        outcome: &Arc<Outcome>,
        env: &Env<'_>,
    ) -> (Self, Operation) {
        let start = ended(store.prefix(), &revocations.id());
        let (store, revocations, outcome) = (store.clone(), revocations.clone(), outcome.clone());
        let read = store.read(&revocations, env);
        let may_have_lost = store.may_have_lost(&revocations);
        let pages = Pages::below(&start);
        let operation = pages.operation();
        let (calls, count, oldest, known) = (0, 0, UnixTime(0), RevocationList::default());
        let load = Self {
            store,
            revocations,
            read,
            pages,
            calls,
            count,
            oldest,
            outcome,
            known,
            has_folded: false,
            may_have_lost,
            restore: None,
        };
        (load, operation)
    }

    /// Takes an answer.
    pub(super) fn answered(mut self, result: Result<Answer, EtcdError>, env: &mut Env<'_>) -> Step<Self> {
        if let Some(restore) = self.restore.take() {
            return restore.answered(result, env).map(|restore| Self { restore: Some(restore), ..self });
        }
        self.calls = self.calls.saturating_add(1);
        match result {
            Ok(answer) => self.page(&answer, env),
            Err(EtcdError::TooLong) if self.pages.shorten() => self.next(env),
            Err(error) => self.failed(&error.to_string(), env),
        }
    }

    /// Begins another attempt to write what etcd has lost.
    pub(super) fn again(mut self) -> Step<Self> {
        match self.restore.take() {
            Some(restore) => restore.again().map(|restore| Self { restore: Some(restore), ..self }),
            None => Step::end(None),
        }
    }

    fn next(self, env: &Env<'_>) -> Step<Self> {
        if self.calls >= MOST_CALLS {
            return self.failed(&format!("that takes more than {MOST_CALLS} calls"), env);
        }
        let operation = self.pages.operation();
        Step::operate(self, operation)
    }

    fn page(mut self, answer: &Answer, env: &mut Env<'_>) -> Step<Self> {
        let Ok(now) = env.now() else { return self.failed("the host did not give the time", env) };
        let lifetime = self.store.lifetime();
        let mut revocation = Revocation::default();
        for pair in &answer.pairs {
            if let Some(sign_out) = SignOut::open(pair, self.store.prefix(), self.store.ring(), &self.revocations) {
                revocation.entries.extend(sign_out.entries());
                self.count = self.count.saturating_add(1);
                self.oldest = UnixTime(sign_out.at);
            }
        }
        revocation.entries.iter().for_each(|&(entry, until)| self.known.add(entry, until));
        // The list of this process may be full of other sign-outs.
        let is_full = self.known.fold(now, lifetime).everybody || self.count > MOST_SIGN_OUTS;
        let has_next = self.pages.turn(answer);
        if !has_next {
            revocation.read = self.read;
        }
        // Each page writes those before it, too. Without shared data, each VM reads for itself.
        let stored = revocation.store(&self.revocations, lifetime, now, env);
        self.has_folded |= stored.is_ok_and(|folded| folded.everybody);
        if has_next && !is_full {
            return self.next(env);
        }
        if has_next {
            self.end_rest(now, env);
        }
        let log = (has_next || self.has_folded).then(|| {
            let reason = "too many sign-outs in etcd: the older sessions of all users of this tenant ended";
            LogLine::new(Level::Warn, Event::RevocationsFolded, Some(&self.revocations.tenant().name), reason)
        });
        self.revocations.set_loaded(self.read);
        let lost = match self.may_have_lost {
            true => self.revocations.beyond(&self.known, now, lifetime),
            false => Vec::new(),
        };
        self.ended(Ended::Done);
        if lost.is_empty() {
            return Step::end(log);
        }
        match Restore::begin(&self.store, &self.revocations, lost, env) {
            Ok((restore, operation)) => Step::operate(Self { restore: Some(restore), ..self }, operation),
            Err(failure) => {
                let tenant = Some(&self.revocations.tenant().name);
                let failure = LogLine::new(Level::Error, Event::HostError, tenant, &failure.to_string());
                Step::end(log.into_iter().chain([failure]))
            }
        }
    }

    /// Ends the sessions that the sign-outs that were not read may end: these are older, and so are
    /// the sessions, but for clocks that differ.
    fn end_rest(&mut self, now: UnixTime, env: &mut Env<'_>) {
        let before = self.oldest.plus(CLOCK_SKEW);
        let rest = Revocation { before, read: self.read, ..Revocation::default() };
        let _ = rest.store(&self.revocations, self.store.lifetime(), now, env);
        self.known.end_before(before);
    }

    /// Tells the requests that wait that the read has ended.
    fn ended(&self, ended: Ended) {
        self.store.loaded(&self.revocations.id());
        self.outcome.end(ended);
    }

    fn failed(self, reason: &str, env: &Env<'_>) -> Step<Self> {
        self.revocations.pause_loading(env.now().unwrap_or_default().plus(PAUSE));
        self.ended(Ended::Failed);
        let cluster = self.store.etcd().cluster();
        let tenant = &self.revocations.tenant().name;
        let reason = format!("the sign-outs of this tenant were not read from etcd (cluster \"{cluster}\"): {reason}");
        Step::end([LogLine::new(Level::Warn, Event::StoreFailed, Some(tenant), &reason)])
    }
}

/// The most sign-outs that are read. A list has room for 4,096 entries, and those of one user may
/// share one.
const MOST_SIGN_OUTS: usize = 16_384;
/// The most calls of a read. That many sign-outs take 250, or 600 if `etcd.prefix` is long, and
/// keys of other session keys, or junk, can stand between them.
const MOST_CALLS: usize = 1_000;
/// How far the clocks of replicas may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(61);
/// The time after a read that failed in which no other begins.
const PAUSE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::super::sign_out::generation_key;
    use super::super::step::Next;
    use super::super::test_vm::{NOW, PREFIX, TestEtcd, TestVm};
    use super::*;
    use crate::env::shared::{SharedData, SharedWriteError, Version};
    use crate::jose::{HostAlgorithms, NoHostVerifier, Verifier};
    use crate::session::revocation::{RevocationEntry, RevocationSync};
    use crate::testing::{TestHost, TestSharedData};

    #[test]
    fn a_new_replica_reads_the_whole_list_of_a_tenant() {
        let (_, mut other, mut etcd) = TestVm::two();
        other.sign_many_out(&mut etcd);
        let mut late = TestVm::new(3);
        late.poll(NOW + 1, &mut etcd).unwrap();
        let before = etcd.made.len();
        assert!(late.load(0, NOW + 1, &mut etcd).is_empty());
        assert_eq!(etcd.made.len(), before + 3, "pages");
        assert!((0..250).all(|sub| late.knows(0, &sub.to_string())) && !late.knows(0, "ada") && !late.knows(1, "ada"));
    }

    /// The shared data have lost the list, and this VM reads it again.
    #[test]
    fn a_part_of_a_lost_list_is_not_the_whole() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        other.sign_many_out(&mut etcd);
        vm.load(0, NOW, &mut etcd);
        let list = vm.lists[0].clone();
        vm.shared.set(&format!("tenantgate/revoked/{}", list.id()), b"junk", None).unwrap();
        let mut late = TestVm::of_process(4, &vm.shared);
        assert!(!late.is_loaded(0));
        let list = late.lists[0].clone();
        let ended = late.at(NOW, |store, env| {
            let (load, operation) = Load::begin(store, &list, &Arc::new(Outcome::default()), env);
            let Next::Operate(load, _) = load.answered(etcd.answer(&operation), env).next else { panic!("one page") };
            load
        });
        assert!(!late.is_loaded(0), "the first page");
        late.at(NOW, |_, env| drop(ended.answered(Err(EtcdError::Invalid), env)));
        assert!(!late.is_loaded(0), "the second page has failed");
        late.load(0, NOW, &mut etcd);
        assert!(late.is_loaded(0));
    }

    /// Shared data that take no list.
    struct WithoutLists<'a>(&'a TestSharedData);

    impl SharedData for WithoutLists<'_> {
        fn get(&self, key: &str) -> Option<(Vec<u8>, Version)> {
            self.0.get(key)
        }

        fn set(&self, key: &str, value: &[u8], version: Option<Version>) -> Result<(), SharedWriteError> {
            if key.starts_with("tenantgate/revoked/") { Err(SharedWriteError) } else { self.0.set(key, value, version) }
        }
    }

    /// Does something in this VM with shared data that take no list.
    fn with_no_lists(vm: &TestVm, act: impl FnOnce(&Arc<Store>, &mut Env<'_>)) {
        let shared = WithoutLists(&vm.shared);
        let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() };
        act(&vm.store, &mut Env::new(Some(UnixTime(NOW)), &mut TestHost::default(), verifier, &shared));
    }

    #[test]
    fn a_list_that_the_host_has_not_stored_is_read_by_each_vm() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        other.sign_out(0, "ada", NOW, &mut etcd);
        let list = vm.lists[0].clone();
        // There is a list, to which nothing can be added.
        vm.at(NOW, |store, env| {
            let bob = Revocation::of_user("bob", UnixTime(NOW));
            assert!(bob.store(&list, store.lifetime(), UnixTime(NOW), env).is_ok());
        });
        with_no_lists(&vm, |store, env| {
            let (load, operation) = Load::begin(store, &list, &Arc::new(Outcome::default()), env);
            etcd.make(load, operation, |load, result| load.answered(result, env));
        });
        assert!(vm.knows(0, "ada") && vm.is_loaded(0));
        assert!(!TestVm::of_process(4, &vm.shared).is_loaded(0));
    }

    /// The shared data have lost the list, and a VM that has not read it writes back what it knows.
    #[test]
    fn a_part_of_a_list_that_a_vm_writes_back_is_not_the_whole() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        other.sign_out(0, "ada", NOW, &mut etcd);
        vm.load(0, NOW, &mut etcd);
        vm.shared.set(&format!("tenantgate/revoked/{}", vm.lists[0].id()), b"junk", None).unwrap();
        let mut part = TestVm::of_process(4, &vm.shared);
        let list = part.lists[0].clone();
        with_no_lists(&part, |store, env| {
            let bob = Revocation::of_user("bob", UnixTime(NOW));
            assert!(bob.store(&list, store.lifetime(), UnixTime(NOW), env).is_err());
        });
        let mut late = TestVm::of_process(5, &vm.shared);
        for (writer, is_loaded) in [(&mut part, false), (&mut vm, true)] {
            let list = writer.lists[0].clone();
            writer.at(NOW, |store, env| RevocationSync::new([list], store.lifetime(), env));
            assert_eq!(late.is_loaded(0), is_loaded);
            assert!(late.knows(0, "bob") && late.knows(0, "ada") == is_loaded);
        }
    }

    /// A list has room for 4,096 entries. The newest are read; the sessions that older ones end
    /// began before.
    #[test]
    fn a_list_that_is_too_long_ends_the_sessions_before_it() {
        for more in [0, 4, 200] {
            let (mut vm, mut etcd, count) = (TestVm::new(1), TestEtcd::default(), 4096 + more);
            vm.poll(NOW, &mut etcd).unwrap();
            for number in 0..count {
                vm.sign_out(0, &number.to_string(), NOW + number, &mut etcd);
            }
            let mut late = TestVm::new(3);
            late.poll(NOW + count, &mut etcd).unwrap();
            let before = etcd.made.len();
            let log = late.load(0, NOW + count, &mut etcd);
            assert_eq!(log, if more == 0 { vec![] } else { vec![Event::RevocationsFolded] });
            assert!(etcd.made.len() <= before + 60, "{}", etcd.made.len() - before);
            assert!((0..count).all(|number| late.ends(0, &number.to_string(), NOW + number)));
            // The last page has up to 100, and the clocks of the replicas that wrote the others may
            // differ.
            assert_eq!(late.ends(0, "eve", NOW + more - 40), more > 0);
            assert!(!late.ends(0, "eve", NOW + more + 61));
        }
    }

    /// What this process knows beyond etcd does not count: its list may be full of it.
    #[test]
    fn a_full_list_that_is_read_again_ends_no_other_sessions() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        for number in 0..4096 {
            vm.sign_out(0, &number.to_string(), NOW + number, &mut etcd);
        }
        let now = NOW + 5000;
        for time in [now, now + 2] {
            vm.poll(time, &mut etcd).unwrap();
        }
        assert!(vm.load(0, now, &mut etcd).is_empty());
        assert!(!vm.ends(0, "eve", NOW));
        // A gap, and a sign-out that the polls have not read.
        etcd.put(&generation_key(PREFIX), b"another generation");
        vm.poll(now + 4, &mut etcd).unwrap();
        other.sign_out(0, "ada", now, &mut etcd);
        assert!(!vm.is_loaded(0));
        vm.load(0, now + 4, &mut etcd);
        assert!(vm.is_loaded(0) && vm.ends(0, "ada", now));
        // There is no room for the oldest one.
        assert!(vm.ends(0, "eve", NOW) && !vm.ends(0, "eve", NOW + 61));
    }

    /// The list of this process has no room for what was read.
    #[test]
    fn what_ends_for_want_of_room_is_in_the_log() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        let list = vm.lists[0].clone();
        let entry = |sub: u64| (RevocationEntry::subject(&sub.to_string()), UnixTime(NOW + sub));
        let own = Revocation { entries: (0..4096).map(entry).collect(), ..Revocation::default() };
        vm.at(NOW, |store, env| own.store(&list, store.lifetime(), UnixTime(NOW), env).unwrap());
        other.sign_out(0, "ada", NOW + 5000, &mut etcd);
        assert_eq!(vm.load(0, NOW + 5000, &mut etcd), [Event::RevocationsFolded]);
        assert!(vm.ends(0, "eve", NOW) && !vm.ends(0, "eve", NOW + 1));
    }

    /// Those of one user share an entry, so the list does not become full.
    #[test]
    fn more_sign_outs_than_are_read_end_the_sessions_before_them() {
        let count = u64::try_from(MOST_SIGN_OUTS).unwrap();
        for more in [0, 200] {
            let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd::default());
            vm.poll(NOW, &mut etcd).unwrap();
            vm.sign_out(0, "bob", NOW, &mut etcd);
            for number in 1..count + more {
                vm.sign_out(0, "ada", NOW + number, &mut etcd);
            }
            let mut late = TestVm::new(3);
            let now = NOW + count + more;
            late.poll(now, &mut etcd).unwrap();
            let before = etcd.made.len();
            let log = late.load(0, now, &mut etcd);
            assert_eq!(log, if more == 0 { vec![] } else { vec![Event::RevocationsFolded] });
            assert!(etcd.made.len() <= before + 250, "{}", etcd.made.len() - before);
            assert!(late.is_loaded(0) && late.ends(0, "bob", NOW) && late.ends(0, "ada", now - 1));
            // The last page has up to 100.
            assert_eq!(late.ends(0, "eve", NOW + more - 40), more > 0);
            assert!(!late.ends(0, "eve", NOW + more + 61));
        }
    }

    /// Whoever answers for etcd cannot keep a read going.
    #[test]
    fn a_read_ends_whatever_the_answers_are() {
        let junk = Answer { last_key: Some(vec![0xff]), more: true, ..Answer::default() };
        for (answer, calls) in [(Err(EtcdError::TooLong), 4), (Ok(junk), MOST_CALLS)] {
            let mut vm = TestVm::new(1);
            vm.poll(NOW, &mut TestEtcd::default()).unwrap();
            let [list, _] = vm.lists.clone();
            let made = vm.at(NOW, |store, env| {
                let (mut load, _) = Load::begin(store, &list, &Arc::new(Outcome::default()), env);
                for number in 1..2 * MOST_CALLS {
                    match load.answered(answer.clone(), env).next {
                        Next::Operate(next, _) => load = next,
                        Next::Later(..) | Next::End => return Some(number),
                    }
                }
                None
            });
            assert_eq!(made, Some(calls));
            assert!(list.pauses_loading(UnixTime(NOW + 9)) && !list.pauses_loading(UnixTime(NOW + 10)));
        }
    }

    #[test]
    fn junk_hides_no_sign_out() {
        let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd { longest: 10_000, ..TestEtcd::default() });
        vm.poll(NOW, &mut etcd).unwrap();
        vm.sign_out(0, "ada", NOW, &mut etcd);
        let id = vm.lists[0].id().into_owned();
        etcd.put(&format!("{}0", ended(PREFIX, &id)), &[0; 20_000]);
        let mut late = TestVm::new(3);
        late.poll(NOW, &mut etcd).unwrap();
        assert!(late.load(0, NOW, &mut etcd).is_empty() && late.knows(0, "ada"));
    }
}

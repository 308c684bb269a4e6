//! Writes the sign-outs of a tenant again that etcd has lost, for replicas that start later.
//!
//! etcd has another generation then ([`poll`](super::poll)). Each process reads the lists of its
//! tenants again, and writes what etcd lacks of them.

use std::sync::Arc;

use super::outcome::{Ended, Outcome};
use super::publish::Publish;
use super::replica::Store;
use super::step::{Next, Step};
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::{Env, HostFailure};
use crate::etcd::{Answer, EtcdError, Operation};
use crate::session::revocation::{RevocationEntry, Revocations};

/// The writes of a tenant's sign-outs, one after the other, the newest first.
pub(crate) struct Restore {
    store: Arc<Store>,
    revocations: Arc<Revocations>,
    publish: Publish,
    outcome: Arc<Outcome>,
    /// What the writes after this one have.
    rest: Vec<(RevocationEntry, UnixTime)>,
    in_progress: Arc<()>,
}

impl Restore {
    /// Begins to write these sign-outs of the tenant.
    ///
    /// # Errors
    /// [`HostFailure`] if the host gives no random bytes.
    pub(super) fn begin(
        store: &Arc<Store>,
        revocations: &Arc<Revocations>,
        lost: Vec<(RevocationEntry, UnixTime)>,
        env: &mut Env<'_>,
    ) -> Result<(Self, Operation), HostFailure> {
        Self::next(store.clone(), revocations.clone(), lost, store.begin_restore(), env)
    }

    fn next(
        store: Arc<Store>,
        revocations: Arc<Revocations>,
        mut rest: Vec<(RevocationEntry, UnixTime)>,
        in_progress: Arc<()>,
        env: &mut Env<'_>,
    ) -> Result<(Self, Operation), HostFailure> {
        let entries = take_newest(&mut rest);
        let (publish, operation) = Publish::again_after_loss(&store, &revocations, &entries, env)?;
        let outcome = publish.outcome();
        Ok((Self { store, revocations, publish, outcome, rest, in_progress }, operation))
    }

    /// Takes an answer.
    pub(super) fn answered(self, result: Result<Answer, EtcdError>, env: &mut Env<'_>) -> Step<Self> {
        let Self { store, revocations, publish, outcome, rest, in_progress } = self;
        let step = publish.answered(result);
        if !matches!(step.next, Next::End) {
            return step.map(|publish| Self { store, revocations, publish, outcome, rest, in_progress });
        }
        if outcome.get() == Some(Ended::Failed) {
            return Step::end(step.log);
        }
        let tenant = revocations.tenant().name.clone();
        let end = |level, event, reason: &str| Step::end([LogLine::new(level, event, Some(&tenant), reason)]);
        if rest.is_empty() {
            let reason = "etcd has the sign-outs of this tenant again that it had lost";
            return end(Level::Info, Event::StoreReached, reason);
        }
        match Self::next(store, revocations, rest, in_progress, env) {
            Ok((next, operation)) => Step::operate(next, operation),
            Err(failure) => end(Level::Error, Event::HostError, &failure.to_string()),
        }
    }

    /// Begins another attempt.
    pub(super) fn again(self) -> Step<Self> {
        let Self { store, revocations, publish, outcome, rest, in_progress } = self;
        publish.again().map(|publish| Self { store, revocations, publish, outcome, rest, in_progress })
    }
}

/// Takes the newest entries out, the newest first. A sort would add 9 KB to the module.
fn take_newest(rest: &mut Vec<(RevocationEntry, UnixTime)>) -> Vec<(RevocationEntry, UnixTime)> {
    let mut newest = Vec::new();
    while newest.len() < AT_ONCE {
        let places = rest.iter().enumerate().map(|(place, &(entry, until))| ((until, entry), place));
        let (Some((_, place)), Some(last)) = (places.max(), rest.pop()) else { break };
        newest.push(match rest.get_mut(place) {
            Some(entry) => std::mem::replace(entry, last),
            None => last,
        });
    }
    newest
}

/// The most entries of one write. With the longest names they take 5 KB of an answer, which may
/// have 64.
const AT_ONCE: usize = 50;

#[cfg(test)]
mod tests {
    use super::super::load::Load;
    use super::super::readiness::lost_lists;
    use super::super::sign_out::generation_key;
    use super::super::tenants::StoreTenants;
    use super::super::test_vm::{NOW, PREFIX, TestEtcd, TestVm};
    use super::*;
    use crate::session::revocation::{Revocation, RevocationSync};

    /// How many lists are read in a tick.
    fn reads(vm: &mut TestVm, now: u64) -> usize {
        let mut sync = RevocationSync::default();
        sync.add([vm.lists[0].clone()]);
        sync.set_found([vm.lists[1].clone()]);
        vm.at(now, |store, env| {
            store.look(env);
            lost_lists(store, &sync, env).len()
        })
    }

    fn ends_in_process(vm: &mut TestVm, list: usize, revocation: &Revocation) {
        let list = vm.lists[list].clone();
        vm.at(NOW, |store, env| revocation.store(&list, store.lifetime(), UnixTime(NOW), env).unwrap());
    }

    /// Those of every replica, whatever it has of its own, are known to one that starts later.
    #[test]
    fn what_etcd_has_lost_is_written_again() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        let mut third = TestVm::new(3);
        for sub in 0..120 {
            third.sign_out(0, &sub.to_string(), NOW, &mut etcd);
        }
        for vm in [&mut vm, &mut other] {
            (0..2).for_each(|list| drop(vm.load(list, NOW, &mut etcd)));
            assert_eq!(reads(vm, NOW), 0, "nothing is lost");
        }
        // A logout token, and an end of all sessions.
        let token = Some((RevocationEntry::token("1"), UnixTime(NOW + 1000)));
        ends_in_process(&mut vm, 0, &Revocation { token, ..Revocation::of_user("ada", UnixTime(NOW)) });
        let entries = vec![(RevocationEntry::everybody(), UnixTime(NOW - 1))];
        ends_in_process(&mut other, 0, &Revocation { entries, ..Revocation::default() });

        etcd = TestEtcd { cluster: 2, revision: 5, ..TestEtcd::default() };
        for vm in [&mut vm, &mut other] {
            vm.poll(NOW + 2, &mut etcd).unwrap();
            assert_eq!(reads(vm, NOW + 2), 1, "the other list is empty");
            assert_eq!(reads(vm, NOW + 2), 0, "it is in progress");
        }
        vm.load(0, NOW + 2, &mut etcd);
        let count = |etcd: &TestEtcd| etcd.pairs.len();
        // Each write has two keys, and the generation is one.
        assert_eq!(count(&etcd), 2 * 3 + 1);
        other.load(0, NOW + 2, &mut etcd);
        assert_eq!(count(&etcd), 2 * 4 + 1, "what it knows beyond that");
        let revision = etcd.revision;
        for vm in [&mut vm, &mut other] {
            vm.poll(NOW + 4, &mut etcd).unwrap();
            vm.load(0, NOW + 4, &mut etcd);
            assert_eq!(reads(vm, NOW + 4), 0);
        }
        assert_eq!(etcd.revision, revision, "nothing more is lost");

        let mut late = TestVm::new(5);
        late.poll(NOW + 4, &mut etcd).unwrap();
        late.load(0, NOW + 4, &mut etcd);
        assert!((0..120).all(|sub| late.knows(0, &sub.to_string())) && late.knows(0, "ada"));
        assert!(!late.knows(0, "eve") && late.ends(0, "eve", NOW - 1) && !late.ends(1, "eve", NOW - 1));
        ends_in_process(&mut late, 0, &Revocation { token, ..Revocation::default() });
    }

    /// A configuration with other tenants replaces the one that was there before the loss.
    #[test]
    fn a_loss_between_two_configurations_is_noticed() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        other.sign_out(0, "ada", NOW, &mut etcd);
        vm.load(0, NOW, &mut etcd);
        etcd = TestEtcd { cluster: 2, revision: 5, ..TestEtcd::default() };
        // Another replica has written to the empty etcd.
        let mut third = TestVm::new(3);
        third.poll(NOW, &mut etcd).unwrap();
        let mut pushed = TestVm::of_process(4, &vm.shared).with_tenants(StoreTenants::compiled(&vm.lists));
        assert_ne!(pushed.store.key(), vm.store.key());
        pushed.poll(NOW + 1, &mut etcd).unwrap();
        assert_eq!(reads(&mut pushed, NOW + 1), 1);
        pushed.load(0, NOW + 1, &mut etcd);
        let mut late = TestVm::new(5);
        late.poll(NOW + 2, &mut etcd).unwrap();
        late.load(0, NOW + 2, &mut etcd);
        assert!(late.knows(0, "ada"));
        // One that comes soon after that makes sure of it.
        let revision = etcd.revision;
        for (later, count) in [(3, 1), (4000, 0)] {
            let tenants = StoreTenants::compiled(&vm.lists[if later > 3 { 2.. } else { 1.. }]);
            let mut next = TestVm::of_process(6, &vm.shared).with_tenants(tenants);
            next.poll(NOW + later, &mut etcd).unwrap();
            assert_eq!(reads(&mut next, NOW + later), count, "{later}");
            next.load(0, NOW + later, &mut etcd);
        }
        assert_eq!(etcd.revision, revision);
    }

    /// A backup has the generation that was known.
    #[test]
    fn a_backup_between_two_configurations_is_noticed() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        let (pairs, revision) = (etcd.pairs.clone(), etcd.revision);
        other.sign_out(0, "ada", NOW, &mut etcd);
        vm.load(0, NOW, &mut etcd);
        vm.poll(NOW + 2, &mut etcd).unwrap();
        (etcd.pairs, etcd.revision) = (pairs, revision);
        let mut pushed = TestVm::of_process(4, &vm.shared).with_tenants(StoreTenants::compiled(&vm.lists));
        pushed.poll(NOW + 3, &mut etcd).unwrap();
        assert_eq!(reads(&mut pushed, NOW + 3), 1);
        // The configuration of before comes back, and knows the new generation by its own polls.
        vm.poll(NOW + 4, &mut etcd).unwrap();
        assert_eq!(reads(&mut vm, NOW + 4), 1);
    }

    /// Replicas and workers that begin at the same time write the same keys, and each is there
    /// once.
    #[test]
    fn what_several_know_is_written_once() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        let known: Vec<_> = (0..120).map(|sub| (RevocationEntry::subject(&sub.to_string()), UnixTime(NOW))).collect();
        let begun = [&mut vm, &mut other].map(|vm| {
            let list = vm.lists[0].clone();
            vm.at(NOW, |store, env| Restore::begin(store, &list, known.clone(), env).unwrap())
        });
        for (vm, (restore, operation)) in [&mut vm, &mut other].into_iter().zip(begun) {
            let log =
                vm.at(NOW, |_, env| etcd.make(restore, operation, |restore, result| restore.answered(result, env)));
            assert_eq!(log.iter().map(|line| line.event).collect::<Vec<_>>(), [Event::StoreReached]);
        }
        assert_eq!(etcd.pairs.len(), 2 * 3 + 1);
    }

    /// A list is read from its newest sign-out on, and what has no room ends the sessions before.
    /// Sign-outs that are written again have the times that they had.
    #[test]
    fn sign_outs_that_are_written_again_keep_their_times() {
        let (mut vm, _, mut etcd) = TestVm::two();
        let list = vm.lists[0].clone();
        let entries = |name: &str, first: u64| {
            let entry = |number: u64| (RevocationEntry::subject(&format!("{name}{number}")), UnixTime(first + number));
            (0..4096).map(entry).collect::<Vec<_>>()
        };
        // Those of two replicas, of which each has a full list.
        let (newer, older) = (NOW - 5000, NOW - 20_000);
        for known in [entries("newer", newer), entries("older", older)] {
            let (restore, operation) = vm.at(NOW, |store, env| Restore::begin(store, &list, known, env).unwrap());
            vm.at(NOW, |_, env| etcd.make(restore, operation, |restore, result| restore.answered(result, env)));
        }
        let mut late = TestVm::new(5);
        late.poll(NOW + 4, &mut etcd).unwrap();
        late.load(0, NOW + 4, &mut etcd);
        assert!((0..4096).all(|number| late.ends(0, &format!("newer{number}"), newer + number)));
        assert!(late.ends(0, "eve", older + 4095) && !late.ends(0, "eve", newer));
    }

    /// Whoever can write to etcd can change the generation. Nothing is lost then, also of a list
    /// that is full.
    #[test]
    fn what_etcd_has_is_not_written_again() {
        let (_, mut other, mut etcd) = TestVm::two();
        for number in 0..4200 {
            other.sign_out(0, &number.to_string(), NOW - 5000 + number, &mut etcd);
        }
        let mut vm = TestVm::new(5);
        vm.poll(NOW + 2, &mut etcd).unwrap();
        vm.load(0, NOW + 2, &mut etcd);
        etcd.put(&generation_key(PREFIX), b"another generation");
        vm.poll(NOW + 4, &mut etcd).unwrap();
        assert!(vm.store.may_have_lost(&vm.lists[0]));
        let revision = etcd.revision;
        vm.load(0, NOW + 4, &mut etcd);
        assert_eq!(etcd.revision, revision);
        assert!(vm.is_loaded(0) && !vm.store.may_have_lost(&vm.lists[0]));
    }

    /// Restores of this VM take a bounded part of what waits for etcd.
    #[test]
    fn few_lists_are_restored_at_a_time() {
        let (mut vm, ..) = TestVm::two();
        let [list, _] = vm.lists.clone();
        ends_in_process(&mut vm, 0, &Revocation::of_user("ada", UnixTime(NOW)));
        let mut etcd = TestEtcd { cluster: 2, ..TestEtcd::default() };
        vm.poll(NOW + 2, &mut etcd).unwrap();
        let entries = vec![(RevocationEntry::subject("bob"), UnixTime(NOW))];
        let mut begun: Vec<_> = (0..8)
            .map(|_| vm.at(NOW, |store, env| Restore::begin(store, &list, entries.clone(), env).unwrap()))
            .collect();
        assert_eq!(reads(&mut vm, NOW + 2), 0);
        begun.pop();
        assert_eq!(reads(&mut vm, NOW + 2), 1);
    }

    #[test]
    fn a_write_that_fails_is_tried_again() {
        let (mut vm, _, mut etcd) = TestVm::two();
        vm.load(0, NOW, &mut etcd);
        ends_in_process(&mut vm, 0, &Revocation::of_user("ada", UnixTime(NOW)));
        etcd = TestEtcd { cluster: 2, ..TestEtcd::default() };
        vm.poll(NOW + 2, &mut etcd).unwrap();
        let list = vm.lists[0].clone();
        vm.at(NOW + 2, |store, env| {
            let outcome = Arc::new(Outcome::default());
            let (load, operation) = Load::begin(store, &list, &outcome, env);
            let Next::Operate(load, _) = load.answered(etcd.answer(&operation), env).next else { panic!("no write") };
            // Requests do not wait for the write.
            assert_eq!(outcome.get(), Some(Ended::Done));
            let Step { next: Next::Later(load, _), log } = load.answered(Err(EtcdError::Invalid), env) else {
                panic!("no other attempt")
            };
            assert_eq!(log.iter().map(|line| line.level).collect::<Vec<_>>(), [Level::Error]);
            let Next::Operate(load, operation) = load.again().next else { panic!("no write") };
            let log = etcd.make(load, operation, |load, result| load.answered(result, env));
            assert_eq!(log.iter().map(|line| line.event).collect::<Vec<_>>(), [Event::StoreReached]);
        });
        let mut late = TestVm::new(5);
        late.poll(NOW + 4, &mut etcd).unwrap();
        late.load(0, NOW + 4, &mut etcd);
        assert!(late.knows(0, "ada"));
    }

    #[test]
    fn after_a_write_that_always_fails_there_is_no_other() {
        let (mut vm, ..) = TestVm::two();
        let list = vm.lists[0].clone();
        let entries = (0..60).map(|sub| (RevocationEntry::subject(&sub.to_string()), UnixTime(NOW))).collect();
        let log = vm.at(NOW, |store, env| {
            let (mut restore, _) = Restore::begin(store, &list, entries, env).unwrap();
            for _ in 0..1000 {
                let Step { next, log } = restore.answered(Err(EtcdError::Invalid), env);
                let Next::Later(later, _) = next else { return log };
                let Next::Operate(again, _) = later.again().next else { panic!("no attempt") };
                restore = again;
            }
            panic!("it goes on")
        });
        assert_eq!(log.iter().map(|line| line.level).collect::<Vec<_>>(), [Level::Error]);
    }

    /// etcd that is away gets no reads, and a read that failed pauses.
    #[test]
    fn nothing_is_read_while_etcd_is_away() {
        let (mut vm, ..) = TestVm::two();
        ends_in_process(&mut vm, 0, &Revocation::of_user("ada", UnixTime(NOW)));
        let mut etcd = TestEtcd { cluster: 2, ..TestEtcd::default() };
        vm.poll(NOW + 2, &mut etcd).unwrap();
        etcd.is_away = true;
        vm.poll(NOW + 4, &mut etcd).unwrap();
        assert_eq!(reads(&mut vm, NOW + 4), 0);
        vm.load(0, NOW + 4, &mut etcd);
        etcd.is_away = false;
        vm.poll(NOW + 6, &mut etcd).unwrap();
        assert_eq!([13, 14].map(|later| reads(&mut vm, NOW + later)), [0, 1]);
    }
}

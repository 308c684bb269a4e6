//! Writes the sign-outs of a tenant again that etcd has lost, for replicas that start later.
//!
//! etcd has another generation then ([`poll`](super::poll)). Each process reads the lists of its
//! tenants again, and writes what etcd lacks of them.

use std::sync::Arc;

use super::outcome::Ended;
use super::publish::Publish;
use super::replica::Store;
use super::step::{Next, Step};
use super::wait::StoreWait;
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::{Env, HostFailure};
use crate::etcd::{Answer, EtcdError, Operation};
use crate::session::revocation::{Revocation, RevocationEntry, Revocations};

/// The writes of a tenant's sign-outs, one after the other.
pub(crate) struct Restore {
    store: Arc<Store>,
    revocations: Arc<Revocations>,
    publish: Publish,
    wait: StoreWait,
    /// What the writes after this one have.
    rest: Vec<(RevocationEntry, UnixTime)>,
}

impl Restore {
    /// Begins to write the first of these sign-outs of the tenant.
    ///
    /// # Errors
    /// [`HostFailure`] if the host gives no time or no random bytes.
    pub(super) fn begin(
        store: &Arc<Store>,
        revocations: &Arc<Revocations>,
        mut rest: Vec<(RevocationEntry, UnixTime)>,
        env: &mut Env<'_>,
    ) -> Result<(Self, Operation), HostFailure> {
        let entries = rest.split_off(rest.len().saturating_sub(AT_ONCE));
        let revocation = Revocation { entries, ..Revocation::default() };
        let (wait, publish, operation) = Publish::begin(store, revocations, &revocation, true, env)?;
        let (store, revocations) = (store.clone(), revocations.clone());
        Ok((Self { store, revocations, publish, wait, rest }, operation))
    }

    /// Takes an answer.
    pub(super) fn answered(self, result: Result<Answer, EtcdError>, env: &mut Env<'_>) -> Step<Self> {
        let Self { store, revocations, publish, wait, rest } = self;
        let step = publish.answered(result);
        if !matches!(step.next, Next::End) {
            return step.map(|publish| Self { store, revocations, publish, wait, rest });
        }
        if wait.ended() != Ended::Done {
            return Step::end(step.log);
        }
        if rest.is_empty() {
            let tenant = Some(&revocations.tenant().name);
            let reason = "sign-outs of this tenant that etcd had lost were written again";
            return Step::end([LogLine::new(Level::Info, Event::StoreReached, tenant, reason)]);
        }
        match Self::begin(&store, &revocations, rest, env) {
            Ok((next, operation)) => Step::operate(next, operation),
            Err(_) => Step::end(None),
        }
    }

    /// Begins another attempt.
    pub(super) fn again(self) -> Step<Self> {
        let Self { store, revocations, publish, wait, rest } = self;
        publish.again().map(|publish| Self { store, revocations, publish, wait, rest })
    }
}

/// The most entries of one write. With the longest names they take 5 KB of an answer, which may
/// have 64.
const AT_ONCE: usize = 50;

#[cfg(test)]
mod tests {
    use super::super::load::Load;
    use super::super::outcome::Outcome;
    use super::super::readiness::lost_lists;
    use super::super::test_vm::{NOW, TestEtcd, TestVm};
    use super::*;
    use crate::session::revocation::RevocationSync;

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

//! The wait of a request for etcd.

use std::sync::Arc;
use std::time::Duration;

use super::outcome::{Ended, Outcome};
use super::replica::Store;
use crate::base::time::UnixTime;
use crate::env::Env;

/// A wait for etcd, which has a limit.
pub(crate) struct StoreWait {
    awaited: Awaited,
    end: UnixTime,
}

enum Awaited {
    /// The first poll, which another worker may make.
    Poll(Arc<Store>),
    /// Some work of this VM.
    Work(Arc<Outcome>),
}

impl StoreWait {
    /// A wait for the first poll.
    pub(super) fn for_poll(store: &Arc<Store>, now: UnixTime) -> Self {
        Self { awaited: Awaited::Poll(store.clone()), end: now.plus(LONGEST) }
    }

    /// A wait for the end of this work.
    pub(super) fn for_work(outcome: &Arc<Outcome>, now: UnixTime) -> Self {
        Self { awaited: Awaited::Work(outcome.clone()), end: now.plus(LONGEST) }
    }

    /// Whether the wait is over, or takes too long.
    pub(crate) fn is_over(&self, env: &Env<'_>) -> bool {
        let has_ended = match &self.awaited {
            Awaited::Poll(store) => {
                store.look(env);
                store.epoch() > 0 || store.is_away()
            }
            Awaited::Work(outcome) => outcome.get().is_some(),
        };
        has_ended || env.now().map_or(true, |now| now > self.end)
    }

    /// How the work has ended. Work that takes too long has failed for the request.
    pub(crate) fn ended(&self) -> Ended {
        match &self.awaited {
            Awaited::Poll(_) => Ended::Done,
            Awaited::Work(outcome) => outcome.get().unwrap_or(Ended::Failed),
        }
    }
}

/// The longest wait: that of calls that no member of etcd answers.
const LONGEST: Duration = Duration::from_secs(7);

#[cfg(test)]
mod tests {
    use super::super::test_vm::{NOW, TestEtcd, TestVm};
    use super::*;

    fn is_over(wait: &StoreWait, vm: &mut TestVm, now: u64) -> bool {
        vm.at(now, |_, env| wait.is_over(env))
    }

    #[test]
    fn a_wait_for_work_ends_with_it_or_after_seven_seconds() {
        let (mut vm, outcome) = (TestVm::new(1), Arc::new(Outcome::default()));
        let wait = StoreWait::for_work(&outcome, UnixTime(NOW));
        assert!(!is_over(&wait, &mut vm, NOW) && !is_over(&wait, &mut vm, NOW + 7));
        assert!(is_over(&wait, &mut vm, NOW + 8));
        assert_eq!(wait.ended(), Ended::Failed);
        outcome.end(Ended::Replayed);
        assert!(is_over(&wait, &mut vm, NOW));
        assert_eq!(wait.ended(), Ended::Replayed);
    }

    /// Another VM of the process may make the poll.
    #[test]
    fn a_wait_for_the_first_poll_ends_with_its_answer_or_without_one() {
        for is_away in [false, true] {
            let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd { is_away, ..TestEtcd::default() });
            let wait = StoreWait::for_poll(&vm.store, UnixTime(NOW));
            assert!(!is_over(&wait, &mut vm, NOW));
            TestVm::of_process(2, &vm.shared).poll(NOW, &mut etcd).unwrap();
            assert!(is_over(&wait, &mut vm, NOW), "{is_away}");
        }
    }
}

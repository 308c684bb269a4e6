//! Reads the sign-outs that other replicas have written since the last poll. One VM of a process
//! does it, and hands them on through the lists in the shared data.

use std::sync::Arc;
use std::time::Duration;

use super::pages::Pages;
use super::replica::Store;
use super::sign_out::{self, SignOut, recent, recent_from, tenant_of_recent};
use super::state::PollState;
use super::step::Step;
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::etcd::{Answer, EtcdError, Operation, Range};
use crate::session::revocation::{Revocation, Revocations};

/// A poll in progress.
pub(crate) struct Poll {
    store: Arc<Store>,
    /// The state before the poll.
    before: PollState,
    began: UnixTime,
    /// Cluster and revision of the first page. Later pages may be newer, but lack what was written
    /// since at an earlier key.
    first: Option<(u64, u64)>,
    pages: Pages,
}

impl Poll {
    /// Begins a poll if one is due and no other VM of this process makes it.
    pub(super) fn begin(store: &Arc<Store>, env: &mut Env<'_>) -> Option<(Self, Operation)> {
        let now = env.now().ok()?;
        let (before, version) = PollState::read(store.key(), store.ring(), env)?;
        store.note(&before);
        if !before.is_due(now) {
            return None;
        }
        // If this VM disappears, another one polls after this time.
        let claimed = PollState { next: now.plus(LONGEST).0, ..before };
        if !claimed.write(store.key(), store.ring(), Some(version), env) {
            return None;
        }
        // After too long a gap, etcd may have deleted recent sign-outs already.
        let has_gap = before.confirmed.saturating_add(LONGEST_GAP) < now.0;
        let before = if has_gap { PollState { revision: 0, ..before } } else { before };
        let prefix = store.prefix();
        let from = match before.revision {
            0 => recent(prefix),
            revision => recent_from(prefix, revision.saturating_sub(OVERLAP)),
        };
        let pages = Pages::new(&from, &sign_out::after(&recent(prefix)));
        // The first poll reads nothing but the revision.
        let operation = if before.revision == 0 { revision_of(store) } else { pages.operation() };
        Some((Self { store: store.clone(), before, began: now, first: None, pages }, operation))
    }

    /// Takes an answer.
    pub(super) fn answered(mut self, result: Result<Answer, EtcdError>, env: &mut Env<'_>) -> Step<Self> {
        match result {
            Ok(answer) => self.page(&answer, env),
            Err(EtcdError::TooLong) if self.pages.shorten() => {
                let operation = self.pages.operation();
                Step::operate(self, operation)
            }
            Err(error) => self.failed(&error, env),
        }
    }

    fn page(mut self, answer: &Answer, env: &mut Env<'_>) -> Step<Self> {
        let (cluster, revision) = *self.first.get_or_insert((answer.cluster, answer.revision));
        let is_same = cluster == self.before.cluster && revision >= self.before.revision;
        if self.before.revision > 0 && is_same {
            self.apply(answer, env);
            if self.pages.turn(answer) {
                let operation = self.pages.operation();
                return Step::operate(self, operation);
            }
        }
        let epoch = if self.before.revision > 0 && is_same {
            self.before.epoch
        } else {
            self.began.0.max(self.before.epoch.saturating_add(1))
        };
        let after =
            PollState { next: self.next(env), cluster, revision, epoch, confirmed: self.began.0, is_away: false };
        self.write(after, env);
        let is_first = self.before.is_away || self.before.epoch == 0;
        let cluster = self.store.etcd().cluster();
        Step::end(is_first.then(|| {
            let reason = format!("etcd answers (cluster \"{cluster}\")");
            LogLine::new(Level::Info, Event::StoreReached, None, &reason)
        }))
    }

    fn failed(self, error: &EtcdError, env: &mut Env<'_>) -> Step<Self> {
        // What was read of the pages is known, and is read again.
        self.write(PollState { next: self.next(env), is_away: true, ..self.before }, env);
        let level = if self.before.is_away { Level::Debug } else { Level::Warn };
        let cluster = self.store.etcd().cluster();
        let reason = format!("no sign-outs from etcd (cluster \"{cluster}\"): {error}");
        Step::end([LogLine::new(level, Event::StoreFailed, None, &reason)])
    }

    fn next(&self, env: &Env<'_>) -> u64 {
        let interval = self.store.interval();
        // A poll that takes longer than the interval is followed by the next one at once.
        env.now().map_or(0, |now| self.began.plus(interval).0.max(now.0))
    }

    fn write(&self, state: PollState, env: &mut Env<'_>) {
        state.write(self.store.key(), self.store.ring(), None, env);
        self.store.note(&state);
    }

    /// Adds the sign-outs that are new to the lists of their tenants.
    fn apply(&self, answer: &Answer, env: &mut Env<'_>) {
        let Ok(now) = env.now() else { return };
        let mut new: Vec<(Arc<Revocations>, Revocation)> = Vec::new();
        for pair in answer.pairs.iter().filter(|pair| pair.modified > self.before.revision) {
            let Some(id) = tenant_of_recent(self.store.prefix(), &pair.key) else { continue };
            let Some(revocations) = self.store.tenant(id, env) else {
                self.store.miss(id, env);
                continue;
            };
            let sign_out = SignOut::open(pair, self.store.prefix(), self.store.ring(), &revocations);
            let Some(sign_out) = sign_out else { continue };
            match new.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &revocations)) {
                Some((_, known)) => known.entries.extend(sign_out.entries()),
                None => {
                    let entries = sign_out.entries().collect();
                    new.push((revocations, Revocation { entries, ..Revocation::default() }));
                }
            }
        }
        for (revocations, revocation) in new {
            let _ = revocation.store(&revocations, self.store.lifetime(), now, env);
        }
    }
}

/// How many revisions before the last known one a poll reads again. [`Publish`] keeps to it.
///
/// [`Publish`]: super::publish::Publish
pub(super) const OVERLAP: u64 = 64;
/// A read of nothing, whose answer has the revision.
pub(super) fn revision_of(store: &Store) -> Operation {
    let from = recent(store.prefix()).into_bytes();
    Operation::Range(Range { to: from.clone(), from, limit: 1, keys_only: true, is_reversed: false })
}

/// The most seconds without an answer after which the recent sign-outs are still there: they live
/// for an hour, less the ten minutes for which a write may be tried again.
const LONGEST_GAP: u64 = 1800;
/// The longest time between two writes of the state by a VM that polls.
const LONGEST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::super::step::Next;
    use super::super::test_vm::{NOW, PREFIX, TestEtcd, TestVm};
    use super::*;
    use crate::env::shared::SharedData as _;

    /// Where the last poll began to read. `None` if it asked for the revision only.
    fn read_from(etcd: &TestEtcd) -> Option<String> {
        match etcd.made.last().unwrap() {
            Operation::Range(Range { from, keys_only: false, .. }) => Some(String::from_utf8(from.clone()).unwrap()),
            Operation::Range(_) => None,
            Operation::Read(_) | Operation::Write(_) => panic!("a poll reads one range"),
        }
    }

    #[test]
    fn one_vm_of_a_process_polls() {
        let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd::default());
        let mut other = TestVm::of_process(2, &vm.shared);
        // This VM disappears with its poll.
        assert!(vm.at(NOW, |store, env| Poll::begin(store, env).is_some()));
        assert_eq!(other.poll(NOW + 9, &mut etcd), None);
        assert_eq!(other.poll(NOW + 10, &mut etcd), Some(vec![Event::StoreReached]));
        assert_eq!(vm.poll(NOW + 11, &mut etcd), None);
        assert_eq!(vm.poll(NOW + 12, &mut etcd), Some(vec![]));
        etcd.is_away = true;
        assert_eq!(vm.poll(NOW + 14, &mut etcd), Some(vec![Event::StoreFailed]));
        assert_eq!(other.poll(NOW + 15, &mut etcd), None);
        etcd.is_away = false;
        assert_eq!(other.poll(NOW + 16, &mut etcd), Some(vec![Event::StoreReached]));
        assert_eq!(vm.poll(NOW + 18, &mut etcd), Some(vec![]));
    }

    #[test]
    fn a_poll_adds_what_other_replicas_wrote() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        other.sign_many_out(&mut etcd);
        let before = etcd.made.len();
        vm.poll(NOW + 2, &mut etcd).unwrap();
        // 64 writes after another the polls would not find it, so it is written twice.
        let keys = etcd.pairs.keys().filter(|key| key.starts_with(recent(PREFIX).as_bytes())).count();
        assert_eq!((etcd.made.len(), keys > 200), (before + keys.div_ceil(100), true), "pages");
        assert!((0..250).all(|sub| vm.knows(0, &sub.to_string())) && !vm.knows(0, "ada"));
        assert!(vm.knows(1, "ada") && !vm.knows(1, "0"));

        // What is known is not written into the shared data again.
        let key = format!("tenantgate/revoked/{}", vm.lists[0].id());
        let version = |vm: &TestVm| vm.shared.get(&key).unwrap().1;
        let known = version(&vm);
        vm.poll(NOW + 4, &mut etcd).unwrap();
        assert_eq!(read_from(&etcd), Some(recent_from(PREFIX, etcd.revision - OVERLAP)));
        assert_eq!(version(&vm), known);
        other.sign_out(0, "ada", NOW, &mut etcd);
        vm.poll(NOW + 6, &mut etcd).unwrap();
        assert!(version(&vm) != known && vm.knows(0, "ada"));
    }

    /// Then the lists of the tenants are read again.
    #[test]
    fn what_may_have_been_missed_begins_another_epoch() {
        let gap = |between: &dyn Fn(&mut TestEtcd), pause: u64| {
            let (mut vm, mut other, mut etcd) = TestVm::two();
            other.sign_out(0, "ada", NOW, &mut etcd);
            let before = vm.store.epoch();
            between(&mut etcd);
            vm.poll(NOW + pause, &mut etcd).unwrap();
            let epochs = vm.store.epoch() - before;
            vm.poll(NOW + pause + 2, &mut etcd).unwrap();
            assert_eq!(vm.store.epoch(), before + epochs);
            (epochs > 0, vm.knows(0, "ada"))
        };
        assert_eq!(gap(&|_| {}, 2), (false, true));
        assert_eq!(gap(&|_| {}, LONGEST_GAP), (false, true));
        assert_eq!(gap(&|_| {}, LONGEST_GAP + 1), (true, false));
        assert_eq!(gap(&|etcd| etcd.cluster = 2, 2), (true, false));
        // etcd has lost its disk, or a member that lags behind has answered.
        let restored = |revision| move |etcd: &mut TestEtcd| *etcd = TestEtcd { revision, ..TestEtcd::default() };
        assert_eq!(gap(&restored(999), 2), (true, false));
        assert_eq!(gap(&restored(1000), 2), (false, false));
    }

    /// Whoever answers for etcd cannot keep a poll going.
    #[test]
    fn a_poll_ends_whatever_the_answers_are() {
        let ends = |vm: &mut TestVm, now, answer: &dyn Fn() -> Result<Answer, EtcdError>| {
            vm.at(now, |store, env| {
                let (mut poll, _) = Poll::begin(store, env).unwrap();
                for number in 1..20 {
                    match poll.answered(answer(), env).next {
                        Next::Operate(next, _) => poll = next,
                        Next::Later(..) | Next::End => return Some(number),
                    }
                }
                None
            })
        };
        let mut vm = TestVm::new(1);
        let more =
            || Ok(Answer { cluster: 1, revision: 5, more: true, last_key: Some(vec![b'x']), ..Answer::default() });
        assert_eq!(ends(&mut vm, NOW, &more), Some(1), "the first poll reads the revision");
        assert_eq!(ends(&mut vm, NOW + 2000, &more), Some(1), "so does one after a gap");
        assert_eq!(ends(&mut vm, NOW + 2002, &|| Err(EtcdError::TooLong)), Some(4));
    }

    /// A value that no replica has written is left out if it is too long.
    #[test]
    fn junk_hides_no_sign_out() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        etcd.longest = 10_000;
        etcd.put(&format!("{}0", recent_from(PREFIX, etcd.revision)), &[0; 20_000]);
        other.sign_out(0, "ada", NOW, &mut etcd);
        vm.poll(NOW + 2, &mut etcd).unwrap();
        assert!(vm.knows(0, "ada"));
    }
}

//! Reads the sign-outs that other replicas have written since the last poll. One VM of a process
//! does it, and hands them on through the lists in the shared data.

use std::sync::Arc;
use std::time::Duration;

use super::replica::Store;
use super::sign_out::{SignOut, generation_key, recent, recent_from, tenant_of_recent};
use super::state::PollState;
use super::step::Step;
use crate::base::encoding::base64url;
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::etcd::{Answer, EtcdError, Operation, Pages, Put, Range, Write};
use crate::session::revocation::{Revocation, Revocations};

/// A poll in progress.
pub(crate) struct Poll {
    store: Arc<Store>,
    /// The state before the poll.
    before: PollState,
    /// That of the last poll of this process, which may be one for other tenants.
    last: PollState,
    began: UnixTime,
    /// Cluster and revision of the first page. Later pages may be newer, but lack what was written
    /// since at an earlier key.
    first: Option<(u64, u64)>,
    pages: Pages,
    calls: usize,
    /// Whether there is more than this poll reads.
    is_partial: bool,
    /// The generation that was read. 0 before that.
    generation: u64,
    phase: Phase,
}

/// What a poll waits for.
#[derive(Clone, Copy)]
enum Phase {
    /// The sign-outs since the last poll, and behind them the generation.
    Recent,
    /// The generation alone: there was no poll before, or a gap.
    Generation,
    /// That this generation is written.
    NewGeneration(u64),
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
        let (last, _) = PollState::read(store.last_key(), store.ring(), env)?;
        // If this VM disappears, another one polls after this time.
        let claimed = PollState { next: now.plus(LONGEST).0, ..before };
        if !claimed.write(store.key(), store.ring(), Some(version), env) {
            return None;
        }
        // After too long a gap, etcd may have deleted recent sign-outs already.
        let has_gap = before.confirmed.saturating_add(LONGEST_GAP) < now.0;
        let is_first = before.revision == 0;
        let phase = if is_first || has_gap { Phase::Generation } else { Phase::Recent };
        let recents = recent(store.prefix());
        let from = recent_from(store.prefix(), before.revision.saturating_sub(OVERLAP));
        let pages = Pages::below_from(&recents, &from);
        let (store, calls, is_partial, generation) = (store.clone(), 0, false, 0);
        let poll = Self { store, before, last, began: now, first: None, pages, calls, is_partial, generation, phase };
        let operation = poll.operation();
        Some((poll, operation))
    }

    /// The next operation that reads.
    fn operation(&self) -> Operation {
        match self.phase {
            Phase::Recent => self.pages.operation(),
            Phase::Generation | Phase::NewGeneration(_) => {
                Operation::Range(Range::of(&generation_key(self.store.prefix())))
            }
        }
    }

    /// Takes an answer.
    pub(super) fn answered(mut self, result: Result<Answer, EtcdError>, env: &mut Env<'_>) -> Step<Self> {
        match (result, self.phase) {
            (Ok(answer), Phase::Recent) => self.recent(&answer, env),
            (Ok(answer), Phase::Generation) => self.found(&answer, env),
            (Ok(answer), Phase::NewGeneration(generation)) => self.written(&answer, generation, env),
            (Err(EtcdError::TooLong), Phase::Recent) if self.pages.shorten() => self.read_on(env),
            // No replica has written such a key.
            (Err(EtcdError::TooLong), Phase::Recent) => self.leave_rest(),
            // No replica has written such a value.
            (Err(EtcdError::TooLong), Phase::Generation) => self.renew(None, env),
            (Err(error), _) => self.failed(&error, env),
        }
    }

    fn recent(mut self, answer: &Answer, env: &mut Env<'_>) -> Step<Self> {
        let (cluster, revision) = *self.first.get_or_insert((answer.cluster, answer.revision));
        if [self.before, self.last].iter().all(|state| state.may_precede(cluster, revision)) {
            self.apply(answer, env);
            self.generation = self.generation_in(answer).unwrap_or(self.generation);
            if self.pages.turn(answer) {
                return self.read_on(env);
            }
            if self.generation == self.before.generation {
                let epoch = self.before.epoch;
                return self.end(epoch, env);
            }
        }
        self.read_generation()
    }

    /// Reads on, if that does not take too long.
    fn read_on(mut self, env: &Env<'_>) -> Step<Self> {
        self.calls = self.calls.saturating_add(1);
        let is_late = env.now().map_or(true, |now| now > self.began.plus(LONGEST_READ));
        if is_late || self.calls >= MOST_CALLS {
            return self.leave_rest();
        }
        let operation = self.operation();
        Step::operate(self, operation)
    }

    /// Goes on as after a gap: the lists of the tenants have what is not read here.
    fn leave_rest(mut self) -> Step<Self> {
        self.is_partial = true;
        self.read_generation()
    }

    fn read_generation(mut self) -> Step<Self> {
        (self.first, self.phase) = (None, Phase::Generation);
        let operation = self.operation();
        Step::operate(self, operation)
    }

    fn found(mut self, answer: &Answer, env: &mut Env<'_>) -> Step<Self> {
        self.first = Some((answer.cluster, answer.revision));
        let is_set_back = |state: &PollState| !state.may_precede(answer.cluster, answer.revision);
        let is_backup = |generation: u64| {
            [self.before, self.last].iter().any(|state| is_set_back(state) && state.generation == generation)
        };
        match self.generation_in(answer) {
            // A backup of this generation was restored. Replicas that ask when its revision has
            // passed the last one that they know have to notice it, too.
            Some(generation) if is_backup(generation) => self.renew(None, env),
            Some(generation) => {
                self.generation = generation;
                self.end_with_gap(env)
            }
            None => {
                let key = generation_key(self.store.prefix());
                self.renew(Some(key), env)
            }
        }
    }

    /// Writes a new generation, if the key `absent` does not exist.
    fn renew(mut self, absent: Option<String>, env: &mut Env<'_>) -> Step<Self> {
        let Ok(random) = env.random::<12>() else { return self.end_with_gap(env) };
        let value = base64url(&random);
        self.phase = Phase::NewGeneration(id_of(value.as_bytes()));
        let put = Put { key: generation_key(self.store.prefix()), value, lease: None };
        Step::operate(self, Operation::Write(Write { absent, puts: vec![put], ..Write::default() }))
    }

    fn written(mut self, answer: &Answer, generation: u64, env: &mut Env<'_>) -> Step<Self> {
        // If another replica was faster, it is that one's.
        self.generation = if answer.succeeded { generation } else { self.generation_in(answer).unwrap_or_default() };
        self.first.get_or_insert((answer.cluster, answer.revision));
        self.end_with_gap(env)
    }

    fn generation_in(&self, answer: &Answer) -> Option<u64> {
        let key = generation_key(self.store.prefix());
        answer.pairs.iter().find(|pair| pair.key == key).map(|pair| id_of(&pair.value))
    }

    fn end_with_gap(self, env: &mut Env<'_>) -> Step<Self> {
        let epoch = self.began.0.max(self.before.epoch.saturating_add(1));
        self.end(epoch, env)
    }

    fn end(self, epoch: u64, env: &mut Env<'_>) -> Step<Self> {
        if self.is_superseded(env) {
            return Step::end(None);
        }
        let (next, confirmed, generation) = (self.next(env), self.began.0, self.generation);
        let (cluster, revision) = self.first.unwrap_or_default();
        let is_other = |state: &PollState| state.generation != 0 && generation != state.generation;
        let has_lost = [self.before, self.last].iter().any(is_other);
        // Polls for other tenants have noticed it, and may not have written everything again.
        let is_restoring = self.before.epoch == 0 && self.last.lost.saturating_add(LONGEST_GAP) > self.began.0;
        let lost = if has_lost || is_restoring { epoch } else { self.before.lost };
        let state = PollState { next, cluster, generation, revision, epoch, lost, confirmed, is_away: false };
        self.write(state, env);
        let last = PollState { lost: lost.max(self.last.lost), ..state };
        last.write(self.store.last_key(), self.store.ring(), None, env);
        let is_first = self.before.is_away || self.before.epoch == 0;
        let cluster = self.store.etcd().cluster();
        let reached = is_first.then(|| {
            let reason = format!("etcd answers (cluster \"{cluster}\")");
            LogLine::new(Level::Info, Event::StoreReached, None, &reason)
        });
        let lost = has_lost.then(|| {
            let reason =
                format!("etcd has lost data (cluster \"{cluster}\"); what it lacks of sign-outs is written again");
            LogLine::new(Level::Warn, Event::StoreFailed, None, &reason)
        });
        let unread = self.is_partial.then(|| {
            let reason = format!(
                "more is new in etcd (cluster \"{cluster}\") than a poll reads, so the lists of all tenants are read again"
            );
            LogLine::new(Level::Warn, Event::StoreFailed, None, &reason)
        });
        Step::end(reached.into_iter().chain(lost).chain(unread))
    }

    fn failed(self, error: &EtcdError, env: &mut Env<'_>) -> Step<Self> {
        if self.is_superseded(env) {
            return Step::end(None);
        }
        // What was read of the pages is known, and is read again.
        self.write(PollState { next: self.next(env), is_away: true, ..self.before }, env);
        let level = if self.before.is_away { Level::Debug } else { Level::Warn };
        let cluster = self.store.etcd().cluster();
        let reason = format!("no sign-outs from etcd (cluster \"{cluster}\"): {error}");
        Step::end([LogLine::new(level, Event::StoreFailed, None, &reason)])
    }

    /// Whether another VM has begun a poll because this one took too long, and has ended it.
    fn is_superseded(&self, env: &Env<'_>) -> bool {
        let state = PollState::read(self.store.key(), self.store.ring(), env);
        state.is_some_and(|(state, _)| state.confirmed > self.before.confirmed)
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

/// Stands for the generation with this value, of which 48 random bits are enough.
fn id_of(value: &[u8]) -> u64 {
    value.last_chunk().map_or(1, |last| u64::from_be_bytes(*last).max(1))
}

/// The most seconds without an answer after which the recent sign-outs are still there: they live
/// for an hour, less the 22 minutes for which a write may be tried again.
const LONGEST_GAP: u64 = 1800;
/// The most calls for what is new: 10,000 sign-outs.
const MOST_CALLS: usize = 100;
/// The time after which no further page is asked for.
const LONGEST_READ: Duration = Duration::from_secs(3);
/// The time after which another VM polls. The calls of most polls take less, even if etcd is slow.
const LONGEST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::super::step::Next;
    use super::super::test_vm::{NOW, PREFIX, TestEtcd, TestVm};
    use super::*;
    use crate::env::shared::SharedData as _;

    /// Where the last poll began to read.
    fn read_from(etcd: &TestEtcd) -> String {
        match etcd.made.last().unwrap() {
            Operation::Range(Range { from, .. }) => String::from_utf8(from.clone()).unwrap(),
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
        assert_eq!(read_from(&etcd), recent_from(PREFIX, etcd.revision - OVERLAP));
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
        // Other replicas have written to the empty one in the meantime.
        for revision in [1000, 2000] {
            assert_eq!(gap(&restored(revision), 2), (true, false));
        }
        // So has a replica that has polled there.
        let replaced = |etcd: &mut TestEtcd| {
            restored(999)(etcd);
            TestVm::new(3).poll(NOW, etcd).unwrap();
            etcd.revision = 2000;
        };
        assert_eq!(gap(&replaced, 2), (true, false));
    }

    /// The backup has the same generation. Not every replica asks before its revision has grown.
    #[test]
    fn a_backup_that_is_restored_begins_another_epoch_everywhere() {
        let (mut vm, mut late, mut etcd) = TestVm::two();
        let backup = TestEtcd { pairs: etcd.pairs.clone(), ..TestEtcd::default() };
        for number in 0..5 {
            vm.sign_out(0, &number.to_string(), NOW, &mut etcd);
        }
        for vm in [&mut vm, &mut late] {
            vm.poll(NOW + 2, &mut etcd).unwrap();
        }
        etcd = backup;
        let before = [&vm, &late].map(|vm| vm.store.epoch());
        vm.poll(NOW + 4, &mut etcd).unwrap();
        etcd.revision = 2000;
        for now in [NOW + 6, NOW + 8] {
            late.poll(now, &mut etcd).unwrap();
        }
        vm.poll(NOW + 6, &mut etcd).unwrap();
        assert!(vm.store.epoch() > before[0] && late.store.epoch() > before[1]);
        assert_eq!([vm.store.epoch(), late.store.epoch()], [NOW + 4, NOW + 6], "and once");
    }

    /// A restore often takes longer than recent sign-outs are kept.
    #[test]
    fn a_backup_that_is_restored_after_a_long_time_is_a_loss() {
        for pause in [2, LONGEST_GAP + 1] {
            let (mut vm, _, mut etcd) = TestVm::two();
            let backup = TestEtcd { pairs: etcd.pairs.clone(), ..TestEtcd::default() };
            vm.sign_out(0, "ada", NOW, &mut etcd);
            vm.poll(NOW + 2, &mut etcd).unwrap();
            etcd.is_away = true;
            vm.poll(NOW + 4, &mut etcd).unwrap();
            etcd = backup;
            let events = vm.poll(NOW + 4 + pause, &mut etcd).unwrap();
            assert!(events.contains(&Event::StoreFailed) && vm.store.may_have_lost(&vm.lists[0]));
        }
        // A gap alone is none.
        let (mut vm, _, mut etcd) = TestVm::two();
        assert_eq!(vm.poll(NOW + LONGEST_GAP + 1, &mut etcd), Some(vec![]));
        assert!(!vm.store.may_have_lost(&vm.lists[0]) && vm.store.epoch() > NOW);
    }

    #[test]
    fn replicas_agree_on_the_generation_of_an_empty_store() {
        let (mut vm, mut other, mut etcd) = (TestVm::new(1), TestVm::new(2), TestEtcd::default());
        // Both have found none.
        let begun = [&mut vm, &mut other].map(|vm| vm.at(NOW, |store, env| Poll::begin(store, env).unwrap()));
        let read = begun.map(|(poll, operation)| (poll, etcd.answer(&operation)));
        for (vm, (poll, answer)) in [&mut vm, &mut other].into_iter().zip(read) {
            vm.at(NOW, |_, env| {
                let Next::Operate(poll, write) = poll.answered(answer, env).next else { panic!("no write") };
                assert!(matches!(poll.answered(etcd.answer(&write), env).next, Next::End));
            });
        }
        for vm in [&mut vm, &mut other] {
            let epoch = vm.store.epoch();
            vm.poll(NOW + 2, &mut etcd).unwrap();
            assert_eq!((epoch, vm.store.epoch()), (NOW, NOW));
        }
    }

    /// Whoever can write to etcd can put anything under the key of the generation.
    #[test]
    fn a_generation_of_others_stops_no_poll() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        etcd.longest = 10_000;
        for (turn, junk) in [(1, &[0; 20_000][..]), (2, b""), (3, b"another generation")] {
            etcd.put(&generation_key(PREFIX), junk);
            let now = NOW + 10 * turn;
            vm.poll(now, &mut etcd).unwrap();
            assert!(!vm.store.is_away() && vm.store.epoch() == now);
            let ada = format!("ada {turn}");
            other.sign_out(0, &ada, now, &mut etcd);
            vm.poll(now + 2, &mut etcd).unwrap();
            assert!(vm.knows(0, &ada) && vm.store.epoch() == now);
        }
    }

    /// Whoever answers for etcd cannot keep a poll going.
    #[test]
    fn a_poll_ends_whatever_the_answers_are() {
        let ends = |vm: &mut TestVm, now, answer: &dyn Fn() -> Result<Answer, EtcdError>| {
            vm.at(now, |store, env| {
                let (mut poll, _) = Poll::begin(store, env).unwrap();
                for number in 1..2 * MOST_CALLS {
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
        assert_eq!(ends(&mut vm, NOW, &more), Some(2), "the first poll reads the generation and writes one");
        assert_eq!(ends(&mut vm, NOW + 2000, &more), Some(2), "so does one after a gap");
        assert_eq!(ends(&mut vm, NOW + 2002, &|| Err(EtcdError::TooLong)), Some(6), "as after a gap");
        let epoch = vm.store.epoch();
        assert_eq!(ends(&mut vm, NOW + 2004, &more), Some(MOST_CALLS + 2), "then what a gap has hidden is read");
        assert!(vm.store.epoch() > epoch);
    }

    /// Of more than a poll reads, nothing is lost: the lists have it.
    #[test]
    fn what_a_poll_does_not_read_is_in_the_lists() {
        let (mut vm, mut other, mut etcd) = TestVm::two();
        for number in 0..MOST_CALLS * 101 {
            etcd.put(&format!("{}/{number:08}", recent_from(PREFIX, etcd.revision)), b"junk");
        }
        let recents: Vec<_> = etcd.pairs.keys().cloned().collect();
        other.sign_out(0, "ada", NOW, &mut etcd);
        // The keys that polls read of it are lost.
        etcd.pairs.retain(|key, _| recents.contains(key) || !key.starts_with(recent(PREFIX).as_bytes()));
        assert_eq!(vm.poll(NOW + 2, &mut etcd), Some(vec![Event::StoreFailed]));
        assert!(!vm.is_loaded(0) && !vm.knows(0, "ada"));
        vm.load(0, NOW + 2, &mut etcd);
        assert!(vm.is_loaded(0) && vm.knows(0, "ada"));
    }

    /// A poll takes so long that another VM polls. What that one has found out stays.
    #[test]
    fn a_poll_that_is_late_changes_nothing() {
        for late in [Ok(()), Err(EtcdError::Invalid)] {
            let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd::default());
            let mut other = TestVm::of_process(2, &vm.shared);
            let (poll, operation) = vm.at(NOW, |store, env| Poll::begin(store, env).unwrap());
            let answer = etcd.answer(&operation);
            other.poll(NOW + 11, &mut etcd).unwrap();
            let state = vm.shared.get(other.store.key()).unwrap();
            vm.at(NOW + 12, |_, env| match poll.answered(late.and(answer), env).next {
                Next::Operate(poll, write) => {
                    assert!(matches!(poll.answered(etcd.answer(&write), env).next, Next::End));
                }
                Next::Later(..) => panic!("a poll makes no pause"),
                Next::End => {}
            });
            assert_eq!(vm.shared.get(other.store.key()).unwrap(), state);
            vm.at(NOW + 12, |store, env| store.look(env));
            assert_eq!((vm.store.epoch(), vm.store.is_away()), (NOW + 11, false));
        }
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

//! Writes a sign-out to etcd, for the other replicas.

use std::sync::Arc;
use std::time::Duration;

use super::outcome::{Ended, Outcome};
use super::poll::OVERLAP;
use super::replica::Store;
use super::sign_out::{SignOut, ended_key, generation_key, recent_key, token_key};
use super::step::{Next, Step};
use super::wait::StoreWait;
use crate::base::encoding::base64url;
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::shared::key_of;
use crate::env::{Env, HostFailure};
use crate::etcd::{Answer, EtcdError, Lease, Operation, Put, Range, Write};
use crate::session::revocation::{Revocation, RevocationEntry, Revocations};

/// A write in progress.
pub(crate) struct Publish {
    store: Arc<Store>,
    revocations: Arc<Revocations>,
    /// The sealed sign-out.
    sealed: String,
    at: UnixTime,
    /// Makes the keys different from those of others.
    id: String,
    /// The key that must not exist, because another process may write the same.
    absent: Option<String>,
    /// The logout token, which only one replica accepts, and when it expires.
    token: Option<(RevocationEntry, UnixTime)>,
    /// A recent revision of etcd. 0 if none is known.
    revision: u64,
    /// How far the revision in the key is ahead of it.
    lead: u64,
    attempts: u32,
    /// Whether another attempt follows one that failed.
    retries: bool,
    /// The random number of this VM, for leases.
    salt: u64,
    outcome: Arc<Outcome>,
}

impl Publish {
    /// Begins to write what `revocation` ends, and the wait for it. With `retries`, an attempt that
    /// fails is followed by others.
    ///
    /// # Errors
    /// [`HostFailure`] if the host gives no time or no random bytes.
    pub(super) fn begin(
        store: &Arc<Store>,
        revocations: &Arc<Revocations>,
        revocation: &Revocation,
        retries: bool,
        env: &mut Env<'_>,
    ) -> Result<(StoreWait, Self, Operation), HostFailure> {
        let at = env.now()?;
        let id = base64url(&env.random::<12>()?);
        let mut publish = Self::new(store, revocations, &revocation.entries, (id, at), env)?;
        publish.retries = retries;
        if revocation.token.is_some() {
            // If the write had to be repeated at a newer revision and that failed, the logout token
            // would be used up. So its revision is asked for.
            (publish.token, publish.revision) = (revocation.token, 0);
        }
        let wait = StoreWait::for_work(&publish.outcome, at);
        let operation = publish.operation();
        Ok((wait, publish, operation))
    }

    /// Begins to write these entries again, the newest first, which etcd has lost. Every process
    /// that knows the same has the same keys, and writes nothing if they are there.
    ///
    /// # Errors
    /// The same as for [`begin`](Self::begin).
    pub(super) fn again_after_loss(
        store: &Arc<Store>,
        revocations: &Arc<Revocations>,
        entries: &[(RevocationEntry, UnixTime)],
        env: &mut Env<'_>,
    ) -> Result<(Self, Operation), HostFailure> {
        // Lists are read by the times of their sign-outs, so this one has its old time.
        let at = entries.first().map_or(UnixTime(0), |(_, until)| *until);
        let names: Vec<String> = entries.iter().map(|(entry, until)| format!("{}{}", entry.name(), until.0)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut publish = Self::new(store, revocations, entries, (key_of(&names), at), env)?;
        publish.retries = true;
        publish.absent = Some(ended_key(store.prefix(), &revocations.id(), at, &publish.id));
        let operation = publish.operation();
        Ok((publish, operation))
    }

    fn new(
        store: &Arc<Store>,
        revocations: &Arc<Revocations>,
        entries: &[(RevocationEntry, UnixTime)],
        (id, at): (String, UnixTime),
        env: &mut Env<'_>,
    ) -> Result<Self, HostFailure> {
        Ok(Self {
            sealed: SignOut::new(&id, at, entries).seal(store.ring(), revocations.tenant(), env)?,
            salt: store.salt(env)?,
            revision: store.revision(),
            lead: 0,
            store: store.clone(),
            revocations: revocations.clone(),
            at,
            id,
            absent: None,
            token: None,
            attempts: 0,
            retries: false,
            outcome: Arc::default(),
        })
    }

    /// How the write ends.
    pub(super) fn outcome(&self) -> Arc<Outcome> {
        self.outcome.clone()
    }

    /// When the sign-out was.
    pub(super) fn at(&self) -> UnixTime {
        self.at
    }

    /// Takes an answer.
    pub(super) fn answered(self, result: Result<Answer, EtcdError>) -> Step<Self> {
        match result {
            Ok(answer) => self.taken(&answer),
            Err(error) => self.failed(&error),
        }
    }

    /// Begins another attempt.
    pub(super) fn again(self) -> Step<Self> {
        let operation = self.operation();
        Step::operate(self, operation)
    }

    fn taken(mut self, answer: &Answer) -> Step<Self> {
        if self.revision == 0 {
            self.revision = answer.revision;
            return self.again();
        }
        // If the answer to an earlier attempt was lost, the logout token is known with this id.
        let is_own = answer.pairs.first().is_some_and(|pair| pair.value == self.id.as_bytes());
        if !answer.succeeded && !is_own {
            self.outcome.end(Ended::Replayed);
            return Step::end(None);
        }
        // Replicas whose polls are further along would not find the key. The token is this one's.
        let passed = answer.revision.saturating_sub(self.revision);
        if passed > self.lead.saturating_add(OVERLAP) || answer.revision < self.revision {
            // If so much is written during one call, the next one needs a lead. Polls read the key
            // until they have passed it.
            self.lead = if self.attempts > 0 { passed.saturating_mul(2) } else { 0 };
            (self.revision, self.token, self.absent) = (answer.revision, None, None);
            self.attempts = self.attempts.saturating_add(1);
            if self.attempts < MOST_ATTEMPTS {
                return self.again();
            }
        }
        let was_late = self.outcome.get() == Some(Ended::Failed);
        self.outcome.end(Ended::Done);
        Step::end(
            was_late.then(|| self.log(Level::Info, Event::StoreReached, "a sign-out was written to etcd at last")),
        )
    }

    fn failed(mut self, error: &EtcdError) -> Step<Self> {
        self.outcome.end(Ended::Failed);
        self.attempts = self.attempts.saturating_add(1);
        let goes_on = self.retries && self.attempts < MOST_ATTEMPTS;
        let then = match (goes_on, self.retries) {
            (true, _) => "; it is tried again",
            (false, true) => "; given up, so a copy of the cookies is valid at other replicas until the session ends",
            (false, false) => "",
        };
        let cluster = self.store.etcd().cluster();
        let reason = format!("a sign-out was not written to etcd (cluster \"{cluster}\"): {error}{then}");
        // The first line and the last are of use.
        let level = if goes_on && self.attempts > 1 { Level::Debug } else { Level::Error };
        let line = self.log(level, Event::StoreFailed, &reason);
        let next = if goes_on { Next::Later(self, RETRY) } else { Next::End };
        Step { next, log: vec![line] }
    }

    fn log(&self, level: Level, event: Event, reason: &str) -> LogLine {
        LogLine::new(level, event, Some(&self.revocations.tenant().name), reason)
    }

    /// The next operation: the write, or before it a read that brings the revision.
    fn operation(&self) -> Operation {
        if self.revision == 0 {
            return Operation::Range(Range { keys_only: true, ..Range::of(&generation_key(self.store.prefix())) });
        }
        let (prefix, tenant) = (self.store.prefix(), self.revocations.id());
        let newest = self.revision.saturating_add(self.lead);
        let lease = |time| Lease::lasting(time, self.salt, self.at);
        let put = |key, value: &str, time| Put { key, value: value.to_owned(), lease: Some(lease(time)) };
        let mut puts = vec![
            put(ended_key(prefix, &tenant, self.at, &self.id), &self.sealed, self.store.lifetime()),
            put(recent_key(prefix, newest, &tenant, &self.id), &self.sealed, Duration::ZERO),
        ];
        let token = self.token.map(|(token, expires)| (token_key(prefix, &tenant, token), expires));
        puts.extend(token.iter().map(|(key, expires)| {
            put(key.clone(), &self.id, Duration::from_secs(expires.0.saturating_sub(self.at.0)))
        }));
        let absent = token.map(|(key, _)| key).or_else(|| self.absent.clone());
        Operation::Write(Write { absent, puts, ..Write::default() })
    }
}

/// The time between two attempts.
const RETRY: Duration = Duration::from_secs(5);
/// The most attempts: those of ten minutes, or of 22 if each of them has to wait for three calls.
const MOST_ATTEMPTS: u32 = 120;

#[cfg(test)]
mod tests {
    use super::super::test_vm::{NOW, PREFIX, TestEtcd, TestVm};
    use super::*;
    use crate::etcd::Pair;

    /// A VM that has polled at revision 1000, and its write of a sign-out.
    fn begun(retries: bool) -> (StoreWait, Publish) {
        let mut vm = TestVm::new(1);
        vm.poll(NOW, &mut TestEtcd::default()).unwrap();
        let [list, _] = vm.lists.clone();
        let ada = Revocation::of_user("ada", UnixTime(NOW));
        let (wait, publish, operation) =
            vm.at(NOW, |store, env| Publish::begin(store, &list, &ada, retries, env).unwrap());
        assert_eq!(revision_in(&operation), 1000);
        (wait, publish)
    }

    /// The revision in the key below `recent/`.
    fn revision_in(operation: &Operation) -> u64 {
        let Operation::Write(Write { puts, .. }) = operation else { panic!("no write") };
        let key = puts.iter().find_map(|put| put.key.strip_prefix(PREFIX)?.strip_prefix("recent/")).unwrap();
        u64::from_str_radix(key.split_once('/').unwrap().0, 16).unwrap()
    }

    fn written(revision: u64) -> Result<Answer, EtcdError> {
        Ok(Answer { cluster: 1, revision, succeeded: true, ..Answer::default() })
    }

    /// A poll reads the last 64 revisions again, and not what is before.
    #[test]
    fn a_key_that_polls_would_not_find_is_written_again() {
        for (revision, again) in [(1001, None), (1064, None), (1065, Some(1065)), (1000, None), (999, Some(999))] {
            let (wait, publish) = begun(false);
            let Step { next, log } = publish.answered(written(revision));
            let next = match next {
                Next::Operate(_, operation) => Some(revision_in(&operation)),
                Next::Later(..) | Next::End => None,
            };
            assert_eq!((next, log), (again, vec![]), "{revision}");
            assert_eq!(wait.ended(), if again.is_none() { Ended::Done } else { Ended::Failed });
        }
    }

    /// Attempts that are late one after the other do not go on being late, unless ever more is
    /// written during each.
    #[test]
    fn a_write_that_is_late_again_gets_a_lead() {
        let (wait, publish) = begun(false);
        let Next::Operate(publish, operation) = publish.answered(written(3000)).next else { panic!("no attempt") };
        assert_eq!(revision_in(&operation), 3000);
        let Next::Operate(publish, operation) = publish.answered(written(3100)).next else { panic!("no attempt") };
        assert_eq!(revision_in(&operation), 3100 + 200);
        assert!(matches!(publish.answered(written(3100 + 200 + 64)).next, Next::End));
        assert_eq!(wait.ended(), Ended::Done);
    }

    /// If etcd is written that fast, the sign-out is in the list of its tenant.
    #[test]
    fn a_write_that_is_always_late_ends() {
        let (wait, mut publish) = begun(false);
        let (mut attempts, mut revision) = (1, 1000_u64);
        loop {
            revision = revision.saturating_mul(4);
            let Next::Operate(next, _) = publish.answered(written(revision)).next else { break };
            publish = next;
            attempts += 1;
        }
        assert_eq!((attempts < 60, wait.ended()), (true, Ended::Done));
    }

    #[test]
    fn a_write_that_fails_is_repeated_if_that_is_wanted() {
        let (wait, mut publish) = begun(true);
        let mut lines = Vec::new();
        loop {
            assert!(lines.len() < 200, "it does not end");
            let Step { next, log } = publish.answered(Err(EtcdError::Invalid));
            lines.extend(log.into_iter().map(|line| (line.level, line.text)));
            let Next::Later(later, RETRY) = next else { break };
            let Next::Operate(again, _) = later.again().next else { panic!("no attempt") };
            publish = again;
        }
        assert_eq!((lines.len(), wait.ended()), (120, Ended::Failed));
        let last = lines.len() - 1;
        for (number, (level, text)) in lines.iter().enumerate() {
            assert_eq!(*level, if [0, last].contains(&number) { Level::Error } else { Level::Debug }, "{number}");
            assert!(text.contains(if number == last { "given up" } else { "tried again" }), "{text}");
        }

        let (_, publish) = begun(false);
        let Step { next: Next::End, log } = publish.answered(Err(EtcdError::Invalid)) else { panic!("it goes on") };
        assert!(log[0].level == Level::Error && !log[0].text.contains("again"), "{log:?}");
    }

    /// A logout token is used up by the replica whose write was the first, also if that replica did
    /// not get the answer.
    #[test]
    fn a_logout_token_counts_for_the_replica_that_wrote_it() {
        for (is_own, ended) in [(true, Ended::Done), (false, Ended::Replayed)] {
            let mut vm = TestVm::new(1);
            let [list, _] = vm.lists.clone();
            let token = Some((RevocationEntry::token("jti"), UnixTime(NOW + 60)));
            let revocation = Revocation { token, ..Revocation::of_user("ada", UnixTime(NOW)) };
            let (wait, publish, _) =
                vm.at(NOW, |store, env| Publish::begin(store, &list, &revocation, true, env).unwrap());
            // The revision is asked for first.
            let Next::Operate(publish, operation) = publish.answered(written(1000)).next else { panic!("no write") };
            assert_eq!(revision_in(&operation), 1000);
            let Operation::Write(Write { absent: Some(key), puts, .. }) = operation else { panic!("no write") };
            let id = puts.iter().find(|put| put.key == key).unwrap().value.clone();
            let Next::Later(publish, _) = publish.answered(Err(EtcdError::Invalid)).next else { panic!("no attempt") };
            let value = if is_own { id.into_bytes() } else { b"another".to_vec() };
            let pairs = vec![Pair { key, value, modified: 1001 }];
            let answer = Answer { cluster: 1, revision: 1001, pairs, ..Answer::default() };
            assert!(matches!(publish.answered(Ok(answer)).next, Next::End));
            assert_eq!(wait.ended(), ended);
        }
    }

    #[test]
    fn a_late_success_is_logged() {
        let (wait, publish) = begun(true);
        let Next::Later(later, _) = publish.answered(Err(EtcdError::Invalid)).next else { panic!("no attempt") };
        let events: Vec<_> = later.answered(written(1001)).log.iter().map(|line| line.event).collect();
        assert_eq!((events, wait.ended()), (vec![Event::StoreReached], Ended::Done));
    }
}

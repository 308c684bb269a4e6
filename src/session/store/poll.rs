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
            let Some(revocations) = self.store.tenant(id) else {
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

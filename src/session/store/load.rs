//! Reads all sign-outs of a tenant, before this process uses a session of it for the first time.

use std::sync::Arc;

use super::outcome::{Ended, Outcome};
use super::poll::PAGE;
use super::replica::Store;
use super::sign_out::{self, SignOut, ended};
use super::step::Step;
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::etcd::{Answer, EtcdError, Operation, Range};
use crate::session::revocation::{Revocation, RevocationEntry, Revocations};

/// A read in progress.
pub(crate) struct Load {
    store: Arc<Store>,
    revocations: Arc<Revocations>,
    /// The polls that go on from this list.
    epoch: u64,
    entries: Vec<(RevocationEntry, UnixTime)>,
    /// The keys that were read.
    read: usize,
    outcome: Arc<Outcome>,
}

impl Load {
    /// Begins to read the sign-outs of this tenant. Call it after a poll.
    pub(super) fn begin(
        store: &Arc<Store>,
        revocations: &Arc<Revocations>,
        outcome: &Arc<Outcome>,
    ) -> (Self, Operation) {
        let start = ended(store.prefix(), &revocations.id());
        let (store, revocations, outcome) = (store.clone(), revocations.clone(), outcome.clone());
        let epoch = store.epoch();
        (Self { store, revocations, epoch, entries: Vec::new(), read: 0, outcome }, read_from(start.clone(), &start))
    }

    /// Takes an answer.
    pub(super) fn answered(self, result: Result<Answer, EtcdError>, env: &mut Env<'_>) -> Step<Self> {
        match result {
            Ok(answer) => self.page(&answer, env),
            Err(error) => self.end(Err(error.to_string())),
        }
    }

    fn page(mut self, answer: &Answer, env: &mut Env<'_>) -> Step<Self> {
        let mut oldest = None;
        for pair in &answer.pairs {
            if let Some(sign_out) = SignOut::open(&pair.value, self.store.ring(), &self.revocations) {
                self.entries.extend(sign_out.entries());
                oldest = Some(UnixTime(sign_out.at));
            }
        }
        self.read = self.read.saturating_add(answer.pairs.len());
        let last = answer.pairs.last().filter(|_| answer.more);
        let floor = match last {
            // The list has no room for more, so the sessions from before these end. The sign-outs
            // that were not read are older, and so are the sessions that they end.
            Some(_) if self.entries.len() >= MOST => oldest,
            Some(_) if self.read >= MOST_KEYS => {
                return self.end(Err(format!("the first {MOST_KEYS} keys are not of these session keys")));
            }
            Some(last) => {
                let start = ended(self.store.prefix(), &self.revocations.id());
                return Step::operate(self, read_from(sign_out::next(&last.key), &start));
            }
            None => None,
        };
        let Ok(now) = env.now() else { return self.end(Err("the host did not give the time".to_owned())) };
        let entries = std::mem::take(&mut self.entries);
        let revocation = Revocation { entries, before: floor.unwrap_or_default(), ..Revocation::default() };
        // Without shared data, each VM reads for itself.
        let _ = revocation.store(&self.revocations, self.store.lifetime(), now, env);
        self.store.set_loaded(&self.revocations, self.epoch, env);
        self.end(Ok(()))
    }

    fn end(self, result: Result<(), String>) -> Step<Self> {
        self.store.loaded(&self.revocations.id());
        self.outcome.end(if result.is_ok() { Ended::Done } else { Ended::Failed });
        let cluster = self.store.etcd().cluster();
        let tenant = &self.revocations.tenant().name;
        Step::end(result.err().map(|reason| {
            let reason =
                format!("the sign-outs of this tenant were not read from etcd (cluster \"{cluster}\"): {reason}");
            LogLine::new(Level::Warn, Event::StoreFailed, Some(tenant), &reason)
        }))
    }
}

fn read_from(from: String, start: &str) -> Operation {
    Operation::Range(Range { from, to: sign_out::after(start), limit: PAGE })
}

/// The most entries that are read: those that a list has room for.
const MOST: usize = 4096;
/// The most keys that are read.
const MOST_KEYS: usize = 2 * MOST;

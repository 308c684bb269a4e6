//! Follows the log of changes. One VM of a process does it, and hands on what is new through the
//! shared data.

use std::sync::Arc;
use std::time::Duration;

use super::followed::FollowedLog;
use super::source::DocumentSource;
use super::step::Next;
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::etcd::{Answer, EtcdError, Operation, Range};

/// A look at the log in progress.
pub(crate) struct Poll {
    source: Arc<DocumentSource>,
    log: FollowedLog,
    began: UnixTime,
}

impl Poll {
    /// Takes over what another VM has read, and begins a look if one is due and no other VM of this
    /// process makes it.
    pub(crate) fn begin(source: &Arc<DocumentSource>, env: &mut Env<'_>) -> Option<(Self, Operation)> {
        let now = env.now().ok()?;
        let (log, version) = FollowedLog::read(source.shared_key(), source.ring(), env)?;
        source.with_cache(|cache| {
            if log.cluster != 0 && cache.is_new(version) {
                cache.follow(log.clone(), Some(version));
            }
        });
        if !log.is_due(now) {
            return None;
        }
        // If this VM disappears, another one looks after this time.
        let claimed = FollowedLog { next: now.plus(LONGEST).0, ..log.clone() };
        if !claimed.write(source.shared_key(), source.ring(), Some(version), env) {
            return None;
        }
        let poll = Self { source: source.clone(), log, began: now };
        let operation = poll.operation();
        Some((poll, operation))
    }

    /// Reads the last known change, which proves that there is no gap, and those after it. Before
    /// the first answer, it reads the key of the last one, whose value may be too long.
    fn operation(&self) -> Operation {
        let keys = self.source.keys();
        let below = keys.changes();
        Operation::Range(match (self.log.cluster, self.log.number) {
            (0, _) => Range::last_below(&below),
            (_, 0) => Range { limit: PAGE, ..Range::below(&below) },
            (_, number) => Range { from: keys.change(number).into_bytes(), limit: PAGE, ..Range::below(&below) },
        })
    }

    /// Takes an answer.
    pub(super) fn answered(mut self, result: Result<Answer, EtcdError>, env: &mut Env<'_>) -> Next<Self> {
        let cluster = self.source.cluster().to_owned();
        let was_away = self.log.is_away || self.log.cluster == 0;
        let answer = match result {
            Ok(answer) => answer,
            // Whoever writes to etcd can write what is too long. Then everything is looked up again
            // that is in use.
            Err(EtcdError::TooLong) => {
                self.log.cluster = 0;
                self.write(UnixTime(0), env);
                return Next::End(Vec::new());
            }
            Err(error) => {
                let level = if self.log.is_away { Level::Debug } else { Level::Warn };
                let reason = format!("no changes of tenants from etcd (cluster \"{cluster}\"): {error}");
                self.log.is_away = true;
                self.write(self.began.plus(self.source.interval()), env);
                return Next::End(vec![LogLine::new(level, Event::StoreFailed, None, &reason)]);
            }
        };
        self.take(&answer);
        self.log.is_away = false;
        // What did not fit into one answer is read at the next tick.
        let next =
            if answer.more && self.log.cluster != 0 { UnixTime(0) } else { self.began.plus(self.source.interval()) };
        self.write(next, env);
        let reason = format!("etcd answers (cluster \"{cluster}\")");
        Next::End(was_away.then(|| LogLine::new(Level::Info, Event::StoreReached, None, &reason)).into_iter().collect())
    }

    fn take(&mut self, answer: &Answer) {
        let keys = self.source.keys();
        let entries: Vec<_> = answer.pairs.iter().filter_map(|pair| Some((keys.number(&pair.key)?, pair))).collect();
        self.log.read_on(answer.cluster, &entries, self.began);
    }

    fn write(&mut self, next: UnixTime, env: &mut Env<'_>) {
        self.log.next = next.0;
        self.log.write(self.source.shared_key(), self.source.ring(), None, env);
        let version = env.shared().get(self.source.shared_key()).map(|(_, version)| version);
        if self.log.cluster != 0 {
            self.source.with_cache(|cache| cache.follow(self.log.clone(), version));
        }
    }
}

/// The most changes of one answer.
const PAGE: u32 = 100;
/// The longest time of a look.
const LONGEST: Duration = Duration::from_secs(10);

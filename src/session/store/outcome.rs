//! How work for etcd has ended, for the requests of this VM that wait for it.

use std::sync::atomic::{AtomicU8, Ordering};

/// The end of some work, once it is known.
#[derive(Debug, Default)]
pub(super) struct Outcome(AtomicU8);

/// How some work has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// etcd has done it.
    Done,
    /// etcd has not done it. The reason is in the log.
    Failed,
    /// Another replica has accepted the logout token.
    Replayed,
}

impl Outcome {
    pub(super) fn end(&self, ended: Ended) {
        let number = match ended {
            Ended::Done => DONE,
            Ended::Failed => FAILED,
            Ended::Replayed => REPLAYED,
        };
        self.0.store(number, Ordering::Relaxed);
    }

    /// `None` while the work is in progress.
    pub(super) fn get(&self) -> Option<Ended> {
        match self.0.load(Ordering::Relaxed) {
            DONE => Some(Ended::Done),
            FAILED => Some(Ended::Failed),
            REPLAYED => Some(Ended::Replayed),
            _ => None,
        }
    }
}

const DONE: u8 = 1;
const FAILED: u8 = 2;
const REPLAYED: u8 = 3;

//! What follows an answer of etcd.

use std::time::Duration;

use crate::base::event::LogLine;
use crate::etcd::Operation;

/// What follows an answer: the next part of the work, and lines for the log.
pub(super) struct Step<W> {
    pub(super) next: Next<W>,
    pub(super) log: Vec<LogLine>,
}

/// The next part of some work.
pub(super) enum Next<W> {
    /// Make this operation.
    Operate(W, Operation),
    /// Go on after this time.
    Later(W, Duration),
    /// The work has ended.
    End,
}

impl<W> Step<W> {
    /// The same step, with the work as a part of other work.
    pub(super) fn map<V>(self, part_of: impl FnOnce(W) -> V) -> Step<V> {
        let next = match self.next {
            Next::Operate(work, operation) => Next::Operate(part_of(work), operation),
            Next::Later(work, pause) => Next::Later(part_of(work), pause),
            Next::End => Next::End,
        };
        Step { next, log: self.log }
    }

    pub(super) fn operate(work: W, operation: Operation) -> Self {
        Self { next: Next::Operate(work, operation), log: Vec::new() }
    }

    pub(super) fn end(log: impl IntoIterator<Item = LogLine>) -> Self {
        Self { next: Next::End, log: log.into_iter().collect() }
    }
}

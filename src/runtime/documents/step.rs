//! What follows an answer of etcd.

use crate::base::event::LogLine;
use crate::etcd::Operation;

/// The next part of some work.
pub(super) enum Next<W> {
    /// Make this operation.
    Operate(W, Operation),
    /// The work has ended. Log these lines.
    End(Vec<LogLine>),
}

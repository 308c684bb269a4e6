//! The settings of the store.

use std::sync::Arc;
use std::time::Duration;

use crate::etcd::Etcd;

/// The settings of a store.
#[derive(Debug)]
pub(crate) struct StoreSettings {
    /// The etcd.
    pub(crate) etcd: Arc<Etcd>,
    /// The time between two polls.
    pub(crate) interval: Duration,
    /// After this time without an answer, the sign-outs of other replicas count as unknown.
    pub(crate) max_staleness: Duration,
    /// What happens then.
    pub(crate) when_away: WhenAway,
}

/// What happens to requests with a session while sign-outs may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenAway {
    /// They are decided by what this process knows.
    Serve,
    /// They get 503.
    Refuse,
}

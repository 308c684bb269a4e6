//! The wait of a request for the tenant of its host.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::base::time::UnixTime;
use crate::env::Env;

/// A wait for a lookup, which has a limit.
pub(crate) struct LookupWait {
    has_ended: Arc<AtomicBool>,
    end: UnixTime,
}

impl LookupWait {
    pub(super) fn new(has_ended: Arc<AtomicBool>, now: UnixTime) -> Self {
        Self { has_ended, end: now.plus(LONGEST) }
    }

    /// Whether the lookup has ended, or takes too long.
    pub(crate) fn is_over(&self, env: &Env<'_>) -> bool {
        self.has_ended.load(Ordering::Relaxed) || env.now().map_or(true, |now| now > self.end)
    }
}

/// The longest wait: that of two calls that no member of etcd answers.
const LONGEST: Duration = Duration::from_secs(13);

//! Time that a test can move, or that of the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Shared by the filter and the issuers, so that they agree.
#[derive(Clone)]
pub enum Clock {
    /// Stands still until it is moved.
    Simulated(Arc<AtomicU64>),
    /// The clock of the machine; it cannot be moved.
    Real,
}

impl Clock {
    /// A clock that begins on 2027-01-15.
    pub fn simulated() -> Self {
        Self::Simulated(Arc::new(AtomicU64::new(1_800_000_000)))
    }

    /// Seconds since 1970.
    pub fn now(&self) -> u64 {
        match self {
            Self::Simulated(seconds) => seconds.load(Ordering::SeqCst),
            Self::Real => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
        }
    }

    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        match self {
            Self::Simulated(seconds) => drop(seconds.fetch_add(span.as_secs(), Ordering::SeqCst)),
            Self::Real => panic!("this rung cannot move the clock; the scenario belongs to those with simulated time"),
        }
    }

    /// Puts the clock back.
    pub fn put_back(&self, span: Duration) {
        match self {
            Self::Simulated(seconds) => drop(seconds.fetch_sub(span.as_secs(), Ordering::SeqCst)),
            Self::Real => panic!("this rung cannot move the clock"),
        }
    }
}

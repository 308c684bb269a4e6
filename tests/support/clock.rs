//! A clock that a test can move, or the clock of the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The filter and the issuers of a test share one clock.
#[derive(Clone)]
pub enum Clock {
    /// Stands still unless a test moves it. In milliseconds since 1970.
    Simulated(Arc<AtomicU64>),
    /// The clock of the machine, which no test can move.
    Real,
}

impl Clock {
    /// A clock that begins on 2027-01-15.
    pub fn simulated() -> Self {
        Self::Simulated(Arc::new(AtomicU64::new(1_800_000_000_000)))
    }

    /// Seconds since 1970.
    pub fn now(&self) -> u64 {
        self.since_1970().as_secs()
    }

    /// The time since 1970.
    pub fn since_1970(&self) -> Duration {
        match self {
            Self::Simulated(millis) => Duration::from_millis(millis.load(Ordering::SeqCst)),
            Self::Real => SystemTime::now().duration_since(UNIX_EPOCH).unwrap(),
        }
    }

    /// Sets a simulated clock to the time of the machine, for a scenario with another program.
    pub fn set_to_machine(&self) {
        match self {
            Self::Simulated(millis) => millis.store(milliseconds(Self::Real.since_1970()), Ordering::SeqCst),
            Self::Real => {}
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, span: Duration) {
        match self {
            Self::Simulated(millis) => drop(millis.fetch_add(milliseconds(span), Ordering::SeqCst)),
            Self::Real => panic!("a scenario that moves the clock belongs into a `timed` list"),
        }
    }

    /// Moves the clock backward.
    pub fn put_back(&self, span: Duration) {
        match self {
            Self::Simulated(millis) => drop(millis.fetch_sub(milliseconds(span), Ordering::SeqCst)),
            Self::Real => panic!("a scenario that moves the clock belongs into a `timed` list"),
        }
    }
}

fn milliseconds(span: Duration) -> u64 {
    span.as_millis().try_into().unwrap()
}

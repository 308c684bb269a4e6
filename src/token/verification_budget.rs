//! A limit for the verifications that a worker makes for one tenant where the host cannot.
//!
//! Scenarios: tests/scenarios/bearer.rs.

use std::sync::Mutex;

use crate::base::time::UnixTime;

/// What remains of the time that a worker spends on signatures that anyone can send to one tenant
/// (a token bucket, in units of [`VerificationKey::cost`](crate::jose::VerificationKey)). It lives
/// in one VM, because it limits the work of one worker.
#[derive(Debug, Default)]
pub(crate) struct VerificationBudget(Mutex<Spent>);

#[derive(Debug, Default)]
struct Spent {
    units: u32,
    at: UnixTime,
}

impl VerificationBudget {
    /// Takes `cost` units, if they are there.
    pub(super) fn take(&self, cost: u32, now: UnixTime) -> bool {
        let Ok(mut spent) = self.0.lock() else { return false };
        // If the clock was set back, the seconds count from there on.
        let seconds = now.0.saturating_sub(spent.at.0).try_into().unwrap_or(u32::MAX);
        let units = spent.units.saturating_sub(UNITS_A_SECOND.saturating_mul(seconds)).saturating_add(cost);
        spent.at = now;
        let fits = units <= MOST_UNITS;
        spent.units = if fits { units } else { units.saturating_sub(cost) };
        fits
    }
}

/// About 25 milliseconds of each second.
const UNITS_A_SECOND: u32 = 64;
/// What a burst may take.
const MOST_UNITS: u32 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    /// How many verifications of this cost there are.
    fn drain(budget: &VerificationBudget, cost: u32, now: u64) -> usize {
        (0..1000).take_while(|_| budget.take(cost, UnixTime(now))).count()
    }

    #[test]
    fn a_burst_and_then_so_many_a_second() {
        let budget = VerificationBudget::default();
        assert_eq!(drain(&budget, 1, 1000), 128);
        assert_eq!(drain(&budget, 1, 1000), 0);
        assert_eq!(drain(&budget, 2, 1001), 32);
        assert_eq!(drain(&budget, 4, 1002), 16);
        // No more than a burst, however long nothing came.
        assert_eq!(drain(&budget, 16, 9000), 8);
        // A clock that was set back takes nothing away and gives nothing.
        assert_eq!(drain(&budget, 1, 500), 0);
        assert_eq!(drain(&budget, 1, 501), 64);
    }
}

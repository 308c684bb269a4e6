//! When the next fetch is due, as the VMs of a process agree on it.

use std::time::Duration;

use crate::base::time::UnixTime;

/// What stands in the shared data under the schedule of one tenant: `<last> <next> <failures> <published>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Schedule {
    /// When the last fetch began.
    pub(super) last: UnixTime,
    /// Before this nobody fetches, unless a key is wanted.
    pub(super) next: UnixTime,
    /// How many fetches failed since the last good one.
    pub(super) failures: u32,
    /// Counts the good ones, so that a VM sees whether there is something new.
    pub(super) published: u64,
}

impl Schedule {
    /// Reads it; whatever cannot be read is a schedule that has not begun.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let mut numbers = text.split(' ').map(|word| word.parse::<u64>().unwrap_or_default());
        let mut next = || numbers.next().unwrap_or_default();
        Self {
            last: UnixTime(next()),
            next: UnixTime(next()),
            failures: u32::try_from(next()).unwrap_or(u32::MAX),
            published: next(),
        }
    }

    /// As it is written.
    pub(super) fn write(self) -> Vec<u8> {
        let Self { last: UnixTime(last), next: UnixTime(next), failures, published } = self;
        format!("{last} {next} {failures} {published}").into_bytes()
    }

    /// Whether a fetch may begin: it is due, or a key is wanted and the last fetch is not too recent. A clock that was put back does
    /// not make anybody wait for it to catch up.
    pub(super) fn is_due(&self, now: UnixTime, wanted: bool) -> bool {
        now >= self.next || (wanted && now >= self.last.plus(MIN_GAP)) || self.last > now
    }

    /// The schedule while a fetch is under way. Should its VM go away, another one takes over after `patience`.
    pub(super) fn begun(self, now: UnixTime, patience: Duration) -> Self {
        Self { last: now, next: now.plus(patience), ..self }
    }

    /// After a good fetch.
    pub(super) fn succeeded(self, now: UnixTime, interval: Duration, jitter: u8) -> Self {
        let next = now.plus(shortened(interval, jitter));
        Self { next, failures: 0, published: self.published.wrapping_add(1), ..self }
    }

    /// After one that was of no use: soon, and then less and less often, up to the interval.
    pub(super) fn failed(self, now: UnixTime, interval: Duration, jitter: u8) -> Self {
        let wait = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(self.failures.min(16))).min(interval);
        Self { next: now.plus(shortened(wait, jitter)), failures: self.failures.saturating_add(1), ..self }
    }
}

/// `span` less up to a tenth, so that replicas that started together do not go on together.
fn shortened(span: Duration, jitter: u8) -> Duration {
    let most = span.as_secs() / 10;
    span.saturating_sub(Duration::from_secs(most.saturating_mul(jitter.into()) / 255))
}

/// Whatever clients send, fetches are not closer together than this.
const MIN_GAP: Duration = Duration::from_secs(10);
const FIRST_RETRY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const NOW: UnixTime = UnixTime(1_000_000);

    #[test]
    fn it_comes_through_the_shared_data_and_junk_is_a_new_one() {
        let schedule = Schedule { last: UnixTime(1), next: UnixTime(2), failures: 3, published: 4 };
        assert_eq!(Schedule::read(&schedule.write()), schedule);
        for junk in [&b"-"[..], b"", b"\xff", b"a b c"] {
            assert_eq!(Schedule::read(junk), Schedule::default());
        }
        assert!(Schedule::default().is_due(NOW, false));
    }

    #[test]
    fn a_wanted_key_is_fetched_early_but_not_at_once_again() {
        let schedule = Schedule::default().begun(NOW, MINUTE).succeeded(NOW, 5 * MINUTE, 0);
        assert!(!schedule.is_due(NOW.plus(MIN_GAP), false));
        assert!(!schedule.is_due(UnixTime(NOW.0 + 9), true));
        assert!(schedule.is_due(NOW.plus(MIN_GAP), true));
        assert!(schedule.is_due(NOW.plus(5 * MINUTE), false));
        assert!(schedule.is_due(UnixTime(NOW.0 - 1), false));
    }

    #[test]
    fn failures_are_retried_less_and_less_often() {
        let mut schedule = Schedule::default();
        let mut waits = Vec::new();
        for _ in 0..8 {
            schedule = schedule.begun(NOW, MINUTE).failed(NOW, 5 * MINUTE, 0);
            waits.push(schedule.next.0 - NOW.0);
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(schedule.succeeded(NOW, MINUTE, 0).failures, 0);
    }

    #[test]
    fn jitter_takes_up_to_a_tenth() {
        assert_eq!(shortened(5 * MINUTE, 0), Duration::from_secs(300));
        assert_eq!(shortened(5 * MINUTE, u8::MAX), Duration::from_secs(270));
        assert_eq!(shortened(Duration::from_secs(5), u8::MAX), Duration::from_secs(5));
    }
}

//! The time of the next fetch, which the VMs of a process share.

use std::time::Duration;

use crate::base::time::UnixTime;

/// The schedule of one tenant, as the shared data have it:
///
/// `<last> <next> <failures> <published> <running>`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Schedule {
    /// When the last fetch began.
    pub(super) last: UnixTime,
    /// Before this time no VM fetches, unless a fetch was requested.
    pub(super) next: UnixTime,
    /// The number of fetches that failed since the last successful one.
    pub(super) failures: u32,
    /// Counts the successful fetches, so that a VM notices new documents.
    pub(super) published: u64,
    /// Whether a fetch is in progress.
    pub(super) running: bool,
}

impl Schedule {
    /// Parses the value. An invalid value gives the default, for which a fetch is due.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let mut numbers = text.split(' ').map(|word| word.parse::<u64>().unwrap_or_default());
        let mut next = || numbers.next().unwrap_or_default();
        Self {
            last: UnixTime(next()),
            next: UnixTime(next()),
            failures: u32::try_from(next()).unwrap_or(u32::MAX),
            published: next(),
            running: next() == 1,
        }
    }

    /// The value in the form that [`read`](Self::read) parses.
    pub(super) fn write(self) -> Vec<u8> {
        let Self { last: UnixTime(last), next: UnixTime(next), failures, published, running } = self;
        format!("{last} {next} {failures} {published} {}", u8::from(running)).into_bytes()
    }

    /// Whether a fetch may begin: it is due, or it was requested and the last fetch is at least
    /// [`MIN_GAP`] ago. If the clock was set back, or no VM of this release can have written the
    /// schedule, because it is later than `longest_wait`, a fetch is due at once.
    pub(super) fn is_due(&self, now: UnixTime, requested: bool, longest_wait: Duration) -> bool {
        let is_possible = self.last <= now && self.next <= now.plus(longest_wait);
        now >= self.next || (requested && now >= self.last.plus(MIN_GAP)) || !is_possible
    }

    /// Whether a request that cannot go on without documents may wait: a fetch is in progress, or
    /// one may begin.
    pub(super) fn is_worth_waiting(&self, now: UnixTime, longest_wait: Duration) -> bool {
        (self.running && now < self.next) || self.is_due(now, true, longest_wait)
    }

    /// The schedule while a fetch is in progress. If its VM disappears, another one fetches after
    /// `max_fetch_duration`.
    pub(super) fn begun(self, now: UnixTime, max_fetch_duration: Duration) -> Self {
        Self { last: now, next: now.plus(max_fetch_duration), running: true, ..self }
    }

    /// The schedule after a successful fetch.
    pub(super) fn succeeded(self, now: UnixTime, interval: Duration, jitter: u8) -> Self {
        let next = now.plus(shortened(interval, jitter));
        Self { next, failures: 0, published: self.published.wrapping_add(1), running: false, ..self }
    }

    /// The schedule after a failed fetch: the waiting time doubles with each failure, up to
    /// `interval`.
    pub(super) fn failed(self, now: UnixTime, interval: Duration, jitter: u8) -> Self {
        let wait = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(self.failures.min(16))).min(interval);
        let (next, failures) = (now.plus(shortened(wait, jitter)), self.failures.saturating_add(1));
        Self { next, failures, running: false, ..self }
    }
}

/// `span` less up to a tenth, so that replicas that started together do not fetch together.
fn shortened(span: Duration, jitter: u8) -> Duration {
    let most = span.as_secs() / 10;
    span.saturating_sub(Duration::from_secs(most.saturating_mul(jitter.into()) / 255))
}

/// The shortest time between two fetches, whatever keys clients ask for.
const MIN_GAP: Duration = Duration::from_secs(10);
const FIRST_RETRY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);
    const NOW: UnixTime = UnixTime(1_000_000);

    #[test]
    fn a_schedule_is_read_as_written_and_an_invalid_one_is_the_default() {
        let schedule = Schedule { last: UnixTime(1), next: UnixTime(2), failures: 3, published: 4, running: true };
        assert_eq!(Schedule::read(&schedule.write()), schedule);
        // As an older version wrote it.
        assert_eq!(Schedule::read(b"1 2 3 4"), Schedule { running: false, ..schedule });
        for junk in [&b"-"[..], b"", b"\xff", b"a b c"] {
            assert_eq!(Schedule::read(junk), Schedule::default());
        }
        assert!(Schedule::default().is_due(NOW, false, HOUR));
    }

    #[test]
    fn an_unknown_key_is_fetched_early_but_not_too_often() {
        let schedule = Schedule::default().begun(NOW, MINUTE).succeeded(NOW, 5 * MINUTE, 0);
        assert!(!schedule.is_due(NOW.plus(MIN_GAP), false, HOUR));
        assert!(!schedule.is_due(UnixTime(NOW.0 + 9), true, HOUR));
        assert!(schedule.is_due(NOW.plus(MIN_GAP), true, HOUR));
        assert!(schedule.is_due(NOW.plus(5 * MINUTE), false, HOUR));
        assert!(schedule.is_due(UnixTime(NOW.0 - 1), false, HOUR));
    }

    #[test]
    fn a_request_waits_for_a_fetch_that_runs_or_may_begin() {
        let idle = Schedule::default();
        assert!(idle.is_worth_waiting(NOW, HOUR));
        let running = idle.begun(NOW, MINUTE);
        assert!(running.is_worth_waiting(NOW, HOUR) && running.is_worth_waiting(UnixTime(NOW.0 + 9), HOUR));
        let failed = running.failed(NOW, 5 * MINUTE, 0);
        assert!(!failed.is_worth_waiting(NOW, HOUR) && !failed.is_worth_waiting(UnixTime(NOW.0 + 4), HOUR));
        // The first retry is due, and later a request may cause one.
        assert!(failed.is_worth_waiting(UnixTime(NOW.0 + 5), HOUR));
        let failed = failed.begun(NOW, MINUTE).failed(NOW, 5 * MINUTE, 0).failed(NOW, 5 * MINUTE, 0);
        assert!(
            !failed.is_worth_waiting(UnixTime(NOW.0 + 9), HOUR) && failed.is_worth_waiting(NOW.plus(MIN_GAP), HOUR)
        );
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

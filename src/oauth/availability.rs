//! Whether a provider answers, as far as the workers of this process know: a circuit breaker. While
//! a provider is known to be away, no request waits for it.
//!
//! Scenarios: `tests/scenarios/refresh.rs`.

use std::time::Duration;

use crate::base::time::UnixTime;
use crate::env::shared::{SharedData, change, key_of};
use crate::tenant::Tenant;

/// The record of the unanswered calls to one provider, in the shared data. Tenants with the same
/// issuer and cluster have it in common.
pub(crate) struct ProviderAvailability {
    key: String,
}

/// Whether a call may be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Make the call. A request may wait for it.
    Call,
    /// Make the call to find out whether the provider answers again. No other worker does.
    Probe,
    /// Make no call: the provider is known to be away.
    Pause,
}

/// The calls that had no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outage {
    /// How many calls in a row had no answer.
    unanswered: u64,
    /// When the next call may be made, if there were [`THRESHOLD`] or more.
    pause_end: UnixTime,
}

impl ProviderAvailability {
    /// The record of the provider of `tenant`.
    pub(crate) fn new(tenant: &Tenant) -> Self {
        Self { key: format!("tenantgate/provider/{}", key_of(&[&tenant.issuer, &tenant.provider.cluster])) }
    }

    /// Whether a call may be made now that takes `longest` at most.
    pub(crate) fn permission(&self, shared: &dyn SharedData, longest: Duration, now: UnixTime) -> Permission {
        let outage = self.outage(shared);
        if outage.unanswered < THRESHOLD {
            return Permission::Call;
        }
        if outage.is_paused(now) {
            return Permission::Pause;
        }
        let claimed = change(shared, &self.key, |bytes| {
            let outage = Outage::read(bytes);
            let probing = Outage { pause_end: now.plus(longest.max(Duration::from_secs(1))), ..outage };
            (outage.unanswered >= THRESHOLD && !outage.is_paused(now)).then(|| probing.write())
        });
        if claimed.is_ok() { Permission::Probe } else { Permission::Pause }
    }

    /// Records that the provider answered a call, whatever the answer was.
    pub(crate) fn answered(&self, shared: &dyn SharedData) {
        if self.outage(shared).unanswered > 0 {
            let _ = shared.set(&self.key, &Outage::default().write(), None);
        }
    }

    /// Records that a call had no answer. Of several workers that record it at the same time, one
    /// may not be counted. Returns whether the calls to this provider pause from now on.
    pub(crate) fn unanswered(&self, shared: &dyn SharedData, now: UnixTime) -> bool {
        let unanswered = self.outage(shared).unanswered.saturating_add(1);
        let _ = shared.set(&self.key, &Outage { unanswered, pause_end: now.plus(PAUSE) }.write(), None);
        unanswered >= THRESHOLD
    }

    fn outage(&self, shared: &dyn SharedData) -> Outage {
        shared.get(&self.key).map(|(bytes, _)| Outage::read(&bytes)).unwrap_or_default()
    }
}

impl Outage {
    /// A record that is not valid counts as none.
    fn read(bytes: &[u8]) -> Self {
        let numbers = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once(' '));
        let numbers = numbers.and_then(|(first, second)| Some((first.parse().ok()?, second.parse().ok()?)));
        numbers
            .map_or_else(Self::default, |(unanswered, pause_end)| Self { unanswered, pause_end: UnixTime(pause_end) })
    }

    fn write(self) -> Vec<u8> {
        format!("{} {}", self.unanswered, self.pause_end.0).into_bytes()
    }

    /// If the clock was set back, the pause must not last until the old time is reached again.
    fn is_paused(self, now: UnixTime) -> bool {
        now < self.pause_end && self.pause_end <= now.plus(MAX_PAUSE)
    }
}

/// One lost answer says nothing about the provider.
const THRESHOLD: u64 = 2;
/// The time between two calls to a provider that does not answer.
pub(crate) const PAUSE: Duration = Duration::from_secs(30);
/// The longest value of a pause: two calls with the longest timeout, or [`PAUSE`].
const MAX_PAUSE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestSharedData, runtime, tenants};

    const LONGEST: Duration = Duration::from_secs(5);

    fn permissions<const N: usize>(
        provider: &ProviderAvailability,
        shared: &dyn SharedData,
        times: [u64; N],
    ) -> [Permission; N] {
        times.map(|now| provider.permission(shared, LONGEST, UnixTime(now)))
    }

    #[test]
    fn one_worker_probes_a_provider_that_is_away() {
        use Permission::{Call, Pause, Probe};
        let runtime = runtime(&["k"]);
        let [tenant, other] = tenants(&runtime);
        let (provider, shared) = (ProviderAvailability::new(tenant), TestSharedData::default());
        assert!(!provider.unanswered(&shared, UnixTime(100)));
        assert_eq!(permissions(&provider, &shared, [100, 101]), [Call, Call]);
        assert!(provider.unanswered(&shared, UnixTime(100)));
        assert_eq!(permissions(&provider, &shared, [100, 129]), [Pause, Pause]);
        // Both tenants have the same issuer and cluster.
        assert_eq!(permissions(&ProviderAvailability::new(other), &shared, [129]), [Pause]);
        // The probe may take five seconds. If it brings nothing, there is another one.
        assert_eq!(permissions(&provider, &shared, [130, 130, 134, 135, 135]), [Probe, Pause, Pause, Probe, Pause]);
        provider.answered(&shared);
        assert_eq!(permissions(&provider, &shared, [135, 135]), [Call, Call]);
        assert!(!provider.unanswered(&shared, UnixTime(136)));
    }

    #[test]
    fn a_clock_that_is_set_back_ends_the_pause() {
        let runtime = runtime(&["k"]);
        let [tenant, _] = tenants(&runtime);
        let (provider, shared) = (ProviderAvailability::new(tenant), TestSharedData::default());
        provider.unanswered(&shared, UnixTime(1000));
        provider.unanswered(&shared, UnixTime(1000));
        assert_eq!(permissions(&provider, &shared, [729, 730]), [Permission::Probe, Permission::Pause]);
    }

    #[test]
    fn a_record_that_is_not_valid_counts_as_none() {
        for junk in [&b"-"[..], b"", b"\xff", b"2 x", b"x 2"] {
            assert_eq!(Outage::read(junk), Outage::default());
        }
    }
}

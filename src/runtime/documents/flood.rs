//! Protects etcd from floods of unknown hosts: what is known of a host before it is looked up, and
//! how many lookups that permits.

use super::followed::{FollowedLog, KnownLog};
use super::summary::IndexSummary;
use crate::base::time::UnixTime;
use crate::http::host::Host;

/// What the summary of the index says of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// There is no summary, or what it says of the host may have changed since.
    None,
    /// It has no tenant.
    NoTenant,
    /// The index may have the host itself.
    Exact,
    /// The index does not have the host. The first entry above it that it may have is that of all
    /// hosts below this domain.
    Below(String),
}

/// The lookups of a second that found no tenant, or one by a wildcard. Whoever asks for ever new
/// hosts must not load etcd. Lookups with different hints are counted apart: hosts that seem to
/// have a tenant are found while somebody asks for those that do not.
#[derive(Debug, Default)]
pub(super) struct Flood {
    second: UnixTime,
    misses: [u32; 3],
    /// How many hosts were not looked up in this second because of the summary.
    spared: u32,
    /// Whether many hosts were looked up of which the summary, if there is one, says nothing.
    is_noticed: bool,
    /// Whether the summary has spared many lookups.
    goes_on: bool,
    /// What the index was, if a VM of this process has read it.
    summary: IndexSummary,
}

/// A hint without its domain. [`Flood::misses`] has a count for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum HintKind {
    #[default]
    None,
    Exact,
    Below,
}

impl Hint {
    pub(super) fn kind(&self) -> HintKind {
        match self {
            // A host without a tenant is not looked up.
            Self::None | Self::NoTenant => HintKind::None,
            Self::Exact => HintKind::Exact,
            Self::Below(_) => HintKind::Below,
        }
    }
}

impl Flood {
    /// Counts a lookup that had this hint.
    pub(super) fn count(&mut self, kind: HintKind, now: UnixTime) {
        self.begin_second(now);
        let count = self.misses_of(kind);
        *count = count.saturating_add(1);
        let is_many = *count >= MANY;
        self.is_noticed |= is_many && kind == HintKind::None;
    }

    /// Counts a host that is not looked up because of the summary.
    pub(super) fn count_known(&mut self, now: UnixTime) {
        self.begin_second(now);
        self.spared = self.spared.saturating_add(1);
        self.goes_on |= self.spared >= MANY;
    }

    fn begin_second(&mut self, now: UnixTime) {
        if self.second != now {
            (self.second, self.misses, self.spared) = (now, [0; 3], 0);
        }
    }

    /// Whether a host with this hint may be looked up.
    pub(super) fn permits(&mut self, kind: HintKind, now: UnixTime) -> bool {
        self.second != now || *self.misses_of(kind) < MOST_MISSES
    }

    fn misses_of(&mut self, kind: HintKind) -> &mut u32 {
        let [none, exact, below] = &mut self.misses;
        match kind {
            HintKind::None => none,
            HintKind::Exact => exact,
            HintKind::Below => below,
        }
    }

    /// The summary of the index, if what it says of this host is up to date.
    pub(super) fn summary_for(&self, host: &Host, known: &KnownLog, now: UnixTime) -> Option<IndexSummary> {
        let summary = Some(self.summary).filter(|summary| summary.is_current(known.log(), now))?;
        (!known.has_changed(summary.number(), None, host)).then_some(summary)
    }

    /// Takes over a summary. Returns the log from which another one can begin if it is needed: if
    /// many hosts were looked up since the last tick of which this one says nothing, or if the
    /// flood goes on and it is old.
    pub(super) fn take_summary<'a>(
        &mut self,
        summary: IndexSummary,
        known: &'a KnownLog,
        now: UnixTime,
    ) -> Option<&'a FollowedLog> {
        let log = known.log();
        let is_other = summary != self.summary;
        self.summary = summary;
        let (is_noticed, goes_on) = (std::mem::take(&mut self.is_noticed), std::mem::take(&mut self.goes_on));
        let would_say_more = !summary.is_current(log, now) || log.number > summary.number();
        let is_needed = !is_other && ((is_noticed && would_say_more) || (goes_on && summary.is_old(now)));
        Some(log).filter(|log| is_needed && log.cluster != 0 && !log.is_away)
    }
}

/// The most hosts with the same hint that are found in one second without a tenant, or below a
/// wildcard.
const MOST_MISSES: u32 = 100;
/// So many of them in one second are no accident.
const MANY: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn log() -> FollowedLog {
        FollowedLog { cluster: 1, number: 7, from: 7, ..FollowedLog::default() }
    }

    fn noticed() -> Flood {
        let mut flood = Flood::default();
        (0..MANY).for_each(|_| flood.count(HintKind::None, NOW));
        flood
    }

    #[test]
    fn hosts_with_different_hints_are_counted_apart() {
        let mut flood = Flood::default();
        for kind in [HintKind::None, HintKind::Below, HintKind::Exact] {
            assert!(flood.permits(kind, NOW), "{kind:?}");
            (0..MOST_MISSES).for_each(|_| flood.count(kind, NOW));
            assert!(!flood.permits(kind, NOW) && flood.permits(kind, UnixTime(NOW.0 + 1)), "{kind:?}");
        }
        flood.count(HintKind::Exact, UnixTime(NOW.0 + 1));
        assert!(flood.permits(HintKind::None, UnixTime(NOW.0 + 1)));
    }

    /// A few unknown hosts in each second are no flood, nor are hosts that a summary says are below
    /// a wildcard.
    #[test]
    fn what_is_a_flood() {
        let known = KnownLog::from(log());
        let mut flood = Flood::default();
        for second in 0..10 {
            (0..MANY - 1).for_each(|_| flood.count(HintKind::None, UnixTime(NOW.0 + second)));
            (0..MOST_MISSES).for_each(|_| flood.count(HintKind::Below, UnixTime(NOW.0 + second)));
        }
        assert!(flood.take_summary(IndexSummary::default(), &known, NOW).is_none());
        assert_eq!(noticed().take_summary(IndexSummary::default(), &known, NOW), Some(&log()));
    }

    fn summary(log: &FollowedLog, at: UnixTime) -> IndexSummary {
        IndexSummary::new([1; 8], log, at)
    }

    /// If many hosts are looked up, there has to be more to know, and etcd to answer.
    #[test]
    fn when_a_summary_is_needed() {
        let earlier = FollowedLog { number: 6, from: 6, ..log() };
        let longer = FollowedLog { number: 8, ..log() };
        for (log, summary, is_needed) in [
            (log(), summary(&earlier, NOW), true),
            (longer.clone(), summary(&log(), NOW), true),
            (log(), summary(&log(), NOW), false),
            (FollowedLog { is_away: true, ..longer }, summary(&log(), NOW), false),
            (FollowedLog::default(), summary(&log(), NOW), false),
        ] {
            let mut flood = Flood { summary, ..noticed() };
            let known = KnownLog::from(log);
            assert_eq!(flood.take_summary(summary, &known, NOW).is_some(), is_needed, "{known:?}");
        }
        // One that another VM has made since is tried first.
        assert!(
            noticed()
                .take_summary(summary(&log(), NOW), &KnownLog::from(FollowedLog { number: 8, ..log() }), NOW)
                .is_none()
        );
    }

    #[test]
    fn a_summary_is_replaced_while_the_flood_goes_on() {
        let known = KnownLog::from(log());
        for (spared, age, is_needed) in [(MANY, 200, true), (MANY, 100, false), (MANY - 1, 200, false)] {
            let summary = summary(&log(), UnixTime(NOW.0 - age));
            let mut flood = Flood { summary, ..Flood::default() };
            (0..spared).for_each(|_| flood.count_known(NOW));
            assert_eq!(flood.take_summary(summary, &known, NOW).is_some(), is_needed, "{spared} {age}");
            assert!(flood.take_summary(summary, &known, NOW).is_none(), "it has ended");
        }
    }
}

//! Protects etcd from floods of unknown hosts: what is known of a host before it is looked up, and
//! how many lookups that permits.

use super::followed::{FollowedLog, KnownLog};
use super::summary::IndexSummary;
use crate::base::time::UnixTime;
use crate::http::host::Host;

/// What the summary of the index says of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// There is no summary, or the hosts of a tenant have changed since.
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
    /// Whether there were many unknown hosts, and no summary.
    is_noticed: bool,
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
            Self::None | Self::NoTenant => HintKind::None,
            Self::Exact => HintKind::Exact,
            Self::Below(_) => HintKind::Below,
        }
    }
}

impl Flood {
    /// Counts a lookup that had this hint.
    pub(super) fn count(&mut self, kind: HintKind, now: UnixTime) {
        if self.second != now {
            (self.second, self.misses) = (now, [0; 3]);
        }
        let count = self.misses_of(kind);
        *count = count.saturating_add(1);
        let is_many = *count >= MANY;
        self.is_noticed |= is_many && kind == HintKind::None;
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
    pub(super) fn summary_for(&self, host: &Host, known: &KnownLog) -> Option<IndexSummary> {
        let summary = Some(self.summary).filter(|summary| summary.is_current(known.log()))?;
        (!known.has_changed(summary.number(), None, host)).then_some(summary)
    }

    /// Takes over a summary. Returns the log from which another one can begin if it is needed.
    pub(super) fn take_summary<'a>(&mut self, summary: IndexSummary, known: &'a KnownLog) -> Option<&'a FollowedLog> {
        self.summary = summary;
        self.is_noticed = self.is_noticed && !summary.is_current(known.log());
        Some(known.log()).filter(|log| self.is_noticed && log.cluster != 0 && !log.is_away)
    }
}

/// The most hosts without a tenant, or below a wildcard, that are found in one second.
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

    /// Hosts below a wildcard, and a few unknown hosts in each second, are no flood.
    #[test]
    fn what_is_a_flood() {
        let known = KnownLog::from(log());
        let mut flood = Flood::default();
        for second in 0..10 {
            (0..MANY - 1).for_each(|_| flood.count(HintKind::None, UnixTime(NOW.0 + second)));
            (0..MOST_MISSES).for_each(|_| flood.count(HintKind::Below, UnixTime(NOW.0 + second)));
        }
        assert!(flood.take_summary(IndexSummary::default(), &known).is_none());
        assert_eq!(noticed().take_summary(IndexSummary::default(), &known), Some(&log()));
    }

    /// It is read once, where etcd answers.
    #[test]
    fn when_a_summary_is_needed() {
        let (old, current) =
            (IndexSummary::new([1; 8], &FollowedLog { number: 6, ..log() }), IndexSummary::new([1; 8], &log()));
        for (log, summary, is_needed) in [
            (log(), IndexSummary::default(), true),
            (log(), old, true),
            (log(), current, false),
            (FollowedLog { is_away: true, ..log() }, old, false),
            (FollowedLog::default(), old, false),
        ] {
            let known = KnownLog::from(log);
            assert_eq!(noticed().take_summary(summary, &known).is_some(), is_needed, "{known:?}");
        }
        let mut flood = noticed();
        flood.take_summary(current, &KnownLog::from(log()));
        assert!(flood.take_summary(old, &KnownLog::from(log())).is_none(), "noticed once");
    }
}

//! What the VMs of a process know of the log of changes: a sealed value in the shared data.

use serde::{Deserialize, Serialize};

use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::{Version, is_due, key_of};
use crate::etcd::Pair;
use crate::http::host::Host;
use crate::seal::{KeyRing, Purpose};
use crate::tenant_documents::Change;

/// The log as it is known. Times are in seconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FollowedLog {
    /// When the next look is due.
    pub(super) next: u64,
    /// The id of the etcd cluster that answered last. 0 before the first answer.
    pub(super) cluster: u64,
    /// The number of the last change. 0 if there was none.
    pub(super) number: u64,
    /// The revision at which it was written, and what stands for its value; 0 if that was not read.
    /// An etcd that was set up anew may have another change with the same number.
    pub(super) revision: u64,
    pub(super) value: u64,
    /// Grows with each gap, after which everything is looked up again.
    pub(super) gaps: u64,
    /// What is older than this change is not known here.
    pub(super) from: u64,
    /// The numbers and values of the changes since.
    pub(super) changes: Vec<(u64, String)>,
    /// Whether the last look had no answer.
    pub(super) is_away: bool,
}

impl FollowedLog {
    /// The log under this key. A value that does not open counts as none.
    pub(super) fn read(key: &str, ring: &KeyRing, env: &Env<'_>) -> Option<(Self, Version)> {
        ring.read_shared(Purpose::TenantLog, key, env)
    }

    /// Writes the log if no other VM has written since. Returns whether it is written.
    pub(super) fn write(&self, key: &str, ring: &KeyRing, version: Option<Version>, env: &mut Env<'_>) -> bool {
        ring.write_shared(Purpose::TenantLog, key, self, version, env)
    }

    /// Whether a look is due.
    pub(super) fn is_due(&self, now: UnixTime) -> bool {
        is_due(UnixTime(self.next), now)
    }

    /// Reads on: `entries` are the last known change, and all that follow in an answer of this etcd
    /// cluster. The last known one proves that there is no gap.
    pub(super) fn read_on(&mut self, cluster: u64, entries: &[(u64, &Pair)], now: UnixTime) {
        let is_last = |&(number, pair): &(u64, &Pair)| {
            let is_same_value = self.value == 0 || hash_of(pair) == self.value;
            (number, pair.modified) == (self.number, self.revision) && is_same_value
        };
        let later = || entries.iter().filter(|(number, _)| *number > self.number);
        let is_consecutive = || later().zip(self.number.saturating_add(1)..).all(|((number, _), next)| *number == next);
        let goes_on = self.number == 0 || (entries.first().is_some_and(is_last) && is_consecutive());
        let is_same = cluster == self.cluster && goes_on;
        let new: Vec<_> = if is_same { later().copied().collect() } else { Vec::new() };
        self.cluster = cluster;
        if !is_same {
            self.begin_at(entries.last().map_or(0, |(number, _)| *number), now);
        }
        for (number, pair) in new {
            self.add(number, String::from_utf8_lossy(&pair.value).into_owned());
        }
        if let Some((_, pair)) = entries.last() {
            (self.revision, self.value) = (pair.modified, hash_of(pair));
        }
    }

    /// Adds a change. The oldest go if there are too many.
    pub(super) fn add(&mut self, number: u64, value: String) {
        self.number = number;
        self.changes.push((number, value));
        let size = |changes: &[(u64, String)]| changes.iter().map(|(_, value)| value.len()).sum::<usize>();
        while self.changes.len() > MOST_CHANGES || size(&self.changes) > MOST_BYTES {
            let (oldest, _) = self.changes.remove(0);
            self.from = oldest;
        }
    }

    /// The same log after a gap: nothing is known before this change.
    pub(super) fn begin_at(&mut self, number: u64, now: UnixTime) {
        (self.number, self.from, self.gaps) = (number, number, now.0.max(self.gaps.saturating_add(1)));
        self.changes.clear();
    }
}

/// Stands for the value of an entry of the log. 0 if it was not read.
fn hash_of(Pair { value, .. }: &Pair) -> u64 {
    let hash = (!value.is_empty()).then(|| key_of(&[&String::from_utf8_lossy(value)]));
    hash.and_then(|hash| hash.as_bytes().first_chunk().copied()).map_or(0, u64::from_be_bytes)
}

/// The log as a VM has taken it over, with its changes read.
#[derive(Debug, Default)]
pub(super) struct KnownLog {
    log: FollowedLog,
    /// The numbers of the changes, and the changes. An entry that is none may be about anything.
    changes: Vec<(u64, Option<Change>)>,
}

impl From<FollowedLog> for KnownLog {
    fn from(log: FollowedLog) -> Self {
        let read = |(number, value): &(u64, String)| (*number, Change::read(value.as_bytes()));
        Self { changes: log.changes.iter().map(read).collect(), log }
    }
}

impl KnownLog {
    /// The log itself.
    pub(super) fn log(&self) -> &FollowedLog {
        &self.log
    }

    /// Whether what was read when the log ended with `since` may have changed for this tenant or
    /// host: another tenant than before may belong to the host, or another document to the tenant.
    pub(super) fn has_changed(&self, since: u64, tenant: Option<&str>, host: &Host) -> bool {
        let concerns = |change: &Option<Change>| change.as_ref().is_none_or(|change| change.concerns(tenant, host));
        since < self.log.from || self.changes.iter().any(|(number, change)| *number > since && concerns(change))
    }
}

/// The most changes that are handed on, and their most bytes. A sealed value has at most 20 KiB.
const MOST_CHANGES: usize = 128;
const MOST_BYTES: usize = 12 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn change(tenant: &str) -> String {
        Change { id: String::new(), tenant: tenant.to_owned(), hosts: Vec::new() }.write()
    }

    fn pair(id: &str, modified: u64) -> Pair {
        let value = Change { id: id.to_owned(), tenant: "acme".to_owned(), hosts: Vec::new() }.write();
        Pair { key: String::new(), value: value.into_bytes(), modified }
    }

    /// The last known change has the same number, revision and id, and none is missing after it.
    #[test]
    fn what_is_a_gap() {
        let (last, next) = (pair("a", 70), pair("b", 71));
        let mut first = FollowedLog::default();
        first.read_on(1, &[(7, &last)], UnixTime(100));
        assert_eq!((first.number, first.revision, first.from, first.gaps), (7, 70, 7, 100));
        for (cluster, entries, has_gap) in [
            (1, vec![(7, last.clone())], false),
            (1, vec![(7, last.clone()), (8, next.clone())], false),
            (1, vec![(7, last.clone()), (9, next.clone())], true),
            (1, vec![(8, next.clone())], true),
            (1, vec![], true),
            (2, vec![(7, last.clone())], true),
            // etcd was emptied, and tenants were written again.
            (1, vec![(7, pair("", 70))], true),
            (1, vec![(7, pair("a", 71))], true),
            (1, vec![(7, pair("c", 70))], true),
        ] {
            let mut log = first.clone();
            let entries: Vec<(u64, &Pair)> = entries.iter().map(|(number, pair)| (*number, pair)).collect();
            log.read_on(cluster, &entries, UnixTime(100));
            assert_eq!(log.gaps, if has_gap { 101 } else { 100 }, "{cluster} {entries:?}");
            let expected = entries.last().map_or((0, 70), |(number, pair)| (*number, pair.modified));
            assert_eq!((log.number, log.revision), expected);
            assert_eq!(log.changes.len(), if has_gap { 0 } else { entries.len() - 1 });
        }
    }

    /// The first read has no value. The next one brings it.
    #[test]
    fn a_value_counts_when_it_was_read() {
        let (key, last, other) = (Pair { value: Vec::new(), ..pair("a", 70) }, pair("a", 70), pair("c", 70));
        let mut log = FollowedLog::default();
        let gaps = [&key, &last, &last, &other].map(|pair| {
            log.read_on(1, &[(7, pair)], UnixTime(100));
            log.gaps
        });
        assert_eq!(gaps, [100, 100, 100, 101]);
    }

    #[test]
    fn what_the_log_does_not_have_may_have_changed() {
        let host = Host::from_name("acme.example").unwrap();
        let mut log = FollowedLog::default();
        let has_changed =
            |log: &FollowedLog, since, tenant| KnownLog::from(log.clone()).has_changed(since, tenant, &host);
        log.begin_at(7, UnixTime(1));
        assert!(has_changed(&log, 6, None) && !has_changed(&log, 7, Some("acme")));
        log.add(8, change("acme"));
        log.add(9, change("globex"));
        assert!(has_changed(&log, 7, Some("acme")) && !has_changed(&log, 8, Some("acme")));
        log.add(10, "junk".to_owned());
        assert!(has_changed(&log, 9, Some("acme")));
        (11..=11 + 128).for_each(|number| log.add(number, change("globex")));
        assert!(has_changed(&log, 10, Some("acme")) && !has_changed(&log, 11, Some("acme")));
        log.add(100, "x".repeat(13_000));
        assert_eq!((log.from, log.changes.len()), (100, 0));
    }
}

//! Which keys the index of hosts had at one moment: a Bloom filter in the shared data.
//!
//! While somebody asks for ever new hosts, it tells the hosts without a tenant from those with one
//! that a VM has not met, without a call to etcd. It is never changed: what the log has had since
//! is looked up. It counts for a few minutes only, because an operator may repair the index by hand
//! and without the log. Its pages are not sealed, so each has the random number of the summary. A
//! page that another summary has replaced, or that is lost, excludes nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::followed::FollowedLog;
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::{SharedData, Version, is_due};
use crate::seal::{KeyRing, Purpose};

/// The summary that the VMs of a process have: a sealed value in the shared data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SharedSummary {
    /// When a VM may read the index, in seconds since the Unix epoch.
    pub(super) next: u64,
    /// What was read.
    pub(super) summary: IndexSummary,
}

/// What the index was at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IndexSummary {
    /// A random number, which clients cannot know: they cannot choose hosts for which the filter
    /// errs.
    id: [u8; 8],
    /// When the read began, in seconds since the Unix epoch.
    at: u64,
    /// The log at that moment: the etcd cluster, its gaps, and its last number.
    cluster: u64,
    gaps: u64,
    number: u64,
}

impl SharedSummary {
    /// The summary for the documents with this key. A value that does not open counts as none.
    pub(super) fn read(key: &str, ring: &KeyRing, env: &Env<'_>) -> Option<(Self, Version)> {
        ring.read_shared(Purpose::TenantIndex, &shared_key(key, "index"), env)
    }

    /// Writes it if no other VM has written since. Returns whether it is written.
    pub(super) fn write(&self, key: &str, ring: &KeyRing, version: Option<Version>, env: &mut Env<'_>) -> bool {
        ring.write_shared(Purpose::TenantIndex, &shared_key(key, "index"), self, version, env)
    }

    /// Whether a VM may read the index.
    pub(super) fn is_due(&self, now: UnixTime) -> bool {
        is_due(UnixTime(self.next), now)
    }
}

impl IndexSummary {
    /// A new one with this number, of what the index has from now on after the changes in `log`.
    pub(super) fn new(id: [u8; 8], log: &FollowedLog, now: UnixTime) -> Self {
        Self { id, at: now.0, cluster: log.cluster, gaps: log.gaps, number: log.number }
    }

    /// The etcd cluster.
    pub(super) fn cluster(&self) -> u64 {
        self.cluster
    }

    /// The last change that it is known to have.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Whether it counts: `log` has all changes since, and it is not too old.
    pub(super) fn is_current(&self, log: &FollowedLog, now: UnixTime) -> bool {
        let is_same = self.cluster != 0 && (self.cluster, self.gaps) == (log.cluster, log.gaps);
        let has_all = is_same && (log.from..=log.number).contains(&self.number) && !log.is_away;
        has_all && self.is_younger_than(LONGEST_USE, now)
    }

    /// Whether it is to be replaced while it still counts.
    pub(super) fn is_old(&self, now: UnixTime) -> bool {
        !self.is_younger_than(OLD, now)
    }

    /// Also not if the clock was set back.
    fn is_younger_than(&self, age: Duration, now: UnixTime) -> bool {
        let at = UnixTime(self.at);
        (at..=at.plus(age)).contains(&now)
    }

    /// Whether the index may have this key.
    pub(super) fn may_have(&self, index_key: &str, key: &str, shared: &dyn SharedData) -> bool {
        let Place { page, bits } = self.place(index_key);
        let value = shared.get(&shared_key(key, &page.to_string())).map(|(value, _)| value).unwrap_or_default();
        let page = value.strip_prefix(&self.id).filter(|page| page.len() == PAGE);
        page.is_none_or(|page| bits.iter().all(|bit| page.get(bit / 8).is_none_or(|byte| byte & mask(*bit) != 0)))
    }

    fn place(&self, index_key: &str) -> Place {
        let hash = Sha256::new().chain_update(self.id).chain_update(index_key).finalize();
        let [page, rest @ ..]: [u8; 9] = hash.first_chunk().copied().unwrap_or_default();
        // There are usually few wildcards, so a host is rarely mistaken for one below a wildcard.
        let page = u16::from(page).saturating_add(if index_key.ends_with(".*") { PAGES } else { 0 });
        let [a, b, c, d, e, f, g, h] = rest;
        let bits = [[a, b], [c, d], [e, f], [g, h]].map(|bit| usize::from(u16::from_be_bytes(bit)) % (8 * PAGE));
        Place { page, bits }
    }
}

/// Where a key is in the filter.
struct Place {
    page: u16,
    bits: [usize; 4],
}

/// A filter that is being filled.
pub(super) struct IndexFilter {
    summary: IndexSummary,
    pages: Vec<Vec<u8>>,
}

impl IndexFilter {
    /// An empty one.
    pub(super) fn new(summary: IndexSummary) -> Self {
        Self { summary, pages: vec![vec![0; PAGE]; 2 * usize::from(PAGES)] }
    }

    /// Adds a key of the index.
    pub(super) fn add(&mut self, index_key: &str) {
        let Place { page, bits } = self.summary.place(index_key);
        for bit in bits {
            let byte = self.pages.get_mut(usize::from(page)).and_then(|page| page.get_mut(bit / 8));
            if let Some(byte) = byte {
                *byte |= mask(bit);
            }
        }
    }

    /// Hands the pages on, and then their summary. Another one may begin at `next`.
    pub(super) fn share(self, next: UnixTime, key: &str, ring: &KeyRing, env: &mut Env<'_>) -> IndexSummary {
        for (number, page) in self.pages.iter().enumerate() {
            let value = [&self.summary.id, page.as_slice()].concat();
            // A page that is not written excludes nothing.
            let _ = env.shared().set(&shared_key(key, &number.to_string()), &value, None);
        }
        SharedSummary { next: next.0, summary: self.summary }.write(key, ring, None, env);
        self.summary
    }
}

fn mask(bit: usize) -> u8 {
    1 << (bit % 8)
}

fn shared_key(key: &str, part: &str) -> String {
    [key, "/", part].concat()
}

/// The bytes of a page, and the pages of hosts and of wildcards: one for each value of the first
/// byte of a hash. With 100,000 hosts in the index one of 1,000 others is mistaken for one of them,
/// with 500,000 one of seven. The same holds for wildcards, and for each label of a host.
const PAGE: usize = 1024;
const PAGES: u16 = 256;
/// The longest time that a summary counts, and the age from which on another one is made if the
/// flood goes on.
const LONGEST_USE: Duration = Duration::from_secs(300);
const OLD: Duration = Duration::from_secs(150);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestHost, TestSharedData};

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn log() -> FollowedLog {
        FollowedLog { cluster: 1, number: 7, from: 5, gaps: 3, ..FollowedLog::default() }
    }

    fn key(number: u32) -> String {
        format!("/t/hosts/example.h{number}")
    }

    #[test]
    fn it_has_what_was_added_and_little_else() {
        let (mut host, shared) = (TestHost::default(), TestSharedData::default());
        let env = &mut host.env_with(&shared);
        let summary = IndexSummary::new([1; 8], &log(), NOW);
        let mut filter = IndexFilter::new(summary);
        (0..1000).for_each(|number| filter.add(&key(number)));
        filter.share(NOW, "k", &KeyRing::new(Vec::new()), env);
        let has = |summary: IndexSummary, number| summary.may_have(&key(number), "k", &shared);
        assert!((0..1000).all(|number| has(summary, number)));
        assert!((1000..11_000).filter(|number| has(summary, *number)).count() < 5);
        // Wildcards have pages of their own.
        let mut filter = IndexFilter::new(summary);
        (0..100_000).for_each(|number| filter.add(&key(number)));
        filter.add("/t/hosts/example.wide.*");
        filter.share(NOW, "k", &KeyRing::new(Vec::new()), env);
        let has_wildcard = |name: &str| summary.may_have(&format!("/t/hosts/{name}.*"), "k", &shared);
        assert!(has_wildcard("example.wide"));
        assert!((0..10_000).all(|number| !has_wildcard(&format!("example.w{number}"))));
        assert!((100_000..110_000).filter(|number| has(summary, *number)).count() < 30);
        // Pages of another summary, or none.
        assert!((1000..1100).all(|number| has(IndexSummary::new([2; 8], &log(), NOW), number)));
        assert!(summary.may_have(&key(1000), "other", &shared));
    }

    #[test]
    fn it_is_current_while_the_log_has_what_came_after_it() {
        let summary = IndexSummary::new([1; 8], &log(), NOW);
        for (log, is_current) in [
            (log(), true),
            (FollowedLog { number: 9, ..log() }, true),
            (FollowedLog { from: 7, ..log() }, true),
            (FollowedLog { from: 8, number: 9, ..log() }, false),
            (FollowedLog { number: 6, ..log() }, false),
            (FollowedLog { gaps: 4, ..log() }, false),
            (FollowedLog { cluster: 2, ..log() }, false),
            (FollowedLog { is_away: true, ..log() }, false),
        ] {
            assert_eq!(summary.is_current(&log, NOW), is_current, "{log:?}");
        }
        for (age, is_current, is_old) in
            [(0, true, false), (150, true, false), (151, true, true), (300, true, true), (301, false, true)]
        {
            let now = NOW.plus(Duration::from_secs(age));
            assert_eq!((summary.is_current(&log(), now), summary.is_old(now)), (is_current, is_old), "{age}");
        }
        assert!(!summary.is_current(&log(), UnixTime(NOW.0 - 1)), "the clock was set back");
        assert!(!IndexSummary::default().is_current(&FollowedLog::default(), NOW));
    }
}

//! Which keys the index of hosts had at one moment: a Bloom filter in the shared data.
//!
//! While somebody asks for ever new hosts, it tells the hosts without a tenant from those with one
//! that a VM has not met, without a call to etcd. It is never changed: what the log has had since
//! is looked up. Its pages are not sealed, so each has the random number of the summary. A page
//! that another summary has replaced, or that is lost, excludes nothing.

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
    /// A new one with this number, of what the index has after the changes in `log`.
    pub(super) fn new(id: [u8; 8], log: &FollowedLog) -> Self {
        Self { id, cluster: log.cluster, gaps: log.gaps, number: log.number }
    }

    /// The etcd cluster.
    pub(super) fn cluster(&self) -> u64 {
        self.cluster
    }

    /// The last change that it is known to have.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Whether `log` has all changes since.
    pub(super) fn is_current(&self, log: &FollowedLog) -> bool {
        let is_same = self.cluster != 0 && (self.cluster, self.gaps) == (log.cluster, log.gaps);
        is_same && (log.from..=log.number).contains(&self.number) && !log.is_away
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
        let [a, b, c, d, e, f, g, h] = rest;
        let bits = [[a, b], [c, d], [e, f], [g, h]].map(|bit| usize::from(u16::from_be_bytes(bit)) % (8 * PAGE));
        Place { page, bits }
    }
}

/// Where a key is in the filter.
struct Place {
    page: u8,
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
        Self { summary, pages: vec![vec![0; PAGE]; PAGES] }
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

    /// Hands the pages on, and then their summary.
    pub(super) fn share(self, key: &str, ring: &KeyRing, env: &mut Env<'_>) -> IndexSummary {
        for (number, page) in self.pages.iter().enumerate() {
            let value = [&self.summary.id, page.as_slice()].concat();
            // A page that is not written excludes nothing.
            let _ = env.shared().set(&shared_key(key, &number.to_string()), &value, None);
        }
        SharedSummary { next: 0, summary: self.summary }.write(key, ring, None, env);
        self.summary
    }
}

fn mask(bit: usize) -> u8 {
    1 << (bit % 8)
}

fn shared_key(key: &str, part: &str) -> String {
    [key, "/", part].concat()
}

/// The bytes of a page, and the pages: one for each value of the first byte of a hash. With 100,000
/// keys one of 1,000 hosts without a tenant looks like one that has one, with 500,000 one of seven.
const PAGE: usize = 1024;
const PAGES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestHost, TestSharedData};

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
        let summary = IndexSummary::new([1; 8], &log());
        let mut filter = IndexFilter::new(summary);
        (0..1000).for_each(|number| filter.add(&key(number)));
        filter.share("k", &KeyRing::new(Vec::new()), env);
        let has = |summary: IndexSummary, number| summary.may_have(&key(number), "k", env.shared());
        assert!((0..1000).all(|number| has(summary, number)));
        assert!((1000..11_000).filter(|number| has(summary, *number)).count() < 5);
        // Pages of another summary, or none.
        assert!((1000..1100).all(|number| has(IndexSummary::new([2; 8], &log()), number)));
        assert!(summary.may_have(&key(1000), "other", env.shared()));
    }

    #[test]
    fn it_is_current_while_the_log_has_what_came_after_it() {
        let summary = IndexSummary::new([1; 8], &log());
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
            assert_eq!(summary.is_current(&log), is_current, "{log:?}");
        }
        assert!(!IndexSummary::default().is_current(&FollowedLog::default()));
    }
}

//! Positions in a list, by the host patterns of its entries.

use serde::{Deserialize, Serialize};

use super::host::{Host, HostPattern};
use super::host_index::HostIndex;

/// Positions in a list, by host pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostTable {
    exact: HostIndex,
    /// The hosts are the domains of the wildcards, without `*.`.
    wildcard: HostIndex,
}

impl HostTable {
    /// Adds a pattern. If it is there already, its first position stays.
    pub(crate) fn add(&mut self, pattern: &HostPattern, position: usize) {
        let (table, host) = match pattern {
            HostPattern::Exact(host) => (&mut self.exact, host),
            HostPattern::Below(host) => (&mut self.wildcard, host),
        };
        table.add(host, position);
    }

    /// The position for `host`: that of the exact host, else that of the longest wildcard.
    pub(crate) fn select(&self, host: &Host) -> Option<usize> {
        let by_wildcard = || host.parents().find_map(|parent| self.wildcard.get(parent));
        self.exact.get(host.as_str()).or_else(by_wildcard)
    }
}

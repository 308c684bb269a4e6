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

    /// A pattern of which a host is within `domain`: the first one by its letters.
    pub(crate) fn within(&self, domain: &Host) -> Option<String> {
        let domain = domain.as_str();
        if let Some(host) = self.exact.least(&|host| is_within(host, domain)) {
            return Some(host.to_owned());
        }
        let below = self.wildcard.least(&|below| is_within(below, domain) || is_within(domain, below))?;
        Some(["*.", below].concat())
    }

    /// The position for `host`: that of the exact host, else that of the longest wildcard.
    pub(crate) fn select(&self, host: &Host) -> Option<usize> {
        let by_wildcard = || host.parents().find_map(|parent| self.wildcard.get(parent));
        self.exact.get(host.as_str()).or_else(by_wildcard)
    }
}

/// As [`Host::is_within`], for canonical names.
fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_reaches_into_a_domain_is_found() {
        let host = |name: &str| Host::from_name(name).unwrap();
        for (patterns, domain, found) in [
            (&["a.example"][..], "a.example", Some("a.example")),
            (&["b.a.example"], "a.example", Some("b.a.example")),
            (&["ba.example", "example", "a.example.org"], "a.example", None),
            (&["*.a.example"], "a.example", Some("*.a.example")),
            (&["*.a.example"], "b.a.example", Some("*.a.example")),
            (&["*.b.a.example"], "a.example", Some("*.b.a.example")),
            (&["*.ba.example", "*.c.example"], "a.example", None),
            (&["c.a.example", "b.a.example", "*.a.example"], "a.example", Some("b.a.example")),
            (&["*.c.a.example", "*.b.a.example"], "a.example", Some("*.b.a.example")),
        ] {
            let mut table = HostTable::default();
            for (position, pattern) in patterns.iter().enumerate() {
                table.add(&HostPattern::parse(pattern).unwrap(), position);
            }
            assert_eq!(table.within(&host(domain)).as_deref(), found, "{patterns:?} {domain}");
        }
        for (name, domain) in [("a.example", "a.example"), ("b.a.example", "a.example"), ("ba.example", "a.example")] {
            assert_eq!(is_within(name, domain), host(name).is_within(&host(domain)), "{name}");
        }
    }
}

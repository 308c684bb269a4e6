//! The keys of documents, of the index and of the log.

use crate::http::host::{Host, HostPattern};
use crate::tenant::TenantName;

/// The keys in etcd below one prefix. The index has the labels of each host from the last to the
/// first, so that all hosts below a domain stand together: `example.acme` for `acme.example`,
/// `example.acme.*` for `*.acme.example`.
#[derive(Clone, Copy, Debug)]
pub struct DocumentKeys<'a> {
    prefix: &'a str,
}

impl<'a> DocumentKeys<'a> {
    /// The keys below this prefix, which ends with a slash.
    pub fn new(prefix: &'a str) -> Self {
        Self { prefix }
    }

    /// The key of the document of this tenant. Two names that differ in case only have the same.
    pub fn document(&self, tenant: &TenantName) -> String {
        self.document_of(tenant.as_str())
    }

    /// The same for a name that was not parsed.
    pub fn document_of(&self, name: &str) -> String {
        [&self.documents(), name.to_ascii_lowercase().as_str()].concat()
    }

    /// What the keys of all documents begin with.
    pub fn documents(&self) -> String {
        [self.prefix, "tenants/"].concat()
    }

    /// The key of the index entry of these hosts. Its value is the name of the tenant.
    pub fn host(&self, hosts: &HostPattern) -> String {
        match hosts {
            HostPattern::Exact(host) => [&self.hosts(), reversed(host.as_str()).as_str()].concat(),
            HostPattern::Below(domain) => [&self.hosts(), reversed(domain.as_str()).as_str(), ".*"].concat(),
        }
    }

    /// What the keys of the whole index begin with.
    pub fn hosts(&self) -> String {
        [self.prefix, "hosts/"].concat()
    }

    /// What the keys of all hosts below this domain begin with, that of `*.domain` among them.
    pub fn hosts_below(&self, domain: &Host) -> String {
        [&self.hosts(), reversed(domain.as_str()).as_str(), "."].concat()
    }

    /// The keys of the index entries that can be that of `host`: its own, and those of the
    /// wildcards above it with their domains, the longest first. Empty for a host with more than
    /// [`MAX_LABELS`](Self::MAX_LABELS) labels.
    pub fn candidates(&self, host: &Host) -> Vec<(String, Option<String>)> {
        if host.as_str().split('.').count() > Self::MAX_LABELS {
            return Vec::new();
        }
        let key = |name: &str, end: &str| [&self.hosts(), reversed(name).as_str(), end].concat();
        let above = host.parents().map(|domain| (key(domain, ".*"), Some(domain.to_owned())));
        std::iter::once((key(host.as_str(), ""), None)).chain(above).collect()
    }

    /// The key of the entry of the log with this number. The keys sort by number.
    pub fn change(&self, number: u64) -> String {
        format!("{}{number:020}", self.changes())
    }

    /// What the keys of the log begin with.
    pub fn changes(&self) -> String {
        [self.prefix, "changes/"].concat()
    }

    /// The number of the entry of the log with this key.
    pub fn number(&self, change: &str) -> Option<u64> {
        let digits = change.strip_prefix(&self.changes())?;
        let is_number = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| is_number)
    }

    /// The most labels of a host that has a document. Each label of a host costs etcd one look.
    pub const MAX_LABELS: usize = 16;
}

/// The name with its labels from the last to the first.
fn reversed(name: &str) -> String {
    let labels: Vec<&str> = name.rsplit('.').collect();
    labels.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: DocumentKeys<'static> = DocumentKeys { prefix: "/t/" };

    fn host(name: &str) -> Host {
        Host::from_name(name).unwrap()
    }

    #[test]
    fn the_candidates_of_a_host_are_the_patterns_that_match_it() {
        let found = KEYS.candidates(&host("a.b.acme.example"));
        let keys = ["example.acme.b.a", "example.acme.b.*", "example.acme.*", "example.*"];
        let domains = [None, Some("b.acme.example"), Some("acme.example"), Some("example")];
        let expected = keys.map(|key| format!("/t/hosts/{key}")).into_iter().zip(domains.map(|d| d.map(str::to_owned)));
        assert!(expected.eq(found.iter().cloned()), "{found:?}");
        for pattern in ["a.b.acme.example", "*.b.acme.example", "*.acme.example"] {
            let key = KEYS.host(&HostPattern::parse(pattern).unwrap());
            assert!(found.iter().any(|(found, _)| *found == key), "{pattern}");
        }
        assert!(KEYS.candidates(&host(&["a"; 17].join("."))).is_empty());
    }

    #[test]
    fn the_hosts_below_a_domain_stand_together() {
        let below = KEYS.hosts_below(&host("acme.example"));
        for (pattern, is_below) in [
            ("a.acme.example", true),
            ("*.acme.example", true),
            ("*.a.acme.example", true),
            ("acme.example", false),
            ("acme-a.example", false),
            ("a.acme2.example", false),
        ] {
            let key = KEYS.host(&HostPattern::parse(pattern).unwrap());
            assert_eq!(key.starts_with(&below), is_below, "{pattern}");
        }
    }

    #[test]
    fn changes_sort_by_number() {
        assert!(KEYS.change(9) < KEYS.change(10) && KEYS.change(10) < KEYS.change(u64::MAX));
        assert_eq!(KEYS.number(&KEYS.change(10)), Some(10));
        assert_eq!(
            ["/t/changes/x", "/t/changes/1", "/t/changes/+0000000000000000001", "/u/changes/1"]
                .map(|key| KEYS.number(key)),
            [None; 4]
        );
    }
}

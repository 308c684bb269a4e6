//! Everything that one configuration says: the tenants by host, the keys that seal, the session policy.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::assertion::Assertion;
use crate::forward::{DEFAULT_NAMES, FoldedNames, IdentityHeaders};
use crate::host::{Host, HostPattern};
use crate::refresh::Refreshes;
use crate::seal::KeyRing;
use crate::tenant::{Tenant, TenantName};
use crate::token::{CacheCounts, TokenCache};

/// A loaded configuration. Requests that are under way keep the one that they began with.
#[derive(Debug)]
pub struct Gate {
    ring: KeyRing,
    policy: SessionPolicy,
    entries: Vec<Entry>,
    exact: HashMap<Host, usize>,
    below: HashMap<Host, usize>,
    /// The identity headers of all tenants and that of the assertion, folded.
    identity_headers: FoldedNames,
    tokens: TokenCache,
    refreshes: Refreshes,
    assertion: Option<Assertion>,
    filter_state: bool,
}

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// From the sign-in on, whatever happens in between.
    pub lifetime: Duration,
    /// After so long without a request, if it is limited.
    pub idle: Option<Duration>,
    /// Whether a session ends when its ID token expires.
    pub end_with_id_token: bool,
}

impl SessionPolicy {
    /// Sessions that last for `lifetime`, whatever happens.
    pub const fn lasting(lifetime: Duration) -> Self {
        Self { lifetime, idle: None, end_with_id_token: false }
    }
}

/// What a host is answered by.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A tenant whose configuration is whole.
    Serving(Arc<Tenant>),
    /// A tenant whose part of the configuration is wrong: 503 for its hosts, the others serve.
    Broken(Arc<BrokenTenant>),
}

/// What is known of a tenant that cannot serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenTenant {
    /// Its name, if that much could be read.
    pub name: Option<TenantName>,
    /// Those of its hosts that could be read.
    pub hosts: Vec<HostPattern>,
    /// The names of its identity headers, if they could be read.
    pub headers: Option<IdentityHeaders>,
}

impl Gate {
    /// The gate before the first good configuration: it has no tenant, so it refuses every host.
    pub fn closed() -> Self {
        Self::new(KeyRing::default(), SessionPolicy::lasting(Duration::ZERO), [])
    }

    /// Builds the lookup. A host that two entries claim goes to the first; the loader refuses that before.
    pub fn new(ring: KeyRing, policy: SessionPolicy, entries: impl IntoIterator<Item = Entry>) -> Self {
        let entries: Vec<Entry> = entries.into_iter().collect();
        // The default names, too: a tenant whose part is wrong may have them, and an upstream may know the gate by them.
        let names = entries.iter().filter_map(Entry::headers).flat_map(IdentityHeaders::names);
        let identity_headers = FoldedNames::new(names.chain(DEFAULT_NAMES));
        let (mut exact, mut below) = (HashMap::new(), HashMap::new());
        for (index, entry) in entries.iter().enumerate() {
            for pattern in entry.hosts() {
                let (table, host) = match pattern {
                    HostPattern::Exact(host) => (&mut exact, host),
                    HostPattern::Below(host) => (&mut below, host),
                };
                table.entry(host.clone()).or_insert(index);
            }
        }
        Self {
            ring,
            policy,
            entries,
            exact,
            below,
            identity_headers,
            tokens: TokenCache::default(),
            refreshes: Refreshes::default(),
            assertion: None,
            filter_state: false,
        }
    }

    /// The same gate, which signs assertions.
    #[must_use]
    pub fn with_assertion(mut self, assertion: Option<Assertion>) -> Self {
        if let Some(assertion) = &assertion {
            self.identity_headers.insert(assertion.header());
        }
        Self { assertion, ..self }
    }

    /// The same gate, which tells the rest of Envoy who is let through.
    #[must_use]
    pub fn with_filter_state(self, filter_state: bool) -> Self {
        Self { filter_state, ..self }
    }

    /// How assertions are made, if they are.
    pub fn assertion(&self) -> Option<&Assertion> {
        self.assertion.as_ref()
    }

    /// Whether the rest of Envoy is told who is let through.
    pub fn sets_filter_state(&self) -> bool {
        self.filter_state
    }

    /// The entry for `host`: the exact one, else that of the longest wildcard.
    pub fn select(&self, host: &Host) -> Option<&Entry> {
        // The domain of a wildcard was parsed as a host, so a parent that is one can be looked up by its text.
        let wildcard = || host.parents().find_map(|parent| self.below.get(parent));
        self.exact.get(host).or_else(wildcard).and_then(|&index| self.entries.get(index))
    }

    /// Whether the upstream of any tenant could take `name` for an identity header, in whatever spelling.
    pub(crate) fn is_identity_header(&self, name: &str) -> bool {
        self.identity_headers.contains(name)
    }

    /// Every entry, in the order of the configuration.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Bearer tokens that were verified under this configuration.
    pub(crate) fn tokens(&self) -> &TokenCache {
        &self.tokens
    }

    /// Refresh tokens that were sent under this configuration.
    pub(crate) fn refreshes(&self) -> &Refreshes {
        &self.refreshes
    }

    /// What happened among the bearer tokens since the last call.
    pub fn take_token_counts(&self) -> CacheCounts {
        self.tokens.take_counts()
    }

    /// The keys that seal and open.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// How long sessions last.
    pub fn policy(&self) -> SessionPolicy {
        self.policy
    }
}

impl Entry {
    fn hosts(&self) -> &[HostPattern] {
        match self {
            Self::Serving(tenant) => &tenant.hosts,
            Self::Broken(tenant) => &tenant.hosts,
        }
    }

    fn headers(&self) -> Option<&IdentityHeaders> {
        match self {
            Self::Serving(tenant) => Some(&tenant.headers),
            Self::Broken(tenant) => tenant.headers.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_host_wins_and_then_the_longest_wildcard() {
        let entry = |number: usize, pattern: &str| {
            let name = TenantName::parse(&number.to_string());
            let hosts = vec![HostPattern::parse(pattern).unwrap()];
            Entry::Broken(Arc::new(BrokenTenant { name, hosts, headers: None }))
        };
        let patterns = ["*.acme.example", "a.b.acme.example", "*.b.acme.example", "acme.example"];
        let entries = patterns.iter().enumerate().map(|(number, pattern)| entry(number, pattern));
        let gate = Gate::new(KeyRing::default(), SessionPolicy::lasting(Duration::ZERO), entries);
        for (host, pattern) in [
            ("a.b.acme.example", Some("a.b.acme.example")),
            ("x.a.b.acme.example", Some("*.b.acme.example")),
            ("c.b.acme.example", Some("*.b.acme.example")),
            ("b.acme.example", Some("*.acme.example")),
            ("acme.example", Some("acme.example")),
            ("example", None),
            ("xacme.example", None),
        ] {
            let found = gate.select(&Host::from_name(host).unwrap());
            assert_eq!(found.map(|entry| entry.hosts()[0].to_string()).as_deref(), pattern, "{host}");
        }
    }
}

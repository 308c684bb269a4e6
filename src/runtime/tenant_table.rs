//! The tenants of a configuration, by host.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::time::UnixTime;
use crate::http::host::{Host, HostPattern};
use crate::jose::{KnownHeaders, TrustedKeys, Verifier};
use crate::oauth::discovery::Provider;
use crate::session::revocation::Revocations;
use crate::tenant::{IdentityHeaders, Tenant, TenantName};
use crate::token::TokenContext;

/// The tenants of a configuration, by host.
#[derive(Debug)]
pub(super) struct TenantTable {
    entries: Vec<TenantEntry>,
    exact: HashMap<Host, usize>,
    /// By the domain of a wildcard.
    wildcard: HashMap<Host, usize>,
}

/// What answers for a host.
#[derive(Clone, Debug)]
pub enum TenantEntry {
    /// A tenant whose configuration is valid.
    Served(Arc<ServedTenant>),
    /// A tenant whose part of the configuration is wrong: its hosts get 503, the other tenants are served.
    Broken(Arc<BrokenTenant>),
}

/// A tenant with what runs for it.
#[derive(Debug)]
pub struct ServedTenant {
    /// The plain model.
    pub model: Arc<Tenant>,
    /// The provider as it is known now.
    pub(crate) provider: Arc<Provider>,
    /// Sessions that ended before their time.
    pub(crate) revocations: Arc<Revocations>,
    /// JOSE headers of tokens that the issuer has signed.
    known_headers: KnownHeaders,
}

/// What is known of a tenant that cannot serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenTenant {
    /// Its name, if it could be read.
    pub name: Option<TenantName>,
    /// Those of its hosts that could be read.
    pub hosts: Vec<HostPattern>,
    /// The names of its identity headers, if they could be read.
    pub headers: Option<IdentityHeaders>,
}

impl TenantTable {
    pub(super) fn new(entries: Vec<TenantEntry>) -> Self {
        let (mut exact, mut wildcard) = (HashMap::new(), HashMap::new());
        for (index, entry) in entries.iter().enumerate() {
            for pattern in entry.hosts() {
                let (table, host) = match pattern {
                    HostPattern::Exact(host) => (&mut exact, host),
                    HostPattern::Below(host) => (&mut wildcard, host),
                };
                table.entry(host.clone()).or_insert(index);
            }
        }
        Self { entries, exact, wildcard }
    }

    /// The entry for `host`: the exact one, else that of the longest wildcard.
    pub(super) fn select(&self, host: &Host) -> Option<&TenantEntry> {
        // The domain of a wildcard was parsed as a host, so a parent that is one can be looked up by its text.
        let by_wildcard = || host.parents().find_map(|parent| self.wildcard.get(parent));
        self.exact.get(host).or_else(by_wildcard).and_then(|&index| self.entries.get(index))
    }

    pub(super) fn entries(&self) -> &[TenantEntry] {
        &self.entries
    }
}

impl TenantEntry {
    /// A tenant that serves, with nothing fetched, revoked or cached yet.
    pub(crate) fn served(tenant: Tenant) -> Self {
        let model = Arc::new(tenant);
        Self::Served(Arc::new(ServedTenant {
            provider: Arc::new(Provider::new(model.clone())),
            revocations: Arc::new(Revocations::new(model.clone())),
            known_headers: KnownHeaders::default(),
            model,
        }))
    }

    /// The hosts that select it.
    pub fn hosts(&self) -> &[HostPattern] {
        match self {
            Self::Served(tenant) => &tenant.model.hosts,
            Self::Broken(tenant) => &tenant.hosts,
        }
    }

    pub(super) fn headers(&self) -> Option<&IdentityHeaders> {
        match self {
            Self::Served(tenant) => Some(&tenant.model.headers),
            Self::Broken(tenant) => tenant.headers.as_ref(),
        }
    }
}

impl ServedTenant {
    /// What a token of this tenant is verified against. `keys` are those of [`Provider::trusted_keys`].
    pub(crate) fn token_context<'a>(
        &'a self,
        keys: &'a TrustedKeys<'a>,
        now: UnixTime,
        verifier: Verifier<'a>,
    ) -> TokenContext<'a> {
        TokenContext { tenant: &self.model, keys, known_headers: &self.known_headers, now, verifier }
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
            TenantEntry::Broken(Arc::new(BrokenTenant { name, hosts, headers: None }))
        };
        let patterns = ["*.acme.example", "a.b.acme.example", "*.b.acme.example", "acme.example"];
        let entries = patterns.iter().enumerate().map(|(number, pattern)| entry(number, pattern));
        let table = TenantTable::new(entries.collect());
        for (host, pattern) in [
            ("a.b.acme.example", Some("a.b.acme.example")),
            ("x.a.b.acme.example", Some("*.b.acme.example")),
            ("c.b.acme.example", Some("*.b.acme.example")),
            ("b.acme.example", Some("*.acme.example")),
            ("acme.example", Some("acme.example")),
            ("example", None),
            ("xacme.example", None),
        ] {
            let found = table.select(&Host::from_name(host).unwrap());
            assert_eq!(found.map(|entry| entry.hosts()[0].to_string()).as_deref(), pattern, "{host}");
        }
    }
}

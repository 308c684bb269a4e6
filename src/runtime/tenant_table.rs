//! The tenants of a configuration by host.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::event::Level;
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::http::host::{Host, HostPattern};
use crate::http::host_table::HostTable;
use crate::jose::{KnownHeaders, TrustedKeys, Verifier};
use crate::oauth::discovery::Provider;
use crate::seal::KeyRing;
use crate::session::revocation::Revocations;
use crate::tenant::{Tenant, TenantName};
use crate::token::{TokenContext, VerificationBudget};

/// The tenants of a configuration by host.
#[derive(Debug)]
pub(super) struct TenantTable {
    entries: Vec<TenantEntry>,
    hosts: Arc<HostTable>,
}

/// The tenant that a host selects.
#[derive(Clone, Debug)]
pub enum TenantEntry {
    /// A tenant whose configuration is valid.
    Served(Arc<ServedTenant>),
    /// A tenant whose part of the configuration has mistakes. Its hosts get 503; the other tenants
    /// are served.
    Broken(Arc<BrokenTenant>),
}

/// A tenant with its provider, its revocations and the JOSE headers of its verified tokens.
#[derive(Debug)]
pub struct ServedTenant {
    /// The model of the tenant.
    pub model: Arc<Tenant>,
    /// The configuration of the provider and what was fetched from it.
    pub(crate) provider: Arc<Provider>,
    /// The sessions that ended early.
    pub(crate) revocations: Arc<Revocations>,
    /// The JOSE headers of tokens that were verified, so that they are parsed once.
    known_headers: KnownHeaders,
    /// Limits the verification of bearer tokens.
    bearer_budget: VerificationBudget,
    /// Limits the verification of logout tokens. It is another one, so that bearer tokens keep no
    /// session from ending.
    logout_budget: VerificationBudget,
    /// Identifies these settings of the tenant, which a document can change. 0 for one of the file.
    pub(crate) settings: u64,
}

/// The parts of a tenant with mistakes that could be read.
#[derive(Debug, Default)]
pub struct BrokenTenant {
    /// The name, if it is valid.
    pub name: Option<TenantName>,
    /// The valid hosts.
    pub hosts: Vec<HostPattern>,
    /// The names of the identity headers that could be read.
    pub header_names: Vec<String>,
    /// The domain of its cookies, if it could be read.
    pub(crate) cookie_domain: Option<Host>,
    /// When a request for it was last an error in the log of this VM, in seconds since the Unix
    /// epoch.
    pub(crate) reported: AtomicU64,
}

impl BrokenTenant {
    /// The log level of a request for this tenant: an error once a minute, because an operator has
    /// to act, but clients must not fill the log.
    pub(super) fn log_level(&self, now: UnixTime) -> Level {
        let last = UnixTime(self.reported.load(Ordering::Relaxed));
        if now >= last && now < last.plus(REPORT_INTERVAL) {
            return Level::Debug;
        }
        self.reported.store(now.0, Ordering::Relaxed);
        Level::Error
    }
}

/// The number of the settings of the next tenant of a document.
static NEXT_SETTINGS: AtomicU64 = AtomicU64::new(1);
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

impl TenantTable {
    /// Indexes the hosts. A host of two entries selects the first of them.
    pub(super) fn new(entries: Vec<TenantEntry>) -> Self {
        let mut hosts = HostTable::default();
        for (index, entry) in entries.iter().enumerate() {
            entry.hosts().iter().for_each(|pattern| hosts.add(pattern, index));
        }
        Self { entries, hosts: Arc::new(hosts) }
    }

    /// The entry for `host`: that of the exact host, else that of the longest wildcard.
    pub(super) fn select(&self, host: &Host) -> Option<&TenantEntry> {
        self.entries.get(self.hosts.select(host)?)
    }

    /// The positions of the entries, by host.
    pub(super) fn hosts(&self) -> &Arc<HostTable> {
        &self.hosts
    }

    /// All entries, in the order of the configuration.
    pub(super) fn entries(&self) -> &[TenantEntry] {
        &self.entries
    }
}

impl TenantEntry {
    /// A tenant of the file, with nothing fetched, revoked or cached yet.
    pub(crate) fn served(model: Arc<Tenant>, ring: &Arc<KeyRing>) -> Self {
        let revocations = Revocations::new(model.clone(), ring.clone());
        Self::Served(Arc::new(ServedTenant::new(model, ring, revocations, 0)))
    }

    /// A tenant of the file that is compiled after its load, with the sessions that the VMs of the
    /// process have ended.
    pub(super) fn deferred(model: Arc<Tenant>, ring: &Arc<KeyRing>, env: &Env<'_>) -> Self {
        let revocations = Revocations::joined(model.clone(), ring.clone(), env.shared());
        Self::Served(Arc::new(ServedTenant::new(model, ring, revocations, 0)))
    }

    /// A tenant of a document, with the sessions that other VMs of the process have ended.
    pub(super) fn found(model: Arc<Tenant>, ring: &Arc<KeyRing>, env: &Env<'_>) -> Self {
        let revocations = Revocations::of_document(model.clone(), ring.clone(), env.shared());
        let settings = NEXT_SETTINGS.fetch_add(1, Ordering::Relaxed);
        Self::Served(Arc::new(ServedTenant::new(model, ring, revocations, settings)))
    }

    /// The hosts that select the tenant.
    pub fn hosts(&self) -> &[HostPattern] {
        match self {
            Self::Served(tenant) => &tenant.model.hosts,
            Self::Broken(tenant) => &tenant.hosts,
        }
    }

    /// Whether the headers are those of `other`, kept once.
    pub(super) fn has_headers_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Served(tenant), Self::Served(other)) => Arc::ptr_eq(&tenant.model.headers, &other.model.headers),
            (Self::Served(_) | Self::Broken(_), _) => false,
        }
    }

    /// The names of the identity headers, as far as they could be read.
    pub(super) fn header_names(&self) -> Vec<&str> {
        match self {
            Self::Served(tenant) => tenant.model.headers.names().collect(),
            Self::Broken(tenant) => tenant.header_names.iter().map(String::as_str).collect(),
        }
    }
}

impl ServedTenant {
    fn new(model: Arc<Tenant>, ring: &Arc<KeyRing>, revocations: Revocations, settings: u64) -> Self {
        Self {
            provider: Arc::new(Provider::new(model.clone(), ring.clone())),
            revocations: Arc::new(revocations),
            known_headers: KnownHeaders::default(),
            bearer_budget: VerificationBudget::default(),
            logout_budget: VerificationBudget::default(),
            settings,
            model,
        }
    }

    /// The context for the verification of a token that the issuer of this tenant has sent. `keys`
    /// come from [`Provider::trusted_keys`].
    pub(crate) fn token_context<'a>(
        &'a self,
        keys: &'a TrustedKeys<'a>,
        now: UnixTime,
        verifier: Verifier<'a>,
    ) -> TokenContext<'a> {
        TokenContext { tenant: &self.model, keys, known_headers: &self.known_headers, now, verifier, budget: None }
    }

    /// The same for a bearer token, which anyone can send.
    pub(crate) fn bearer_context<'a>(
        &'a self,
        keys: &'a TrustedKeys<'a>,
        now: UnixTime,
        verifier: Verifier<'a>,
    ) -> TokenContext<'a> {
        TokenContext { budget: Some(&self.bearer_budget), ..self.token_context(keys, now, verifier) }
    }

    /// The same for a logout token, which anyone can send.
    pub(crate) fn logout_context<'a>(
        &'a self,
        keys: &'a TrustedKeys<'a>,
        now: UnixTime,
        verifier: Verifier<'a>,
    ) -> TokenContext<'a> {
        TokenContext { budget: Some(&self.logout_budget), ..self.token_context(keys, now, verifier) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tenant_name;

    #[test]
    fn an_exact_host_wins_and_then_the_longest_wildcard() {
        let entry = |number: usize, pattern: &str| {
            let name = Some(tenant_name(&number.to_string()));
            let hosts = vec![HostPattern::parse(pattern).unwrap()];
            TenantEntry::Broken(Arc::new(BrokenTenant { name, hosts, ..BrokenTenant::default() }))
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

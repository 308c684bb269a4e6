//! Who may do what: the roles and access rules of a tenant.
//!
//! The first rule whose paths, methods and hosts fit a request decides it alone. Nothing is decided by who asks but within that rule, so a
//! rule further down never lets through whom one further up keeps out.

mod decision;
mod grant;
mod names;
mod path;
mod pattern;
mod person;
mod roles;
mod table;
mod warning;

use crate::host::{Host, HostPattern};
use table::PathTable;

pub use decision::{NotPermitted, Permitted, Public, Ruling, Unsettled};
pub use grant::{Allow, ClaimValues, Grant};
pub use names::{Named, Names};
pub use path::{Ambiguity, PlainPath};
pub use pattern::{NotAPathPattern, PathPattern};
pub use roles::{Role, Roles};
pub use warning::Warning;

/// One rule as configured.
#[derive(Debug)]
pub struct Rule {
    /// The paths that it is about; none means all.
    pub paths: Vec<PathPattern>,
    /// The methods, compared byte for byte; none means all.
    pub methods: Vec<String>,
    /// The hosts; none means all.
    pub hosts: Vec<HostPattern>,
    /// What it says about them.
    pub verdict: Verdict,
}

/// What a rule says about the requests that it fits.
#[derive(Debug)]
pub enum Verdict {
    /// They need no user.
    Public,
    /// Any user of the tenant may make them.
    AnyUser,
    /// Some may.
    Allow(Box<Allow>),
    /// Nobody may.
    Deny,
}

/// What a tenant says besides its rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether a request that no rule fits is denied. Otherwise any user of the tenant may make it.
    pub deny_by_default: bool,
    /// Whether what the rules refuse to a user is let through, and noted.
    pub dry_run: bool,
    /// Whether the preflight requests of browsers need no user.
    pub cors_preflight: bool,
}

/// The rules of a tenant, made ready for lookup.
#[derive(Debug, Default)]
pub struct Access {
    policy: Policy,
    rules: Vec<Rule>,
    /// Whether any rule is about paths.
    by_path: bool,
    any_host: PathTable,
    /// By the name of the host.
    exact: Named<PathTable>,
    /// By the domain that the hosts are below.
    below: Named<PathTable>,
}

impl Access {
    /// Builds the lookup.
    pub fn new(rules: Vec<Rule>, policy: Policy) -> Self {
        let mut access = Self { policy, by_path: rules.iter().any(|rule| !rule.paths.is_empty()), ..Self::default() };
        for (number, rule) in rules.iter().enumerate() {
            let paths = if rule.paths.is_empty() { &[PathPattern::ALL][..] } else { &rule.paths };
            for path in paths {
                if rule.hosts.is_empty() {
                    access.any_host.insert(path, number);
                }
                for host in &rule.hosts {
                    let (tables, host) = match host {
                        HostPattern::Exact(host) => (&mut access.exact, host),
                        HostPattern::Below(domain) => (&mut access.below, domain),
                    };
                    tables.change(host.as_str(), |table| table.insert(path, number));
                }
            }
        }
        access.rules = rules;
        access
    }

    /// The first rule that fits, with its number.
    fn rule(&self, host: &Host, path: &PlainPath<'_>, method: Option<&[u8]>) -> Option<(usize, &Verdict)> {
        if self.rules.is_empty() {
            return None;
        }
        let fits = |number: usize| {
            let methods = self.rules.get(number).map(|rule| rule.methods.as_slice()).unwrap_or_default();
            methods.is_empty() || methods.iter().any(|name| Some(name.as_bytes()) == method)
        };
        let parents = host.parents().filter_map(|parent| self.below.get(parent));
        let tables = std::iter::once(&self.any_host).chain(self.exact.get(host.as_str())).chain(parents);
        let number = tables.fold(self.rules.len(), |best, table| table.first(path, best, fits));
        self.rules.get(number).map(|rule| (number, &rule.verdict))
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

//! The access rules and roles of a tenant, made ready for lookup.
//!
//! The first rule whose paths, methods and hosts fit a request decides it. What it decides about a user is in the
//! room `access`.

mod allow;
mod name_map;
mod path_pattern;
mod path_table;
mod roles;

use crate::http::host::{Host, HostPattern};
use path_table::PathTable;

pub use allow::{Allow, ClaimValues, Criteria};
pub use name_map::{NameMap, NameSet};
pub use path_pattern::{PathPattern, PathPatternError};
pub use roles::{Role, Roles};

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
pub struct AccessPolicy {
    /// Whether a request that no rule fits is denied. Otherwise any user of the tenant may make it.
    pub deny_by_default: bool,
    /// Whether what the rules refuse to a user is let through, and noted.
    pub dry_run: bool,
    /// Whether the preflight requests of browsers need no user.
    pub cors_preflight: bool,
}

/// The rules of a tenant, made ready for lookup.
#[derive(Debug, Default)]
pub struct AccessRules {
    policy: AccessPolicy,
    rules: Vec<Rule>,
    /// Whether any rule is about paths.
    by_path: bool,
    any_host: PathTable,
    /// By the name of the host.
    exact: NameMap<PathTable>,
    /// By the domain that the hosts are below.
    below: NameMap<PathTable>,
}

impl AccessRules {
    /// Builds the lookup.
    pub fn new(rules: Vec<Rule>, policy: AccessPolicy) -> Self {
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

    /// The first rule that fits, with its number. `segments` are those of the path after the leading `/`, decoded.
    pub(crate) fn rule<'p>(
        &self,
        host: &Host,
        segments: impl Iterator<Item = &'p str> + Clone,
        method: Option<&[u8]>,
    ) -> Option<(usize, &Verdict)> {
        if self.rules.is_empty() {
            return None;
        }
        let fits = |number: usize| {
            let methods = self.rules.get(number).map(|rule| rule.methods.as_slice()).unwrap_or_default();
            methods.is_empty() || methods.iter().any(|name| Some(name.as_bytes()) == method)
        };
        let parents = host.parents().filter_map(|parent| self.below.get(parent));
        let tables = std::iter::once(&self.any_host).chain(self.exact.get(host.as_str())).chain(parents);
        let number = tables.fold(self.rules.len(), |best, table| table.first(segments.clone(), best, fits));
        self.rules.get(number).map(|rule| (number, &rule.verdict))
    }

    /// Whether any rule is about paths.
    pub(crate) fn is_by_path(&self) -> bool {
        self.by_path
    }

    /// What the tenant says besides its rules.
    pub(crate) fn policy(&self) -> AccessPolicy {
        self.policy
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

//! The access rules and roles of a tenant, prepared for lookup.
//!
//! The first rule whose paths, methods and hosts match a request decides about it. The module
//! `access` evaluates that rule for a user.
//!
//! Scenarios: tests/scenarios/access.rs.

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
    /// The paths that the rule matches. An empty list means all.
    pub paths: Vec<PathPattern>,
    /// The methods, compared byte for byte. An empty list means all.
    pub methods: Vec<String>,
    /// The hosts. An empty list means all.
    pub hosts: Vec<HostPattern>,
    /// The decision of the rule.
    pub verdict: Verdict,
}

/// The decision of a rule about the requests that it matches.
#[derive(Debug)]
pub enum Verdict {
    /// The request needs no user.
    Public,
    /// Every user of the tenant may make the request.
    AnyUser,
    /// Users that meet these conditions may make the request.
    Allow(Box<Allow>),
    /// The request is denied to everybody.
    Deny,
}

/// The access settings of a tenant besides its rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessPolicy {
    /// Whether a request that no rule matches is denied. Otherwise every user of the tenant may
    /// make it.
    pub deny_by_default: bool,
    /// Whether a request that the rules deny to a user is permitted and logged (dry run).
    pub dry_run: bool,
    /// Whether CORS preflight requests need no user.
    pub cors_preflight: bool,
}

/// The rules of a tenant, prepared for lookup.
#[derive(Debug, Default)]
pub struct AccessRules {
    policy: AccessPolicy,
    rules: Vec<Rule>,
    /// Whether any rule names paths.
    by_path: bool,
    /// The rules for all hosts.
    any_host: PathTable,
    /// The rules for exact hosts, by host name.
    exact: NameMap<PathTable>,
    /// The rules for all hosts below a domain, by that domain.
    below: NameMap<PathTable>,
}

impl AccessRules {
    /// Prepares the rules for lookup.
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

    /// The first rule that matches, with its number. `segments` are the decoded segments of the
    /// path after the leading `/`.
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

    /// Whether any rule names paths.
    pub(crate) fn is_by_path(&self) -> bool {
        self.by_path
    }

    /// The access settings of the tenant besides its rules.
    pub(crate) fn policy(&self) -> AccessPolicy {
        self.policy
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

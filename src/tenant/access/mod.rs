//! The access rules and roles of a tenant, prepared for lookup.
//!
//! The first rule whose paths, methods and hosts match a request decides about it. The module
//! `access` evaluates that rule for a user.
//!
//! Scenarios: tests/scenarios/access.rs.

mod allow;
mod letter_case;
mod name_map;
mod network;
mod path_pattern;
mod path_table;
mod resemblance;
mod roles;
mod spelling;

use std::net::IpAddr;

use crate::http::host::{Host, HostPattern};
use path_table::{Match, PathTable};

pub use allow::{Allow, AnyOf, ClaimValues, Criteria};
pub use name_map::{NameMap, NameSet};
pub use network::{Network, NetworkError};
pub use path_pattern::{PathPattern, PathPatternError};
pub use roles::{Role, Roles};
pub use spelling::PathMatching;
use spelling::before_delimiter;
pub(crate) use spelling::{Spelling, is_blank};

/// One rule as configured.
#[derive(Debug)]
pub struct Rule {
    /// The paths that the rule matches. An empty list means all.
    pub paths: Vec<PathPattern>,
    /// The methods, compared byte for byte. An empty list means all.
    pub methods: Vec<String>,
    /// The hosts. An empty list means all.
    pub hosts: Vec<HostPattern>,
    /// The networks of the clients. An empty list means all.
    pub client_ips: Vec<Network>,
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
    /// How paths are compared.
    pub path_matching: PathMatching,
}

/// The rule that decides about a request.
pub(crate) enum Matched<'a> {
    /// The rule with this number.
    Rule(usize, &'a Verdict),
    /// None matches.
    None,
    /// The path is not one of the rule with this number, but a server may read it as one.
    Resembles(usize),
    /// A server may take a part of the path for all of it, and no rule or another one matches it.
    PartDiffers,
}

/// The rules of a tenant, prepared for lookup.
#[derive(Debug, Default)]
pub struct AccessRules {
    policy: AccessPolicy,
    rules: Vec<Rule>,
    /// Whether any rule names paths.
    by_path: bool,
    /// Whether any rule names networks of clients.
    by_client: bool,
    /// The rules for all hosts.
    any_host: PathTable,
    /// The rules for exact hosts, by host name.
    exact: NameMap<PathTable>,
    /// The rules for all hosts below a domain, by that domain.
    below: NameMap<PathTable>,
}

impl Rule {
    /// Whether the rule is about this method and this client.
    fn fits(&self, method: Option<&[u8]>, client: Option<IpAddr>) -> bool {
        let is_from = |network: &Network| client.is_some_and(|client| network.contains(client));
        (self.methods.is_empty() || self.methods.iter().any(|name| Some(name.as_bytes()) == method))
            && (self.client_ips.is_empty() || self.client_ips.iter().any(is_from))
    }
}

impl AccessRules {
    /// Prepares the rules for lookup.
    pub fn new(rules: Vec<Rule>, policy: AccessPolicy) -> Self {
        let by_path = rules.iter().any(|rule| !rule.paths.is_empty());
        let by_client = rules.iter().any(|rule| !rule.client_ips.is_empty());
        let mut access = Self { policy, by_path, by_client, ..Self::default() };
        for (number, rule) in rules.iter().enumerate() {
            let paths = if rule.paths.is_empty() { &[PathPattern::ALL][..] } else { &rule.paths };
            for path in paths {
                if rule.hosts.is_empty() {
                    access.any_host.insert(path, number, policy.path_matching);
                }
                for host in &rule.hosts {
                    let (tables, host) = match host {
                        HostPattern::Exact(host) => (&mut access.exact, host),
                        HostPattern::Below(domain) => (&mut access.below, domain),
                    };
                    tables.change(host.as_str(), |table| table.insert(path, number, policy.path_matching));
                }
            }
        }
        access.rules = rules;
        access
    }

    /// The first rule that matches. `path` has the decoded segments after the leading `/`. `client`
    /// is the address of the client, which is needed only if a rule [`is_by_client`].
    ///
    /// [`is_by_client`]: Self::is_by_client
    pub(crate) fn rule(
        &self,
        host: &Host,
        path: &[Spelling<'_>],
        method: Option<&[u8]>,
        client: Option<IpAddr>,
    ) -> Matched<'_> {
        let fits = |number: usize| self.rules.get(number).is_some_and(|rule| rule.fits(method, client));
        let tables = || {
            let parents = host.parents().filter_map(|parent| self.below.get(parent));
            std::iter::once(&self.any_host).chain(self.exact.get(host.as_str())).chain(parents)
        };
        let decide = |path: &[Spelling<'_>]| {
            tables().fold(Match::none_before(self.rules.len()), |best, table| table.first(path, best, &fits))
        };
        let best = decide(path);
        if self.policy.path_matching != PathMatching::Exact {
            let resembling = |path: &[Spelling<'_>], best: &Match| {
                tables().filter_map(|table| table.resembling(path, best, &fits)).min()
            };
            if let Some(number) = resembling(path, &best) {
                return Matched::Resembles(number);
            }
            if let Some(part) = before_delimiter(path) {
                let of_part = decide(&part);
                if let Some(number) = resembling(&part, &of_part) {
                    return Matched::Resembles(number);
                }
                if of_part.rule != best.rule {
                    return Matched::PartDiffers;
                }
            }
            // Which script a server runs is decided by the rule about the script, unless the rule
            // about what follows names the script, too.
            if let Some(script) = path.iter().position(Spelling::is_script)
                && path.get(script).is_some_and(|segment| !best.spells(script, segment.folded().len()))
                && decide(path.get(..=script).unwrap_or_default()).rule != best.rule
            {
                return Matched::PartDiffers;
            }
        }
        match self.rules.get(best.rule) {
            Some(rule) => Matched::Rule(best.rule, &rule.verdict),
            None => Matched::None,
        }
    }

    /// Whether any rule names paths.
    pub(crate) fn is_by_path(&self) -> bool {
        self.by_path
    }

    /// Whether any rule names networks of clients.
    pub(crate) fn is_by_client(&self) -> bool {
        self.by_client
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

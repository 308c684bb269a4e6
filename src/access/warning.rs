//! Rules that cannot do anything, for the operator's eye.

use std::fmt;

use super::pattern::PathPattern;
use super::{Access, Rule};
use crate::host::HostPattern;
use crate::tenant::Tenant;

/// Something about a rule that cannot be meant. Rules are known by their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The rules before it leave nothing to it.
    Shadowed(usize, Vec<usize>),
    /// The tenant has no such host.
    ForeignHost(usize, HostPattern),
    /// The gate answers this path itself.
    OwnPath(usize, PathPattern),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shadowed(rule, by) => {
                let by: Vec<String> = by.iter().map(|number| format!("access[{number}]")).collect();
                let decide = if by.len() == 1 { "decides" } else { "decide" };
                write!(f, "access[{rule}]: can never match; {} {decide} before", by.join(" and "))
            }
            Self::ForeignHost(rule, host) => {
                write!(
                    f,
                    "access[{rule}].hosts: \"{host}\" is not a host of this tenant, so the rule never matches there"
                )
            }
            Self::OwnPath(rule, path) => {
                write!(f, "access[{rule}].paths: \"{path}\" is answered by the gate itself, before any rule")
            }
        }
    }
}

impl Access {
    /// What is odd about the rules of `tenant`, which are these. It compares every rule with every other: for the tool, not for the filter.
    pub fn warnings(&self, tenant: &Tenant) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (number, rule) in self.rules.iter().enumerate() {
            let own = [&tenant.login.callback_path, &tenant.login.logout_path];
            let answered = rule.paths.iter().filter(|path| own.iter().any(|own| path.is_exactly(own)));
            warnings.extend(answered.map(|path| Warning::OwnPath(number, path.clone())));
            let foreign = rule.hosts.iter().filter(|host| !tenant.hosts.iter().any(|own| overlap(own, host)));
            warnings.extend(foreign.map(|host| Warning::ForeignHost(number, host.clone())));
            let before = self.rules.get(..number).unwrap_or_default();
            if let Some(by) = shadows(before, rule, &tenant.hosts) {
                warnings.push(Warning::Shadowed(number, by));
            }
        }
        warnings
    }
}

/// The rules of `before` that together leave nothing to `rule`, if they do: each of its paths, on each host and with each method,
/// is covered by one of them.
fn shadows(before: &[Rule], rule: &Rule, own: &[HostPattern]) -> Option<Vec<usize>> {
    let paths = if rule.paths.is_empty() { &[PathPattern::ALL][..] } else { &rule.paths };
    let hosts = if rule.hosts.is_empty() { own } else { &rule.hosts };
    let methods: Vec<Option<&String>> =
        if rule.methods.is_empty() { vec![None] } else { rule.methods.iter().map(Some).collect() };
    let mut by = Vec::new();
    for path in paths {
        for host in hosts {
            for &method in &methods {
                by.push(before.iter().position(|earlier| covers(earlier, path, host, method))?);
            }
        }
    }
    by.sort_unstable();
    by.dedup();
    Some(by)
}

fn covers(rule: &Rule, path: &PathPattern, host: &HostPattern, method: Option<&String>) -> bool {
    (rule.paths.is_empty() || rule.paths.iter().any(|own| own.covers(path)))
        && (rule.hosts.is_empty() || rule.hosts.iter().any(|own| host_covers(own, host)))
        && (rule.methods.is_empty() || method.is_some_and(|method| rule.methods.contains(method)))
}

/// Whether every host of `b` is one of `a`.
fn host_covers(a: &HostPattern, b: &HostPattern) -> bool {
    match (a, b) {
        (_, HostPattern::Exact(host)) => a.matches(host),
        (HostPattern::Below(a), HostPattern::Below(b)) => b.is_within(a),
        (HostPattern::Exact(_), HostPattern::Below(_)) => false,
    }
}

fn overlap(a: &HostPattern, b: &HostPattern) -> bool {
    host_covers(a, b) || host_covers(b, a)
}

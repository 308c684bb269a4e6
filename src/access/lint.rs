//! Rules that cannot do anything, for the operator's eye.

use std::fmt;

use crate::http::host::HostPattern;
use crate::tenant::Tenant;
use crate::tenant::access::{PathPattern, Rule, Verdict};

/// Something about a rule that cannot be meant. Rules are known by their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The rules before it leave nothing to it.
    Shadowed(usize, Vec<usize>),
    /// The tenant has no such host.
    ForeignHost(usize, HostPattern),
    /// The gate answers this path itself.
    OwnPath(usize, PathPattern),
    /// It asks for scopes, and the tenant takes no bearer tokens.
    NoBearer(usize),
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
                write!(f, "access[{rule}].paths: \"{path}\" is answered by Tenantgate itself, before any rule")
            }
            Self::NoBearer(rule) => {
                write!(
                    f,
                    "access[{rule}].allow: only bearer tokens have scopes, and without `bearer` this tenant takes none"
                )
            }
        }
    }
}

/// What is odd about the rules of `tenant`. It compares every rule with every other rule: for the tool, not for the filter.
pub fn warnings(tenant: &Tenant) -> Vec<Warning> {
    let rules = tenant.access.rules();
    let mut warnings = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        let answered = rule.paths.iter().filter(|path| tenant.login.own_paths().any(|own| path.is_exactly(own)));
        warnings.extend(answered.map(|path| Warning::OwnPath(number, path.clone())));
        let foreign = rule.hosts.iter().filter(|host| !tenant.hosts.iter().any(|own| overlap(own, host)));
        warnings.extend(foreign.map(|host| Warning::ForeignHost(number, host.clone())));
        if tenant.bearer.is_none() && asks_for_scopes(rule) {
            warnings.push(Warning::NoBearer(number));
        }
        let before = rules.get(..number).unwrap_or_default();
        if let Some(by) = shadows(before, rule, &tenant.hosts) {
            warnings.push(Warning::Shadowed(number, by));
        }
    }
    warnings
}

fn asks_for_scopes(rule: &Rule) -> bool {
    matches!(&rule.verdict, Verdict::Allow(allow) if allow.criteria().any(|criteria| !criteria.scopes.is_empty()))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `paths | methods | hosts`, each with spaces between and empty for all.
    fn rule(text: &str) -> Rule {
        let mut parts = text.split('|').map(|part| part.split_whitespace());
        let mut part = || parts.next().into_iter().flatten();
        Rule {
            paths: part().map(|path| PathPattern::parse(path).unwrap()).collect(),
            methods: part().map(str::to_owned).collect(),
            hosts: part().map(|host| HostPattern::parse(host).unwrap()).collect(),
            verdict: Verdict::AnyUser,
        }
    }

    fn shadows_of(before: &[&str], last: &str) -> Option<Vec<usize>> {
        let before: Vec<Rule> = before.iter().map(|text| rule(text)).collect();
        let own = ["a.example", "*.a.example"].map(|host| HostPattern::parse(host).unwrap());
        shadows(&before, &rule(last), &own)
    }

    #[test]
    fn a_rule_is_shadowed_by_one_or_by_several_together() {
        for (before, last, by) in [
            (&["||"][..], "/a||", &[0][..]),
            (&["/b", "/a/*"], "/a/b /a", &[1]),
            (&["/a", "/b"], "/a /b", &[0, 1]),
            (&["/a|GET PUT"], "/a|GET", &[0]),
            (&["/a|GET", "/a|PUT"], "/a|GET PUT", &[0, 1]),
            (&["/a||*.a.example"], "/a||b.a.example", &[0]),
            (&["/a||*.a.example"], "/a||*.b.a.example", &[0]),
            (&["/a||*.a.example a.example"], "/a||", &[0]),
            (&["/*/b"], "/a/b", &[0]),
        ] {
            assert_eq!(shadows_of(before, last).as_deref(), Some(by), "{before:?} {last}");
        }
        for (before, last) in [
            (&[][..], "||"),
            (&["/a"], "/a/*"),
            (&["/a"], "/a /b"),
            (&["/a|GET"], "/a"),
            (&["/a|GET"], "/a|GET PUT"),
            (&["/a||a.example"], "/a"),
            (&["/a||b.a.example"], "/a||*.a.example"),
            (&["/a/b"], "/*/b"),
        ] {
            assert_eq!(shadows_of(before, last), None, "{before:?} {last}");
        }
    }
}

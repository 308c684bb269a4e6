//! Warnings about access rules that have no effect, or leave more open than they seem to, for the
//! operator.

use std::fmt;

use super::gaps::{LeftBelow, all_public, catch_alls, left_below, other_methods};
use crate::http::host::HostPattern;
use crate::tenant::Tenant;
use crate::tenant::access::{PathMatching, PathPattern, Rule, Verdict};

/// Something about the access rules that the operator may not intend. A variant about one rule
/// begins with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The rules with these numbers match every request that this rule could match.
    Shadowed(usize, Vec<usize>),
    /// The rule names a host that the tenant does not have.
    ForeignHost(usize, HostPattern),
    /// The rule names a path that Tenantgate answers itself.
    OwnPath(usize, PathPattern),
    /// The rule requires scopes, and the tenant accepts no bearer tokens.
    NoBearer(usize),
    /// The rule requires an e-mail address, and none of this tenant can be verified.
    NoVerifiedEmail(usize),
    /// The rule keeps the path from some users, but not for other methods. The second rule decides
    /// about those, or the default if there is none.
    OtherMethods(usize, PathPattern, Option<usize>),
    /// The rule keeps the path at this position from some users, and nothing below it. The pattern
    /// has both. The second rule decides about what is below, or the default if there is none.
    LeftBelow(usize, usize, PathPattern, Option<usize>),
    /// The rule opens every path to everybody, and no rule wants a user.
    AllPublic(usize),
    /// The rule lets everybody or every user reach all paths but those of the rules with these
    /// numbers. With `true`, other spellings of these paths are not refused.
    CatchAll(usize, Vec<usize>, bool),
    /// The same as [`CatchAll`](Self::CatchAll), for the default.
    OpenDefault(Vec<usize>, bool),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shadowed(rule, by) => {
                let decide = if by.len() == 1 { "decides" } else { "decide" };
                write!(f, "access[{rule}]: can never match, because {} {decide} before", numbers(by))?;
                f.write_str("; put it before that, or remove it")
            }
            Self::NoVerifiedEmail(rule) => {
                write!(
                    f,
                    "access[{rule}].allow: `email_verified` is about the claim `email` only, so no address of this tenant \
                     is verified, and none counts; set `identity.email: email`, or \
                     `identity.require_email_verified: false`"
                )
            }
            Self::OtherMethods(rule, path, by) => {
                let by = decider(*by);
                write!(f, "access[{rule}].methods: other methods of \"{path}\" are left to {by}")?;
                write!(f, "; put a rule behind it, such as {{paths: [\"{path}\"], deny: true}}")
            }
            Self::LeftBelow(rule, position, whole, by) => {
                let by = decider(*by);
                let whole = whole.to_string();
                let path = whole.strip_suffix("/*").unwrap_or(&whole);
                write!(f, "access[{rule}].paths[{position}]: is \"{path}\" alone, and what is below is left to {by}")?;
                write!(f, "; write \"{whole}\" for \"{path}\" and everything below")
            }
            Self::AllPublic(rule) => {
                write!(f, "access[{rule}].allow: opens every path to everybody, so nobody signs in")?;
                f.write_str("; write `any_user` for all users of the tenant, or name the paths that are public")
            }
            Self::CatchAll(rule, narrower, is_exact) => {
                write!(f, "access[{rule}].allow: opens every path, except those of {}", numbers(narrower))?;
                f.write_str(if *is_exact { BEYOND_EXACT } else { BEYOND })
            }
            Self::OpenDefault(narrower, is_exact) => {
                write!(f, "access_default: opens every path, except those of {}", numbers(narrower))?;
                f.write_str(if *is_exact { BEYOND_EXACT } else { BEYOND })
            }
            Self::ForeignHost(rule, host) => {
                write!(
                    f,
                    "access[{rule}].hosts: \"{host}\" is not a host of this tenant, so the rule never matches there; \
                     write one of its `hosts`, or add it there"
                )
            }
            Self::OwnPath(rule, path) => {
                write!(f, "access[{rule}].paths: \"{path}\" is answered by Tenantgate itself, before any rule")?;
                f.write_str("; remove it, or give that another path in `login`")
            }
            Self::NoBearer(rule) => {
                write!(
                    f,
                    "access[{rule}].allow: only bearer tokens have scopes, and without `bearer` this tenant takes none; \
                     add `bearer`, or name users, groups or roles"
                )
            }
        }
    }
}

/// The warnings about the rules of `tenant`. Every rule is compared with every other rule, so this
/// is for the command-line tool and not for the filter.
pub fn warnings(tenant: &Tenant) -> Vec<Warning> {
    let rules = tenant.access.rules();
    let email_counts = tenant.identity.email_can_be_verified() || !tenant.identity.require_email_verified;
    let mut warnings = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        let answered = rule.paths.iter().filter(|path| tenant.login.own_paths().any(|own| path.is_exactly(own)));
        warnings.extend(answered.map(|path| Warning::OwnPath(number, path.clone())));
        let foreign = rule.hosts.iter().filter(|host| !tenant.hosts.iter().any(|own| overlap(own, host)));
        warnings.extend(foreign.map(|host| Warning::ForeignHost(number, host.clone())));
        if tenant.bearer.is_none() && asks_for_scopes(rule) {
            warnings.push(Warning::NoBearer(number));
        }
        if !email_counts && asks_for_email(rule) {
            warnings.push(Warning::NoVerifiedEmail(number));
        }
        let before = rules.get(..number).unwrap_or_default();
        if let Some(by) = shadows(before, rule, &tenant.hosts) {
            warnings.push(Warning::Shadowed(number, by));
        }
    }
    // A rule that never matches leaves nothing open.
    let matches = |number: usize, warnings: &[Warning]| {
        !warnings.iter().any(|warning| matches!(warning, Warning::Shadowed(rule, _) if *rule == number))
    };
    let mut gaps = other_methods(&tenant.access);
    gaps.retain(|gap| matches(gap.rule, &warnings));
    let gaps = gaps.into_iter();
    warnings.extend(gaps.map(|gap| Warning::OtherMethods(gap.rule, gap.path, gap.by)));
    let mut below = left_below(&tenant.access);
    let is_own = |left: &LeftBelow| tenant.login.own_paths().any(|own| left.path.is_exactly(own));
    below.retain(|left| matches(left.rule, &warnings) && !is_own(left));
    let below = below.into_iter();
    warnings.extend(below.map(|left| Warning::LeftBelow(left.rule, left.position, left.whole, left.by)));
    warnings.extend(all_public(&tenant.access).map(Warning::AllPublic));
    let is_exact = tenant.access.policy().path_matching == PathMatching::Exact;
    warnings.extend(catch_alls(&tenant.access).into_iter().map(|(number, narrower)| match number {
        _ if number < rules.len() => Warning::CatchAll(number, narrower, is_exact),
        _ => Warning::OpenDefault(narrower, is_exact),
    }));
    warnings
}

fn asks_for_email(rule: &Rule) -> bool {
    matches!(&rule.verdict, Verdict::Allow(allow) if allow.is_about_email())
}

fn asks_for_scopes(rule: &Rule) -> bool {
    matches!(&rule.verdict, Verdict::Allow(allow) if allow.criteria().any(|criteria| !criteria.scopes.is_empty()))
}

/// The numbers of those rules in `before` that together match everything that `rule` could match:
/// each of its paths, on each host and with each method. `None` if some request is left to `rule`.
fn shadows(before: &[Rule], rule: &Rule, own: &[HostPattern]) -> Option<Vec<usize>> {
    let paths = if rule.paths.is_empty() { &[PathPattern::ALL][..] } else { &rule.paths };
    let hosts = if rule.hosts.is_empty() { own } else { &rule.hosts };
    let methods: Vec<Option<&String>> =
        if rule.methods.is_empty() { vec![None] } else { rule.methods.iter().map(Some).collect() };
    let mut by = Vec::new();
    for path in paths {
        for host in hosts {
            for &method in &methods {
                let covers = |earlier: &Rule| {
                    (earlier.client_ips.is_empty() || earlier.client_ips == rule.client_ips)
                        && covers(earlier, path, host, method)
                };
                by.push(before.iter().position(covers)?);
            }
        }
    }
    by.sort_unstable();
    by.dedup();
    Some(by)
}

fn decider(rule: Option<usize>) -> String {
    rule.map_or_else(|| "`access_default`".to_owned(), |rule| format!("access[{rule}]"))
}

fn numbers(rules: &[usize]) -> String {
    let names: Vec<String> = rules.iter().map(|number| format!("access[{number}]")).collect();
    names.join(" and ")
}

const BEYOND: &str = "; name what is open instead, and let the rest be denied";
const BEYOND_EXACT: &str = ", and also other spellings of those, because `path_matching` is exact; name what is open \
                            instead, and let the rest be denied";

fn covers(rule: &Rule, path: &PathPattern, host: &HostPattern, method: Option<&String>) -> bool {
    (rule.paths.is_empty() || rule.paths.iter().any(|own| own.covers(path)))
        && (rule.hosts.is_empty() || rule.hosts.iter().any(|own| host_covers(own, host)))
        && (rule.methods.is_empty() || method.is_some_and(|method| rule.methods.contains(method)))
}

/// Whether `a` matches every host that `b` matches.
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
    use crate::access::test_rule::rule;

    fn shadows_of(before: &[&str], last: &str) -> Option<Vec<usize>> {
        let before: Vec<Rule> = before.iter().map(|text| rule(text)).collect();
        let own = ["a.example", "*.a.example"].map(|host| HostPattern::parse(host).unwrap());
        shadows(&before, &rule(last), &own)
    }

    #[test]
    fn hosts_overlap_if_one_has_all_of_the_other() {
        let host = |text| HostPattern::parse(text).unwrap();
        for (a, b, expected) in [
            ("*.a.example", "b.a.example", true),
            ("*.a.example", "*.b.a.example", true),
            ("a.example", "a.example", true),
            ("a.example", "*.a.example", false),
            ("a.example", "b.example", false),
        ] {
            assert_eq!(overlap(&host(a), &host(b)), expected, "{a} {b}");
            assert_eq!(overlap(&host(b), &host(a)), expected, "{b} {a}");
        }
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
            (&["/a|||10.0.0.0/8", "/a|||::1"], "/a|||::1", &[1]),
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
            (&["/a|||10.0.0.0/8"], "/a"),
        ] {
            assert_eq!(shadows_of(before, last), None, "{before:?} {last}");
        }
    }
}

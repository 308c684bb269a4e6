//! What the rules leave open, for the operator.

use crate::tenant::access::{AccessRules, PathPattern, Rule, Verdict};

/// A path for some methods only. A rule that is not about this path decides about the others.
pub(super) struct OtherMethods {
    pub(super) rule: usize,
    pub(super) path: PathPattern,
    /// The rule that decides, or the default if there is none.
    pub(super) by: Option<usize>,
}

/// The paths that a rule keeps from some users for certain methods, where the other methods are
/// decided by a rule about all paths, or by a default that allows.
pub(super) fn other_methods(access: &AccessRules) -> Vec<OtherMethods> {
    let mut found = Vec::new();
    for (number, rule) in access.rules().iter().enumerate() {
        if rule.methods.is_empty() || !restricts(rule) {
            continue;
        }
        for path in rule.paths.iter().filter(|path| !path.covers(&PathPattern::ALL)) {
            let mut behind = access.rules().iter().enumerate().skip(number.saturating_add(1));
            let next = behind.find(|(_, next)| next.methods.is_empty() && is_for(next, rule) && is_about(next, path));
            if is_looser(next.map(|(_, next)| next), access) {
                found.push(OtherMethods { rule: number, path: path.clone(), by: next.map(|(by, _)| by) });
            }
        }
    }
    found
}

/// A path of a rule that keeps some users from it, and nothing that is below it.
pub(super) struct LeftBelow {
    pub(super) rule: usize,
    /// The position of the path in the rule.
    pub(super) position: usize,
    pub(super) path: PathPattern,
    /// The path with everything below it.
    pub(super) whole: PathPattern,
    /// The rule that decides about what is below, or the default if there is none.
    pub(super) by: Option<usize>,
}

/// The paths that a rule keeps from some users, where a rule about all paths, or a default that
/// allows, decides about what is below them.
pub(super) fn left_below(access: &AccessRules) -> Vec<LeftBelow> {
    let mut found = Vec::new();
    for (number, rule) in access.rules().iter().enumerate().filter(|(_, rule)| restricts(rule)) {
        for (position, path) in rule.paths.iter().enumerate() {
            let Some(whole) = path.with_below() else { continue };
            if rule.paths.iter().any(|own| own.covers(&whole)) {
                continue;
            }
            let mut behind = access.rules().iter().enumerate().skip(number.saturating_add(1));
            let next = behind.find(|(_, next)| {
                is_for(next, rule)
                    && (next.methods.is_empty() || next.methods == rule.methods)
                    && is_about(next, &whole)
            });
            if is_looser(next.map(|(_, next)| next), access) {
                found.push(LeftBelow { rule: number, position, path: path.clone(), whole, by: next.map(|(by, _)| by) });
            }
        }
    }
    found
}

/// The rule behind which everything is open to everybody, if no rule before it wants a user.
pub(super) fn all_public(access: &AccessRules) -> Option<usize> {
    let rules = access.rules();
    let first = rules.iter().position(is_catch_all).filter(|_| rules.iter().all(is_public))?;
    Some(first)
}

/// The rules that let every user, or everybody, reach all paths that no rule before them matches,
/// behind rules that keep some paths from some users. The number of the last one is that of the
/// default, which comes after all rules. Each has the numbers of the rules before it.
pub(super) fn catch_alls(access: &AccessRules) -> Vec<(usize, Vec<usize>)> {
    let rules = access.rules();
    let first = rules.iter().position(is_catch_all);
    let by_default = (first.is_none() && !access.policy().deny_by_default).then_some(rules.len());
    let with_narrower = |number: usize| {
        let before = rules.iter().take(number).enumerate();
        let narrower: Vec<usize> =
            before.filter(|(_, rule)| restricts(rule) && !is_about_all_paths(rule)).map(|(number, _)| number).collect();
        (!narrower.is_empty()).then_some((number, narrower))
    };
    first.or(by_default).and_then(with_narrower).into_iter().collect()
}

/// Whether the rule `next` is about all clients, and all hosts of `rule`.
fn is_for(next: &Rule, rule: &Rule) -> bool {
    next.client_ips.is_empty() && (next.hosts.is_empty() || next.hosts == rule.hosts)
}

/// Whether the rule is about every path of the pattern.
fn is_about(rule: &Rule, path: &PathPattern) -> bool {
    rule.paths.is_empty() || rule.paths.iter().any(|own| own.covers(path))
}

/// Whether the rule that decides is about all paths and lets users in, or else the default does.
fn is_looser(next: Option<&Rule>, access: &AccessRules) -> bool {
    match next {
        Some(next) => is_about_all_paths(next) && !matches!(next.verdict, Verdict::Deny),
        None => !access.policy().deny_by_default,
    }
}

fn is_catch_all(rule: &Rule) -> bool {
    let is_for_all = rule.methods.is_empty() && rule.hosts.is_empty() && rule.client_ips.is_empty();
    is_for_all && is_about_all_paths(rule) && matches!(rule.verdict, Verdict::AnyUser | Verdict::Public)
}

fn is_public(rule: &Rule) -> bool {
    matches!(rule.verdict, Verdict::Public)
}

fn restricts(rule: &Rule) -> bool {
    matches!(rule.verdict, Verdict::Allow(_) | Verdict::Deny)
}

fn is_about_all_paths(rule: &Rule) -> bool {
    is_about(rule, &PathPattern::ALL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::test_rule::rule;
    use crate::tenant::access::AccessPolicy;

    /// Which rules decide about what the first one leaves open, if the default denies: below its
    /// path, and with other methods.
    fn open(rules: [&str; 2]) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
        let policy = AccessPolicy { deny_by_default: true, ..AccessPolicy::default() };
        let access = AccessRules::new(rules.map(rule).into(), policy);
        let below = left_below(&access).into_iter().map(|left| left.by).collect();
        (below, other_methods(&access).into_iter().map(|other| other.by).collect())
    }

    #[test]
    fn a_rule_leaves_open_what_a_later_one_lets_in() {
        let (found, none) = (|| vec![Some(1)], Vec::new);
        for (rules, below, methods) in [
            (["/a||||deny", ""], found(), none()),
            (["/a/*||||deny", ""], none(), none()),
            (["/a|GET|||deny", ""], found(), found()),
            (["/a|GET|||deny", "|GET"], found(), none()),
            (["/a|GET|||deny", "|PUT"], none(), none()),
            (["/a|GET|||deny", "/b"], none(), none()),
            // For some clients or for other hosts only.
            (["/a|GET|||deny", "|||10.0.0.0/8"], none(), none()),
            (["/a|GET|a.example||deny", "||a.example"], found(), found()),
            (["/a|GET|a.example||deny", "||b.example"], none(), none()),
            (["/a|GET|a.example||deny", "||a.example|10.0.0.0/8"], none(), none()),
        ] {
            assert_eq!(open(rules), (below, methods), "{rules:?}");
        }
    }
}

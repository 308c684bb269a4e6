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
            let next = behind.find(|(_, next)| decides_other_methods(next, rule, path));
            let by = next.map(|(by, _)| by);
            let is_open = match next {
                Some((_, next)) => is_about_all_paths(next) && !matches!(next.verdict, Verdict::Deny),
                None => !access.policy().deny_by_default,
            };
            if is_open {
                found.push(OtherMethods { rule: number, path: path.clone(), by });
            }
        }
    }
    found
}

/// The rules that let every user, or everybody, reach all paths that no rule before them matches,
/// behind rules that keep some paths from some users. The number of the last one is that of the
/// default, which comes after all rules. Each has the numbers of the rules before it.
pub(super) fn catch_alls(access: &AccessRules) -> Vec<(usize, Vec<usize>)> {
    let rules = access.rules();
    let is_catch_all = |rule: &Rule| {
        let is_for_all = rule.methods.is_empty() && rule.hosts.is_empty() && rule.client_ips.is_empty();
        is_for_all && is_about_all_paths(rule) && matches!(rule.verdict, Verdict::AnyUser | Verdict::Public)
    };
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

/// Whether `next` decides about all methods of `path` that `rule` leaves to the rules behind it.
fn decides_other_methods(next: &Rule, rule: &Rule, path: &PathPattern) -> bool {
    next.methods.is_empty()
        && next.client_ips.is_empty()
        && (next.hosts.is_empty() || next.hosts == rule.hosts)
        && (next.paths.is_empty() || next.paths.iter().any(|own| own.covers(path)))
}

fn restricts(rule: &Rule) -> bool {
    matches!(rule.verdict, Verdict::Allow(_) | Verdict::Deny)
}

fn is_about_all_paths(rule: &Rule) -> bool {
    rule.paths.is_empty() || rule.paths.iter().any(|path| path.covers(&PathPattern::ALL))
}

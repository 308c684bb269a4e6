//! The decision of the rules in words, for the operator.

use std::fmt;

use super::error::AccessError;
use crate::tenant::access::{Allow, AnyOf, Criteria, NameSet, Verdict};

/// What the rules say about a request, whoever makes it.
#[derive(Debug)]
pub enum Description<'a> {
    /// Nobody gets in, for this reason.
    Refused(AccessError),
    /// The rule with this number decides, or the default if there is no number.
    Decided(Option<usize>, &'a Verdict),
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error @ AccessError::Ambiguous(_)) => write!(f, "400: {error}"),
            Self::Refused(error) => write!(f, "nobody: {error}"),
            Self::Decided(rule, verdict) => {
                match verdict {
                    Verdict::Public => f.write_str("everybody")?,
                    Verdict::AnyUser => f.write_str("every user")?,
                    Verdict::Allow(allow) => f.write_str(&conditions(allow))?,
                    Verdict::Deny => f.write_str("nobody")?,
                }
                match rule {
                    Some(rule) => write!(f, " (access[{rule}])"),
                    None => f.write_str(" (no rule)"),
                }
            }
        }
    }
}

/// Whom a rule allows, in words.
pub(super) fn conditions(allow: &Allow) -> String {
    let any = allow.any_of.as_ref().map(|any_of| format!("users with {}", any(any_of)));
    let all = allow.all_of.as_ref().map(|criteria| format!("with {}", all(criteria).join(" and ")));
    match (any, all) {
        (Some(any), Some(all)) => format!("{any}, and {all}"),
        (Some(any), None) => any,
        (None, Some(all)) => format!("users {all}"),
        (None, None) => "nobody".to_owned(),
    }
}

fn any(any_of: &AnyOf) -> String {
    let AnyOf { users, emails, email_domains, criteria } = any_of;
    let mut any = [named("name", users), named("e-mail", emails)].concat();
    any.extend(email_domains.iter().map(|domain| format!("e-mail at \"{domain}\"")));
    any.extend(all(criteria));
    any.join(" or ")
}

fn all(criteria: &Criteria) -> Vec<String> {
    let Criteria { groups, roles, scopes, claims } = criteria;
    let mut all = [named("group", groups), named("role", roles), named("scope", scopes)].concat();
    all.extend(claims.iter().map(|claim| format!("claim \"{}\"", claim.claim)));
    all
}

fn named(kind: &str, names: &NameSet) -> Vec<String> {
    names.iter().map(|name| format!("{kind} \"{name}\"")).collect()
}

//! The reasons why the access rules deny a request.

use std::fmt;

use super::path::Ambiguity;
use crate::base::encoding::escaped;

/// The reason why the access rules deny a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// The path has more than one reading.
    Ambiguous(Ambiguity),
    /// A rule is about the address of the client, which the host did not provide.
    ClientUnknown,
    /// The rule with this number denies the request to everybody. Without a number: no rule
    /// matches, and the default is deny.
    DeniedToAll(Option<usize>),
    /// A rule allows others than this identity.
    Denied(Denial),
    /// The identity belongs to another tenant.
    OtherTenant,
    /// The bearer token lacks scopes, and nothing else. These are all scopes that the rule names:
    /// it asks for one of them or for all of them.
    Scopes(Vec<String>),
}

/// Why a rule does not allow an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The number of the rule.
    pub rule: usize,
    /// The path of the request.
    pub path: String,
    /// Whom the rule allows, in words.
    pub allowed: String,
    /// The number of groups of the identity.
    pub groups: usize,
    /// The claim that names the groups, as it is configured.
    pub claim: String,
    /// Whether the rule is about e-mail addresses and the identity has none that counts.
    pub lacks_email: bool,
}

/// Writes at most [`MAX_LENGTH`] characters of the path and of who is allowed.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, path, allowed, groups, claim, lacks_email } = self;
        let (path, allowed) = (escaped(path, MAX_LENGTH), allowed.chars().take(MAX_LENGTH).collect::<String>());
        let plural = if *groups == 1 { "group" } else { "groups" };
        write!(f, "access[{rule}] does not allow this user on \"{path}\": it allows {allowed}; ")?;
        write!(f, "the user has {groups} {plural}")?;
        if *groups == 0 {
            write!(f, " of claim `{}`", escaped(claim, MAX_LENGTH))?;
        }
        f.write_str(if *lacks_email { " and no verified e-mail address" } else { "" })
    }
}

const MAX_LENGTH: usize = 200;

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous(ambiguity) => write!(f, "`:path` has {ambiguity}, which servers read in different ways"),
            Self::ClientUnknown => f.write_str("the host failed: it did not provide the address of the client"),
            Self::DeniedToAll(Some(rule)) => write!(f, "access[{rule}] denies the request to everyone"),
            Self::DeniedToAll(None) => f.write_str("no rule of `access` fits, and `access_default` is deny"),
            Self::Denied(denial) => denial.fmt(f),
            Self::OtherTenant => f.write_str("the identity belongs to another tenant"),
            Self::Scopes(_) => f.write_str("a required scope is missing"),
        }
    }
}

impl std::error::Error for AccessError {}

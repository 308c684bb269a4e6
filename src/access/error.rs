//! The reasons why the access rules deny a request.

use std::fmt;

use super::path::Ambiguity;

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
    /// The rule with this number does not allow this identity.
    Denied(usize),
    /// The identity belongs to another tenant.
    OtherTenant,
    /// The bearer token lacks scopes, and nothing else. These are all scopes that the rule names:
    /// it asks for one of them or for all of them.
    Scopes(Vec<String>),
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous(ambiguity) => write!(f, "`:path` has {ambiguity}, which servers read in different ways"),
            Self::ClientUnknown => f.write_str("the host failed: it did not provide the address of the client"),
            Self::DeniedToAll(Some(rule)) => write!(f, "access[{rule}] denies the request to everyone"),
            Self::DeniedToAll(None) => f.write_str("no rule of `access` fits, and `access_default` is deny"),
            Self::Denied(rule) => write!(f, "access[{rule}] does not allow this user"),
            Self::OtherTenant => f.write_str("the identity belongs to another tenant"),
            Self::Scopes(_) => f.write_str("a required scope is missing"),
        }
    }
}

impl std::error::Error for AccessError {}

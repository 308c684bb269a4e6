//! The reasons why a valid token gives no identity.

use std::fmt;

use crate::tenant::ClaimPath;

/// The reason why a valid token gives no identity. It names claims as the configuration does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityError {
    /// The e-mail address is the user name, and `email_verified` is not true.
    EmailUnverified,
    /// The claim for the user name is absent or empty.
    Missing(ClaimPath),
    /// The groups are objects, and one of them lacks the configured field.
    NoField(ClaimPath, String),
    /// The tenant requires a group, and the claim has none.
    NoGroups(ClaimPath),
    /// The issuer omitted the groups because the user has too many.
    Overage(ClaimPath),
    /// A claim has an unexpected type.
    WrongType(ClaimPath),
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmailUnverified => {
                f.write_str("the e-mail address names the user, and claim `email_verified` is not true")
            }
            Self::Missing(claim) => write!(f, "claim `{claim}`, which names the user, is missing or empty"),
            Self::NoField(claim, field) => write!(f, "claim `{claim}` has a group without a text `{field}`"),
            Self::NoGroups(claim) => write!(f, "claim `{claim}` names no group, and a group is required"),
            Self::Overage(claim) => {
                write!(f, "claim `{claim}` was left out by the issuer, because the user has too many groups")
            }
            Self::WrongType(claim) => write!(f, "claim `{claim}` is not text, or not a list of texts"),
        }
    }
}

impl std::error::Error for IdentityError {}

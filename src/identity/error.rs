//! Why a good token gives no identity.

use std::fmt;

use crate::tenant::ClaimPath;

/// Why a good token gives no identity. The names are those of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityError {
    /// The e-mail address is the user name, and the issuer does not say that it verified it.
    EmailUnverified,
    /// The claim for the user is absent or empty.
    Missing(ClaimPath),
    /// The groups are objects, and one lacks the field that names it.
    NoField(ClaimPath, String),
    /// There has to be a group, and there is none.
    NoGroups(ClaimPath),
    /// The issuer left the groups out, because they are too many for it.
    Overage(ClaimPath),
    /// A claim has another type than expected.
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

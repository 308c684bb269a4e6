//! The claims of a token that make up the identity.
//!
//! Scenarios: tests/scenarios/identity.rs.

use super::claim_path::ClaimPath;

/// The claims that make up the identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityClaims {
    /// The user name. A login without it is refused.
    pub user: ClaimPath,
    /// The e-mail address, which a token may lack.
    pub email: ClaimPath,
    /// Whether `email_verified` has to be true where the e-mail address identifies the user.
    pub require_email_verified: bool,
    /// Whether the upstream receives an address that is not verified.
    pub forward_unverified_email: bool,
    /// The groups.
    pub groups: GroupClaim,
    /// The other claims and scopes that an identity retains, because the tenant's configuration
    /// uses them.
    pub retained: RetainedClaims,
}

/// The claims and scopes that an identity retains besides user name, e-mail address and groups.
/// Others are not retained, because the size of a session is limited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetainedClaims {
    /// The claims. The identity stores each under its path as configured.
    pub claims: Vec<ClaimPath>,
    /// The scopes of bearer tokens.
    pub scopes: Vec<String>,
    /// Whether every scope of a bearer token is retained.
    pub every_scope: bool,
}

impl RetainedClaims {
    /// Adds claims, each once.
    #[must_use]
    pub fn and<'a>(mut self, claims: impl IntoIterator<Item = &'a ClaimPath>) -> Self {
        for claim in claims {
            if !self.claims.contains(claim) {
                self.claims.push(claim.clone());
            }
        }
        self
    }
}

impl IdentityClaims {
    /// Whether the user name is the e-mail address, and so only as reliable as the address.
    pub fn user_is_email(&self) -> bool {
        is_claim_email(&self.user) || self.user == self.email
    }

    /// Whether the e-mail address is the claim `email`. `email_verified` is about that claim only
    /// (OpenID Connect Core section 5.1).
    pub fn email_can_be_verified(&self) -> bool {
        is_claim_email(&self.email)
    }
}

fn is_claim_email(path: &ClaimPath) -> bool {
    match path {
        ClaimPath::Text(name) => name == "email",
        ClaimPath::Names(names) => names == &["email"],
    }
}

/// The claim that contains the groups, and how its values become group names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupClaim {
    /// The path of the claim.
    pub claim: ClaimPath,
    /// Whether a login without any group is refused.
    pub required: bool,
    /// The member that contains the name of a group, if groups are objects.
    pub field: Option<String>,
    /// Whether a distinguished name is reduced to its common name.
    pub common_name: bool,
    /// The prefix that is removed from a group that begins with it. It may be empty.
    pub strip_prefix: String,
    /// The suffix that is removed from a group that ends with it. It may be empty.
    pub strip_suffix: String,
}

//! Which claims of a token make the identity.

use super::claim_path::ClaimPath;

/// Which claims make the identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityClaims {
    /// The user name; a login without it is refused.
    pub user: ClaimPath,
    /// The e-mail address; optional in the token.
    pub email: ClaimPath,
    /// Whether `email_verified` has to be true where somebody is known by the e-mail address.
    pub require_email_verified: bool,
    /// The groups.
    pub groups: GroupClaim,
    /// What else an identity keeps, because something of the tenant's configuration needs it.
    pub retained: RetainedClaims,
}

/// Claims and scopes that an identity keeps beside user, e-mail address and groups. A session has room for little more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetainedClaims {
    /// Claims, found again by their path as configured.
    pub claims: Vec<ClaimPath>,
    /// Scopes of API clients.
    pub scopes: Vec<String>,
}

impl RetainedClaims {
    /// These claims, too.
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
    /// Whether the user name is the e-mail address, and so only as good as that.
    pub fn user_is_email(&self) -> bool {
        let is_standard = match &self.user {
            ClaimPath::Text(name) => name == "email",
            ClaimPath::Names(names) => names == &["email"],
        };
        is_standard || self.user == self.email
    }
}

/// Where the groups are, and what makes a group of each value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupClaim {
    /// The claim.
    pub claim: ClaimPath,
    /// Whether a login without any group is refused.
    pub required: bool,
    /// The member that names a group, where groups are objects.
    pub field: Option<String>,
    /// Whether a distinguished name is reduced to its common name.
    pub common_name: bool,
    /// Taken off where a group begins with it; may be empty.
    pub strip_prefix: String,
    /// Taken off where a group ends with it; may be empty.
    pub strip_suffix: String,
}

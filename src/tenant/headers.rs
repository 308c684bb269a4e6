//! The headers in which the upstream receives the identity.
//!
//! Scenarios: tests/scenarios/forward.rs.

use super::claim_path::ClaimPath;
use crate::http::header_name::FoldedNames;

/// The names of the headers in which the upstream receives the identity, and what happens to the
/// credentials of the client.
///
/// The names are in lower case and all different after [`fold`](crate::http::header_name::fold).
/// `None`: the upstream does not receive the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeaders {
    /// The header of the user name.
    pub user: Option<String>,
    /// The header of the e-mail address.
    pub email: Option<String>,
    /// The header of the groups.
    pub groups: Option<String>,
    /// The header of the roles.
    pub roles: Option<String>,
    /// The header of the tenant's name.
    pub tenant: Option<String>,
    /// Other claims: the header and the path of each claim.
    pub claims: Vec<(String, ClaimPath)>,
    /// The header of the access token of the login. In `authorization` the token has the scheme
    /// `Bearer`.
    pub access_token: Option<String>,
    /// The header of the ID token of the login. In `authorization` the token has the scheme
    /// `Bearer`.
    pub id_token: Option<String>,
    /// The form of groups, roles and claims that are lists.
    pub lists: ListForm,
    /// Whether the upstream receives the client's `Authorization` header.
    pub authorization: ForwardedAuthorization,
    /// Names that upstreams commonly trust and that this tenant's clients may send all the same.
    pub(crate) passed: FoldedNames,
}

/// The form of several values in header lines. The recipient can restore the values from each form,
/// see `upstream::header_encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListForm {
    /// One line of percent-encoded values, separated by this byte.
    Separated(u8),
    /// One line with a JSON array in ASCII.
    Json,
    /// One line for each value, percent-encoded. Commas are encoded, too.
    Lines,
}

/// What happens to the client's `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedAuthorization {
    /// The header is removed.
    Remove,
    /// The header is forwarded if it is the bearer token that Tenantgate verified.
    Verified,
    /// The header is forwarded, whatever its value is. An unverified one is removed if the name is
    /// protected.
    Any,
}

impl ForwardedAuthorization {
    /// Whether the header is forwarded with a request. `verified`: Tenantgate took the identity
    /// from it. `is_protected`: the name is one under which Tenantgate may send an identity or an
    /// assertion, so an upstream may trust its value.
    pub(crate) fn stays(self, verified: bool, is_protected: bool) -> bool {
        match self {
            Self::Remove => false,
            Self::Verified => verified,
            Self::Any => verified || !is_protected,
        }
    }
}

impl IdentityHeaders {
    /// The names of all headers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let Self {
            user,
            email,
            groups,
            roles,
            tenant,
            claims,
            access_token,
            id_token,
            lists: _,
            authorization: _,
            passed: _,
        } = self;
        let named = [user, email, groups, roles, tenant, access_token, id_token].into_iter().flatten();
        named.chain(claims.iter().map(|(header, _)| header)).map(String::as_str)
    }
}

/// The default header of the user name. The default names are those of oauth2-proxy where it has
/// one.
pub const DEFAULT_USER: &str = "x-auth-request-user";
/// See [`DEFAULT_USER`].
pub const DEFAULT_EMAIL: &str = "x-auth-request-email";
/// See [`DEFAULT_USER`].
pub const DEFAULT_GROUPS: &str = "x-auth-request-groups";
/// See [`DEFAULT_USER`].
pub const DEFAULT_ROLES: &str = "x-auth-request-roles";
/// See [`DEFAULT_USER`].
pub const DEFAULT_TENANT: &str = "x-auth-request-tenant";
/// See [`DEFAULT_USER`].
pub const DEFAULT_PREFERRED_USERNAME: &str = "x-auth-request-preferred-username";
/// The default header of the signed assertion.
pub const DEFAULT_ASSERTION: &str = "x-tenantgate-assertion";

/// All default names. They are protected even if every tenant has other names, because an upstream
/// may trust them.
pub(crate) const DEFAULT_NAMES: [&str; 7] = [
    DEFAULT_USER,
    DEFAULT_EMAIL,
    DEFAULT_GROUPS,
    DEFAULT_ROLES,
    DEFAULT_TENANT,
    DEFAULT_PREFERRED_USERNAME,
    DEFAULT_ASSERTION,
];

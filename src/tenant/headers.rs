//! Under which names the upstream receives the identity.

use super::claim_path::ClaimPath;

/// Under which names the upstream receives the identity, in lower case, all different after [`fold`](crate::http::header_name::fold); and what happens to
/// the credentials of the client. `None`: the upstream does not receive it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeaders {
    /// The user name.
    pub user: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The groups.
    pub groups: Option<String>,
    /// The roles.
    pub roles: Option<String>,
    /// The tenant.
    pub tenant: Option<String>,
    /// Further claims, each the header and the claim.
    pub claims: Vec<(String, ClaimPath)>,
    /// The access token of the login. `authorization` gets it as `Bearer`.
    pub access_token: Option<String>,
    /// The ID token of the login, likewise.
    pub id_token: Option<String>,
    /// How groups, roles and claims that are lists are written.
    pub lists: ListForm,
    /// Whether the upstream receives `Authorization`.
    pub authorization: ForwardedAuthorization,
}

/// How several values become header lines. Each can be read back, see `upstream::header_lines`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListForm {
    /// One line, this byte between the values, which are percent-encoded.
    Separated(u8),
    /// One line: a JSON array in ASCII.
    Json,
    /// One line for each value, percent-encoded, a comma too.
    Lines,
}

/// What happens to the `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedAuthorization {
    /// It goes.
    Remove,
    /// It stays if it is the bearer token that the gate verified.
    Verified,
    /// It stays, whatever it is.
    Any,
}

impl ForwardedAuthorization {
    /// Whether the header stays on a request. `verified`: the gate took the identity from it. `says_who`: an upstream of this gate takes
    /// it for the gate's word.
    pub(crate) fn stays(self, verified: bool, says_who: bool) -> bool {
        match self {
            Self::Remove => false,
            Self::Verified => verified,
            Self::Any => verified || !says_who,
        }
    }
}

impl IdentityHeaders {
    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let Self { user, email, groups, roles, tenant, claims, access_token, id_token, lists: _, authorization: _ } =
            self;
        let named = [user, email, groups, roles, tenant, access_token, id_token].into_iter().flatten();
        named.chain(claims.iter().map(|(header, _)| header)).map(String::as_str)
    }
}

/// The default names, as oauth2-proxy has them where it has one.
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
/// Where the signed assertion goes.
pub const DEFAULT_ASSERTION: &str = "x-tenantgate-assertion";

/// All of them. They are protected whatever a tenant calls its headers: an upstream may know the gate by them.
pub(crate) const DEFAULT_NAMES: [&str; 7] = [
    DEFAULT_USER,
    DEFAULT_EMAIL,
    DEFAULT_GROUPS,
    DEFAULT_ROLES,
    DEFAULT_TENANT,
    DEFAULT_PREFERRED_USERNAME,
    DEFAULT_ASSERTION,
];

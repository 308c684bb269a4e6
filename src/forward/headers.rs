use std::collections::BTreeMap;

/// What the upstream receives, and the names under which the client may say nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeaders {
    names: HeaderNames,
    /// What the names and the default ones fold to.
    protected: Vec<String>,
}

/// Under which names the upstream receives the identity, in lower case, all different after [`fold`]; and what happens to the
/// credentials of the client. `None`: the upstream does not receive it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderNames {
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
    pub claims: BTreeMap<String, String>,
    /// How groups, roles and claims that are lists are written.
    pub lists: ListForm,
    /// Whether the upstream receives `Authorization`.
    pub authorization: Authorization,
}

/// How several values become header lines. Each can be read back, see [`Lines`](super::lines::Lines).
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
pub enum Authorization {
    /// It goes.
    Remove,
    /// It stays if it is the bearer token that the gate verified.
    Verified,
    /// It stays, whatever it is.
    Any,
}

impl Authorization {
    /// Whether the header stays on a request; `verified`: the gate took the identity from it.
    pub(super) fn stays(self, verified: bool) -> bool {
        match self {
            Self::Remove => false,
            Self::Verified => verified,
            Self::Any => true,
        }
    }
}

impl IdentityHeaders {
    /// Headers of these names. The default ones are protected as well: an upstream may know the gate by them, whatever they were
    /// renamed to.
    pub fn new(names: HeaderNames) -> Self {
        let named = [&names.user, &names.email, &names.groups, &names.roles, &names.tenant].into_iter().flatten();
        let all = named.chain(names.claims.keys()).map(String::as_str).chain(DEFAULT_NAMES);
        Self { protected: all.map(fold).collect(), names }
    }

    /// The names.
    pub fn names(&self) -> &HeaderNames {
        &self.names
    }

    /// Whether the client may say nothing under names that fold to this.
    pub(super) fn protects(&self, folded: &str) -> bool {
        self.protected.iter().any(|protected| protected == folded)
    }
}

/// What a header name becomes on its way into a CGI or WSGI variable, where `X-A`, `x_a` and `x.a` are one name: lower case,
/// and `-` for everything that is no letter or digit.
///
/// White space around a name is none of it: some servers cut it off.
pub fn fold(name: &str) -> String {
    name.trim().chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
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

const DEFAULT_NAMES: [&str; 7] = [
    DEFAULT_USER,
    DEFAULT_EMAIL,
    DEFAULT_GROUPS,
    DEFAULT_ROLES,
    DEFAULT_TENANT,
    DEFAULT_PREFERRED_USERNAME,
    DEFAULT_ASSERTION,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_makes_one_name_of_what_a_server_might() {
        for name in [
            "x-auth-request-user",
            "X_Auth_Request_User",
            "x.auth.request.user",
            "X-AUTH REQUEST/USER",
            "x-auth-request-user ",
            "x-auth-request\u{fc}user",
        ] {
            assert_eq!(fold(name), "x-auth-request-user", "{name}");
        }
        assert_ne!(fold("x-auth-request-user-"), "x-auth-request-user");
    }
}

//! The scopes of the authorization request.
//!
//! Scenarios: tests/scenarios/scopes.rs.

/// The scopes of the authorization request (RFC 6749 section 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scopes {
    /// The scopes that the configuration names, each once. `openid` is one of them.
    Configured(Vec<String>),
    /// `openid`, `profile` and `email`, and those of [`OptionalScopes`] that the issuer has. Some
    /// issuers answer a scope that they do not know with `invalid_scope`, so nobody could sign in.
    Default,
}

/// Whether an issuer has the scopes that are asked for by default, but that not every issuer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionalScopes {
    /// `groups`, which no specification defines.
    pub groups: bool,
    /// `offline_access` (OpenID Connect Core section 11), of use only if sessions are refreshed.
    pub offline_access: bool,
}

impl OptionalScopes {
    /// What is assumed of an issuer whose metadata are not fetched.
    pub const NOT_DISCOVERED: Self = Self { groups: true, offline_access: false };
    /// What is assumed of an issuer whose metadata list no scopes: the list is recommended only
    /// (OpenID Connect Discovery 1.0 section 3), so the issuer has what OpenID Connect Core
    /// defines.
    pub const NOT_LISTED: Self = Self { groups: false, offline_access: true };
}

impl Scopes {
    /// The `scope` parameter for an issuer that has these scopes. `refreshes` is whether sessions
    /// are refreshed.
    pub fn parameter(&self, has: OptionalScopes, refreshes: bool) -> String {
        match self {
            Self::Configured(scopes) => scopes.join(" "),
            Self::Default => {
                let groups = if has.groups { " groups" } else { "" };
                let offline_access = if has.offline_access && refreshes { " offline_access" } else { "" };
                ["openid profile email", groups, offline_access].concat()
            }
        }
    }
}

//! The bearer tokens that a tenant accepts.
//!
//! Scenarios: tests/scenarios/bearer.rs.

/// The requirements for bearer tokens (RFC 6750).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The accepted audiences, at least one. `aud` of the token has to contain one of them.
    pub audiences: Vec<String>,
    /// The required scopes. `scope` of the token has to contain all of them.
    pub scopes: Vec<String>,
    /// The required claims. The token has to have all of them.
    pub claims: Vec<RequiredClaim>,
    /// Whether an ID token for one of the audiences is also accepted.
    pub id_tokens: bool,
}

/// A claim that a token has to have. Its value is one of `values`, or a list that contains one of
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredClaim {
    /// The name of a top-level claim. It is never a path, because a name may be a URL, which has
    /// dots.
    pub name: String,
    /// The accepted values, at least one.
    pub values: Vec<String>,
}

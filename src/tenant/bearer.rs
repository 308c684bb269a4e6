//! Which bearer tokens a tenant accepts.

/// Which bearer tokens are accepted (RFC 6750).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The token has to be for one of these (`aud`); at least one.
    pub audiences: Vec<String>,
    /// The token has to have all of these (`scope`).
    pub scopes: Vec<String>,
    /// The token has to satisfy all of these.
    pub claims: Vec<RequiredClaim>,
    /// Whether an ID token for one of the audiences is accepted, too.
    pub id_tokens: bool,
}

/// A claim that a token has to have: one of `values`, or a list with one of them in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredClaim {
    /// The name of a member of the token, never a path: names may be URLs, which have dots.
    pub name: String,
    /// The values that are enough; at least one.
    pub values: Vec<String>,
}

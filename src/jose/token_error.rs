//! Why a token is not believed.

use std::fmt;

/// Why a token was refused. It names the check and never holds a byte of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// A claim has a type or form that its definition does not allow.
    Claim(&'static str),
    /// `exp` has passed.
    Expired,
    /// Not a JWS in compact serialization with a JSON header and JSON claims.
    Malformed,
    /// A required claim is absent.
    MissingClaim(&'static str),
    /// `iat` or `nbf` lies in the future.
    NotYetValid(&'static str),
    /// The header has a parameter that must not be there.
    Parameter(&'static str),
    /// A token that counts once was taken before.
    Replayed,
    /// No key of the tenant verifies the signature.
    Signature,
    /// Longer than any token that is accepted.
    TooLong,
    /// The person signed in at the issuer longer ago than `login.max_age` allows.
    TooOld,
    /// No key of the tenant fits the algorithm and `kid` of the header.
    UnknownKey,
    /// The algorithm is not one that is accepted.
    UnsupportedAlgorithm,
    /// A claim does not have the value that is expected.
    WrongClaim(&'static str),
    /// `typ`, or a claim, shows that it is another kind of token.
    WrongType,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim(claim) => write!(f, "claim `{claim}` has a value of the wrong type or form"),
            Self::Expired => f.write_str("claim `exp` has passed"),
            Self::Malformed => f.write_str("not a JWS in compact serialization over JSON"),
            Self::MissingClaim(claim) => write!(f, "claim `{claim}` is missing"),
            Self::NotYetValid(claim) => write!(f, "claim `{claim}` lies in the future"),
            Self::Parameter(name) => write!(f, "header parameter `{name}` is not accepted"),
            Self::Replayed => f.write_str("a token with this `jti` was taken before"),
            Self::Signature => f.write_str("the signature does not verify with the tenant's keys"),
            Self::TooLong => f.write_str("the token is too long"),
            Self::TooOld => f.write_str("claim `auth_time` is older than `login.max_age` allows"),
            Self::UnknownKey => f.write_str("none of the tenant's keys has the algorithm and `kid` of the token"),
            Self::UnsupportedAlgorithm => f.write_str("the algorithm of the token is not accepted"),
            Self::WrongClaim(claim) => write!(f, "claim `{claim}` does not have the expected value"),
            Self::WrongType => f.write_str("another kind of token than was expected"),
        }
    }
}

impl std::error::Error for TokenError {}

//! The reasons why a token is rejected.

use std::fmt;

/// The reason why a token was rejected. It names the check and contains no part of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// The filter itself would have to verify the signature, and has done that too often for the
    /// tenant in this moment. The token may be valid.
    Busy,
    /// A claim has a type or form that its definition does not allow.
    Claim(&'static str),
    /// The time in `exp` has passed.
    Expired,
    /// The header is longer than any that an issuer sends.
    HeaderTooLong,
    /// The token is not a JWS in compact serialization with a JSON header and JSON claims.
    Malformed,
    /// A required claim is absent.
    MissingClaim(&'static str),
    /// This claim (`iat`, `nbf` or `auth_time`) is a time in the future.
    NotYetValid(&'static str),
    /// The key with the `kid` of the header is for another algorithm (RFC 8725 section 3.1).
    OtherAlgorithm,
    /// The issuer signs ID tokens with other algorithms.
    OtherIdTokenAlgorithm,
    /// The header has a parameter that is not accepted, or one of the wrong type or length.
    Parameter(&'static str),
    /// A logout token with the same `jti` was accepted before.
    Replayed,
    /// The signature does not verify with any of the tenant's keys.
    Signature,
    /// The token is longer than the limit.
    TooLong,
    /// The user authenticated at the issuer longer ago than `login.max_age` allows (`auth_time`).
    TooOld,
    /// None of the tenant's keys has the algorithm and `kid` of the header, or those that have them
    /// do not verify the signature and a fetch may return one that does.
    UnknownKey,
    /// The algorithm is not supported.
    UnsupportedAlgorithm,
    /// `aud` has an audience that is neither the client nor a trusted one.
    UntrustedAudience,
    /// A claim does not have the expected value.
    WrongClaim(&'static str),
    /// `typ` or a claim shows that this is a token of another kind.
    WrongType,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too many signatures of the tenant had to be verified in this moment"),
            Self::Claim(claim) => write!(f, "claim `{claim}` has a value of the wrong type or form"),
            Self::Expired => f.write_str("claim `exp` has passed"),
            Self::HeaderTooLong => f.write_str("the header of the token is longer than 1024 bytes"),
            Self::Malformed => f.write_str("not a JWS in compact serialization over JSON"),
            Self::MissingClaim(claim) => write!(f, "claim `{claim}` is missing"),
            Self::NotYetValid(claim) => write!(f, "claim `{claim}` lies in the future"),
            Self::OtherAlgorithm => f.write_str("the key with the `kid` of the token is for another algorithm"),
            Self::OtherIdTokenAlgorithm => f.write_str(
                "the algorithm is not one of `id_token_signed_response_alg`, or of those that the issuer publishes",
            ),
            Self::Parameter(name) => write!(f, "header parameter `{name}` is not accepted"),
            Self::Replayed => f.write_str("a token with this `jti` was accepted before"),
            Self::Signature => f.write_str("the signature does not verify with the tenant's keys"),
            Self::TooLong => f.write_str("the token is too long"),
            Self::TooOld => f.write_str("claim `auth_time` is older than `login.max_age` allows"),
            Self::UnknownKey => {
                f.write_str("no key of the tenant with the algorithm and `kid` of the token verifies it")
            }
            Self::UnsupportedAlgorithm => f.write_str("the algorithm of the token is not accepted"),
            Self::UntrustedAudience => {
                f.write_str("claim `aud` has a value that is neither `client_id` nor one of `trusted_audiences`")
            }
            Self::WrongClaim(claim) => write!(f, "claim `{claim}` does not have the expected value"),
            Self::WrongType => f.write_str("the token is of another kind than expected"),
        }
    }
}

impl std::error::Error for TokenError {}

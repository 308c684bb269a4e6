//! The reasons why a back-channel logout request is refused.

use std::fmt;

use crate::env::HostFailure;
use crate::http::request::BodyError;
use crate::jose::TokenError;

/// The reason why a back-channel logout request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogoutError {
    /// The body could not be read or is too long.
    Body(BodyError),
    /// The signature was not verified ([`TokenError::Busy`]).
    Busy,
    /// A function of the host failed.
    Host(HostFailure),
    /// The key that signed the logout token is unknown. The JWK Set will be fetched.
    KeyUnknown,
    /// The request is not a POST of a form with exactly one logout token.
    Malformed,
    /// The store did not take the revocation, so other replicas do not know it.
    NotStored,
    /// The logout token is invalid.
    Token(TokenError),
}

impl fmt::Display for LogoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(error) => error.fmt(f),
            Self::Busy => TokenError::Busy.fmt(f),
            Self::Host(failure) => failure.fmt(f),
            Self::KeyUnknown => {
                f.write_str("the key of the logout token is not known; the issuer's keys are fetched at the next tick")
            }
            Self::Malformed => f.write_str("there has to be a POST of a form with one `logout_token`"),
            Self::NotStored => f.write_str("etcd did not take the sign-out, so other replicas do not know it"),
            Self::Token(error) => write!(f, "logout token: {error}"),
        }
    }
}

impl std::error::Error for LogoutError {}

impl From<HostFailure> for LogoutError {
    fn from(failure: HostFailure) -> Self {
        Self::Host(failure)
    }
}

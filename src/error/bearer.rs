//! The reasons why a bearer token does not authenticate a request.

use std::fmt;

use crate::env::HostFailure;
use crate::identity::IdentityError;
use crate::jose::TokenError;
use crate::token::{AccessTokenError, Shortfall, TokenDetail};

/// The reason why a bearer token does not authenticate a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BearerError {
    /// The signature was not verified ([`TokenError::Busy`]).
    Busy,
    /// A function of the host failed.
    Host(HostFailure),
    /// The token lacks a claim that the identity needs.
    Identity(IdentityError),
    /// The token is valid and lacks a scope or a claim that the tenant requires.
    Insufficient(Shortfall),
    /// The token is invalid.
    Invalid(TokenError, TokenDetail),
    /// The `Authorization` header is repeated, or it is `Bearer` without exactly one token.
    Malformed,
    /// The tenant accepts no bearer tokens.
    NotAccepted,
}

impl fmt::Display for BearerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => TokenError::Busy.fmt(f),
            Self::Host(failure) => failure.fmt(f),
            Self::Identity(error) => error.fmt(f),
            Self::Insufficient(shortfall) => shortfall.fmt(f),
            Self::Invalid(error, detail) => write!(f, "{error}{detail}"),
            Self::Malformed => f.write_str("there has to be one Authorization header with one token"),
            Self::NotAccepted => f.write_str("bearer tokens are not accepted here"),
        }
    }
}

impl std::error::Error for BearerError {}

impl From<HostFailure> for BearerError {
    fn from(failure: HostFailure) -> Self {
        Self::Host(failure)
    }
}

impl From<IdentityError> for BearerError {
    fn from(error: IdentityError) -> Self {
        Self::Identity(error)
    }
}

impl From<AccessTokenError> for BearerError {
    fn from(error: AccessTokenError) -> Self {
        match error {
            AccessTokenError::Insufficient(shortfall) => Self::Insufficient(shortfall),
            AccessTokenError::Refused(TokenError::Busy) => Self::Busy,
            AccessTokenError::Refused(error) => Self::Invalid(error, TokenDetail::default()),
        }
    }
}

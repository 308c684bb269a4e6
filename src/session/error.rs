//! Why a verified login gives no session.

use std::fmt;

use crate::env::HostFailure;
use crate::identity::IdentityError;

/// Why a verified login gives no session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionError {
    /// The host could not give randomness or a seal.
    Host(HostFailure),
    /// The token does not say who it is.
    Identity(IdentityError),
    /// Browsers would not keep the cookies.
    TooLarge,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(failure) => failure.fmt(f),
            Self::Identity(error) => error.fmt(f),
            Self::TooLarge => f.write_str("the session does not fit into five cookies of 4,096 bytes"),
        }
    }
}

impl std::error::Error for SessionError {}

impl From<HostFailure> for SessionError {
    fn from(failure: HostFailure) -> Self {
        Self::Host(failure)
    }
}

impl From<IdentityError> for SessionError {
    fn from(error: IdentityError) -> Self {
        Self::Identity(error)
    }
}

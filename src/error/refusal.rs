//! The reason why a request is refused, with a variant for each flow.

use std::fmt;

use super::bearer::BearerError;
use super::login::LoginError;
use super::logout::LogoutError;
use super::request::RequestError;
use crate::access::AccessError;
use crate::env::HostFailure;

/// The reason why a request is refused. `Display` gives the reason for the log. It may contain the
/// name of a claim, a status code or the escaped error of a token endpoint, and no other value that
/// the client or the issuer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The access rules of the tenant deny the request.
    Access(AccessError),
    /// The bearer token does not authenticate the request.
    Bearer(BearerError),
    /// A function of the host failed.
    Host(HostFailure),
    /// The login failed.
    Login(LoginError),
    /// The back-channel logout request is not accepted.
    Logout(LogoutError),
    /// The request is refused before a flow begins.
    Request(RequestError),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Access(error) => error.fmt(f),
            Self::Bearer(error) => error.fmt(f),
            Self::Host(failure) => failure.fmt(f),
            Self::Login(error) => error.fmt(f),
            Self::Logout(error) => error.fmt(f),
            Self::Request(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}

impl From<BearerError> for Refusal {
    fn from(error: BearerError) -> Self {
        Self::Bearer(error)
    }
}

impl From<HostFailure> for Refusal {
    fn from(failure: HostFailure) -> Self {
        Self::Host(failure)
    }
}

impl From<LoginError> for Refusal {
    fn from(error: LoginError) -> Self {
        Self::Login(error)
    }
}

impl From<LogoutError> for Refusal {
    fn from(error: LogoutError) -> Self {
        Self::Logout(error)
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

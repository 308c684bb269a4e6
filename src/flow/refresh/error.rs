//! Why a session was not refreshed. No client gets this error: it decides what becomes of the session.

use std::fmt;

use crate::base::event::Level;
use crate::env::HostFailure;
use crate::http::call::CallFailure;
use crate::identity::IdentityError;
use crate::jose::TokenError;
use crate::oauth::{OAuthErrorCode, TokenResponseError, UserinfoError};
use crate::session::SessionError;
use crate::token::SubjectMismatch;

/// Why a session was not refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RefreshError {
    /// The host could not do its part.
    Host(HostFailure),
    /// The new ID token does not say who it is.
    Identity(IdentityError),
    /// An endpoint of the issuer could not be reached.
    ProviderUnreachable(CallFailure),
    /// The new session does not fit into the cookies that a browser keeps.
    SessionTooLarge,
    /// The UserInfo endpoint speaks of somebody else.
    SubjectMismatch,
    /// The new ID token fails a check.
    Token(TokenError),
    /// The token endpoint answered, but not with tokens.
    TokenResponse(TokenResponseError),
    /// The UserInfo endpoint answered, but not with claims.
    Userinfo(UserinfoError),
}

impl RefreshError {
    /// Whether the issuer rejected the refresh, or sent something that cannot be believed. Everything else counts as
    /// an outage. A UserInfo endpoint that does not accept the access token which the issuer gave a moment ago
    /// (RFC 6750 section 3.1) rejects it, too.
    pub(super) fn is_rejection(&self) -> bool {
        match self {
            Self::Identity(_) | Self::SessionTooLarge | Self::SubjectMismatch | Self::Token(_) => true,
            Self::TokenResponse(TokenResponseError::OAuth(error)) => error.rejects_grant(),
            Self::TokenResponse(_) => false,
            Self::Userinfo(error) => *error == UserinfoError::Status(401),
            Self::Host(_) | Self::ProviderUnreachable(_) => false,
        }
    }
}

impl RefreshError {
    /// The log level of a refresh that failed. An issuer that does not know the client refuses
    /// every refresh until an operator corrects the configuration or the registration.
    pub(super) fn level(&self) -> Level {
        let is_unknown_client = matches!(self, Self::TokenResponse(TokenResponseError::OAuth(error))
            if error.code == OAuthErrorCode::InvalidClient);
        if is_unknown_client { Level::Error } else { Level::Warn }
    }
}

impl fmt::Display for RefreshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(failure) => failure.fmt(f),
            Self::Identity(error) => write!(f, "ID token: {error}"),
            Self::ProviderUnreachable(failure) => failure.fmt(f),
            Self::SessionTooLarge => SessionError::TooLarge.fmt(f),
            Self::SubjectMismatch => SubjectMismatch.fmt(f),
            Self::Token(error) => write!(f, "ID token: {error}"),
            Self::TokenResponse(error) => write!(f, "token endpoint: {error}"),
            Self::Userinfo(error) => write!(f, "UserInfo endpoint: {error}"),
        }
    }
}

impl std::error::Error for RefreshError {}

impl From<HostFailure> for RefreshError {
    fn from(failure: HostFailure) -> Self {
        Self::Host(failure)
    }
}

impl From<IdentityError> for RefreshError {
    fn from(error: IdentityError) -> Self {
        Self::Identity(error)
    }
}

impl From<SessionError> for RefreshError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Host(failure) => Self::Host(failure),
            SessionError::Identity(error) => Self::Identity(error),
            SessionError::TooLarge => Self::SessionTooLarge,
        }
    }
}

impl From<SubjectMismatch> for RefreshError {
    fn from(SubjectMismatch: SubjectMismatch) -> Self {
        Self::SubjectMismatch
    }
}

impl From<TokenError> for RefreshError {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<TokenResponseError> for RefreshError {
    fn from(error: TokenResponseError) -> Self {
        Self::TokenResponse(error)
    }
}

impl From<UserinfoError> for RefreshError {
    fn from(error: UserinfoError) -> Self {
        Self::Userinfo(error)
    }
}

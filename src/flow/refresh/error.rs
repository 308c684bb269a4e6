//! The reasons why a session was not refreshed. They decide whether the session continues or ends;
//! no client gets them as an answer.
//!
//! Scenarios: `tests/scenarios/refresh.rs`.

use std::fmt;

use crate::base::event::Level;
use crate::env::HostFailure;
use crate::http::call::CallFailure;
use crate::identity::IdentityError;
use crate::jose::TokenError;
use crate::oauth::{OAuthErrorCode, ProviderUnreachable, TokenResponseError, UserinfoError};
use crate::session::SessionError;
use crate::token::{SubjectMismatch, TokenDetail};

/// The reason why a session was not refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RefreshError {
    /// A function of the host failed.
    Host(HostFailure),
    /// The new ID token lacks a claim that the identity needs.
    Identity(IdentityError),
    /// An endpoint of the issuer could not be reached.
    ProviderUnreachable(ProviderUnreachable),
    /// The new session does not fit into the cookies that a browser stores.
    SessionTooLarge,
    /// `sub` of the UserInfo response differs from `sub` of the session.
    SubjectMismatch,
    /// The new ID token is invalid.
    Token(TokenError, TokenDetail),
    /// The response of the token endpoint has no valid tokens.
    TokenResponse(TokenResponseError),
    /// The response of the UserInfo endpoint has no valid claims.
    Userinfo(UserinfoError),
}

impl RefreshError {
    /// Whether the issuer rejected the refresh or sent something invalid. Every other error counts
    /// as an outage. A 401 of the UserInfo endpoint for the access token that the issuer just
    /// issued (RFC 6750 section 3.1) is a rejection, too.
    pub(super) fn is_rejection(&self) -> bool {
        match self {
            Self::Identity(_) | Self::SessionTooLarge | Self::SubjectMismatch | Self::Token(..) => true,
            Self::TokenResponse(TokenResponseError::OAuth(error)) => error.rejects_grant(),
            Self::TokenResponse(_) => false,
            Self::Userinfo(error) => *error == UserinfoError::Status(401),
            Self::Host(_) | Self::ProviderUnreachable(_) => false,
        }
    }
}

impl RefreshError {
    /// Whether the new ID token is invalid, or the claims are about another user.
    pub(super) fn is_about_token(&self) -> bool {
        matches!(self, Self::Token(..) | Self::SubjectMismatch)
    }

    /// Whether the provider answered the call. `None` if no call was made. A proxy in front of the
    /// provider, and Envoy itself, answer 502, 503 and 504 in its place.
    pub(super) fn is_answer(&self) -> Option<bool> {
        match self {
            Self::Host(_) => None,
            Self::ProviderUnreachable(unreachable) => match unreachable.failure {
                CallFailure::NoEndpoint | CallFailure::Refused => None,
                CallFailure::NoAnswer | CallFailure::Local(_) => Some(false),
            },
            Self::TokenResponse(TokenResponseError::Status(502..=504))
            | Self::Userinfo(UserinfoError::Status(502..=504)) => Some(false),
            Self::Identity(_)
            | Self::SessionTooLarge
            | Self::SubjectMismatch
            | Self::Token(..)
            | Self::TokenResponse(_)
            | Self::Userinfo(_) => Some(true),
        }
    }

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
            Self::Token(error, detail) => write!(f, "ID token: {error}{detail}"),
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
        Self::Token(error, TokenDetail::default())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::http::call::CallResponse;
    use crate::oauth::{SentSecrets, TokenResponse};

    #[test]
    fn an_unknown_client_is_logged_as_an_error_of_the_operator() {
        for (status, code, level) in [
            (401, "invalid_client", Level::Error),
            (400, "invalid_grant", Level::Warn),
            (500, "invalid_client", Level::Warn),
        ] {
            let body = Secret::new(format!(r#"{{"error":"{code}"}}"#).into_bytes());
            let error = TokenResponse::read(&CallResponse { status, body }, &SentSecrets::default()).unwrap_err();
            assert_eq!(RefreshError::from(error).level(), level, "{status} {code}");
        }
    }
}

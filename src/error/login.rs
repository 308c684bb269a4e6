//! Why a login does not begin, or does not end with a session.

use std::fmt;

use crate::env::HostFailure;
use crate::http::call::CallFailure;
use crate::identity::IdentityError;
use crate::jose::TokenError;
use crate::oauth::discovery::{FetchError, MetadataUnavailable};
use crate::oauth::{OAuthErrorCode, TokenRequestError, TokenResponseError, UserinfoError};
use crate::session::SessionError;
use crate::token::SubjectMismatch;

/// Why a login does not begin, or does not end with a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoginError {
    /// The address is longer than a login could bring the browser back to.
    AddressTooLong,
    /// The issuer answered the authorization request with this error.
    Authorization(AuthorizationError),
    /// The authorization response lacks a parameter, or repeats one.
    CallbackInvalid,
    /// The host could not do its part.
    Host(HostFailure),
    /// The ID token fails a check.
    IdToken(TokenError),
    /// The ID token does not say who it is.
    Identity(IdentityError),
    /// The authorization response names another issuer, or none where it has to (RFC 9207).
    IssuerMismatch,
    /// The key that signed the ID token is not known, and the issuer's keys could not be fetched.
    Jwks(FetchError),
    /// The endpoints of the provider are to be discovered, and were not yet.
    MetadataUnavailable,
    /// An endpoint of the issuer could not be reached.
    ProviderUnreachable(CallFailure),
    /// Several logins in a row ended well, and none of them left a session.
    RedirectLoop,
    /// The session does not fit into the cookies that a browser keeps.
    SessionTooLarge,
    /// No login that this browser began belongs to the `state`, or it has expired.
    StateUnknown,
    /// The UserInfo endpoint speaks of somebody else than the ID token.
    SubjectMismatch,
    /// The token endpoint answered, but not with tokens.
    TokenResponse(TokenResponseError),
    /// The UserInfo endpoint answered, but not with claims.
    Userinfo(UserinfoError),
}

/// The error codes of RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6, by what they mean here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthorizationError {
    /// `access_denied`: the person or the issuer refused.
    AccessDenied,
    /// Every other code.
    Other,
    /// `server_error` and `temporarily_unavailable`.
    Unavailable,
}

impl LoginError {
    /// Whether the token endpoint did not take the code. That is more often a late client than a fault of the issuer.
    pub(super) fn is_code_rejected(&self) -> bool {
        matches!(self, Self::TokenResponse(TokenResponseError::OAuth(error)) if error.code == OAuthErrorCode::InvalidGrant)
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressTooLong => f.write_str("no session, and the address is too long for a login to come back to"),
            Self::Authorization(error) => write!(f, "the issuer refused the authorization request: {error}"),
            Self::CallbackInvalid => f.write_str("the callback lacks a parameter, repeats one, or was not a GET"),
            Self::Host(failure) => failure.fmt(f),
            Self::IdToken(error) => write!(f, "ID token: {error}"),
            Self::Identity(error) => write!(f, "ID token: {error}"),
            Self::IssuerMismatch => {
                f.write_str("the callback names another issuer, or none where this one always names itself (`iss`)")
            }
            Self::Jwks(error) => {
                write!(f, "ID token: its key is not known, and fetching the issuer's failed: {error}")
            }
            Self::MetadataUnavailable => MetadataUnavailable.fmt(f),
            Self::ProviderUnreachable(failure) => write!(f, "{failure}"),
            Self::RedirectLoop => f.write_str(
                "three logins in a row, and no session after any of them: the browser drops its cookie, or replicas \
                 differ in clock or session keys",
            ),
            Self::SessionTooLarge => SessionError::TooLarge.fmt(f),
            Self::StateUnknown => {
                f.write_str("no login that this browser began belongs to the `state`, or it has expired")
            }
            Self::SubjectMismatch => SubjectMismatch.fmt(f),
            Self::TokenResponse(error) => write!(f, "token endpoint: {error}"),
            Self::Userinfo(error) => write!(f, "UserInfo endpoint: {error}"),
        }
    }
}

impl std::error::Error for LoginError {}

impl fmt::Display for AuthorizationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessDenied => "access_denied",
            Self::Other => "an error that points at the client registration or the request",
            Self::Unavailable => "server_error or temporarily_unavailable",
        })
    }
}

impl std::error::Error for AuthorizationError {}

impl From<HostFailure> for LoginError {
    fn from(failure: HostFailure) -> Self {
        Self::Host(failure)
    }
}

impl From<IdentityError> for LoginError {
    fn from(error: IdentityError) -> Self {
        Self::Identity(error)
    }
}

impl From<MetadataUnavailable> for LoginError {
    fn from(MetadataUnavailable: MetadataUnavailable) -> Self {
        Self::MetadataUnavailable
    }
}

impl From<SessionError> for LoginError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Host(failure) => Self::Host(failure),
            SessionError::Identity(error) => Self::Identity(error),
            SessionError::TooLarge => Self::SessionTooLarge,
        }
    }
}

impl From<SubjectMismatch> for LoginError {
    fn from(SubjectMismatch: SubjectMismatch) -> Self {
        Self::SubjectMismatch
    }
}

impl From<TokenError> for LoginError {
    fn from(error: TokenError) -> Self {
        Self::IdToken(error)
    }
}

impl From<TokenRequestError> for LoginError {
    fn from(error: TokenRequestError) -> Self {
        match error {
            TokenRequestError::Host(failure) => Self::Host(failure),
            TokenRequestError::Metadata(error) => error.into(),
        }
    }
}

impl From<TokenResponseError> for LoginError {
    fn from(error: TokenResponseError) -> Self {
        Self::TokenResponse(error)
    }
}

impl From<UserinfoError> for LoginError {
    fn from(error: UserinfoError) -> Self {
        Self::Userinfo(error)
    }
}

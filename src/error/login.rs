//! The reasons why a login does not begin or does not end with a session.

use std::fmt;

use crate::base::summary::REDIRECT_LOOP;
use crate::env::HostFailure;
use crate::identity::IdentityError;
use crate::jose::TokenError;
use crate::oauth::discovery::{FetchError, MetadataUnavailable};
use crate::oauth::{
    ErrorText, OAuthErrorCode, ProviderUnreachable, SentSecrets, TokenRequestError, TokenResponseError, UserinfoError,
};
use crate::session::SessionError;
use crate::token::{SubjectMismatch, TokenDetail};

/// The reason why a login does not begin or does not end with a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoginError {
    /// The address of the request is too long to be stored until the login ends.
    AddressTooLong,
    /// The authorization response has this error.
    Authorization(AuthorizationError),
    /// The authorization response lacks a parameter, repeats one, or is not a GET request.
    CallbackInvalid(&'static str),
    /// A function of the host failed.
    Host(HostFailure),
    /// The ID token is invalid.
    IdToken(TokenError, TokenDetail),
    /// The ID token lacks a claim that the identity needs.
    Identity(IdentityError),
    /// `iss` of the authorization response is another issuer, or is absent where the issuer always
    /// sends it (RFC 9207).
    IssuerMismatch,
    /// The key that signed the ID token is unknown, and the JWK Set could not be fetched.
    Jwks(FetchError),
    /// An endpoint of the provider is not configured, and the metadata were not fetched yet.
    MetadataUnavailable,
    /// An endpoint of the issuer could not be reached.
    ProviderUnreachable(ProviderUnreachable),
    /// Several logins in a row succeeded, and the browser sent no session after any of them.
    RedirectLoop,
    /// The request of a third party to begin a login is invalid: `iss` is another issuer or is
    /// absent, or a parameter is repeated or too long.
    RequestInvalid,
    /// The session does not fit into the cookies that a browser stores.
    SessionTooLarge,
    /// No login that this browser began has this `state`, or that login has expired. The text says
    /// which.
    StateUnknown(&'static str),
    /// `sub` of the UserInfo response differs from `sub` of the ID token.
    SubjectMismatch,
    /// The response of the token endpoint has no valid tokens.
    TokenResponse(TokenResponseError),
    /// The response of the UserInfo endpoint has no valid claims.
    Userinfo(UserinfoError),
}

/// The error of an authorization response (RFC 6749 section 4.1.2.1, OpenID Connect Core section
/// 3.1.2.6) that belongs to a login of this browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthorizationError {
    /// The error code, as far as the user can do something about it.
    pub(crate) code: AuthorizationErrorCode,
    /// What the issuer sent, for the log.
    pub(crate) text: ErrorText,
}

/// The error codes of an authorization response, grouped by what the user can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthorizationErrorCode {
    /// `access_denied`: the user or the issuer denied the request.
    AccessDenied,
    /// The request or the client is not as the issuer expects it, which the user cannot change.
    Misconfigured,
    /// Every other code, such as `interaction_required`.
    Other,
    /// `server_error` and `temporarily_unavailable`.
    Unavailable,
}

impl LoginError {
    /// Whether the token endpoint rejected the code. The usual cause is a user who took too long,
    /// not a fault of the issuer.
    pub(super) fn is_code_rejected(&self) -> bool {
        matches!(self, Self::TokenResponse(TokenResponseError::OAuth(error)) if error.code == OAuthErrorCode::InvalidGrant)
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressTooLong => f.write_str("no session, and the address is too long to return to after a login"),
            Self::Authorization(error) => write!(f, "authorization endpoint: it answered {error}"),
            Self::CallbackInvalid(reason) => f.write_str(reason),
            Self::Host(failure) => failure.fmt(f),
            Self::IdToken(error, detail) => write!(f, "ID token: {error}{detail}"),
            Self::Identity(error) => write!(f, "ID token: {error}"),
            Self::IssuerMismatch => f.write_str(
                "`iss` of the callback names another issuer, or is missing although this issuer always sends it",
            ),
            Self::Jwks(error) => {
                write!(f, "ID token: its key is not known, and the issuer's keys could not be fetched: {error}")
            }
            Self::MetadataUnavailable => MetadataUnavailable.fmt(f),
            Self::ProviderUnreachable(failure) => write!(f, "{failure}"),
            Self::RedirectLoop => f.write_str(REDIRECT_LOOP),
            Self::RequestInvalid => {
                f.write_str("`iss` is absent or another issuer, or a parameter is repeated or too long")
            }
            Self::SessionTooLarge => SessionError::TooLarge.fmt(f),
            Self::StateUnknown(reason) => f.write_str(reason),
            Self::SubjectMismatch => SubjectMismatch.fmt(f),
            Self::TokenResponse(error) => write!(f, "token endpoint: {error}"),
            Self::Userinfo(error) => write!(f, "UserInfo endpoint: {error}"),
        }
    }
}

impl std::error::Error for LoginError {}

impl AuthorizationError {
    /// The error with this code and description. The request had no short secrets: `state` and
    /// `nonce` are words that an [`ErrorText`] never shows.
    pub(crate) fn new(error: &str, description: Option<&str>) -> Self {
        let code = match error {
            "access_denied" => AuthorizationErrorCode::AccessDenied,
            // RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6, RFC 8707 section 2.
            "invalid_request"
            | "invalid_request_object"
            | "invalid_request_uri"
            | "invalid_scope"
            | "invalid_target"
            | "registration_not_supported"
            | "request_not_supported"
            | "request_uri_not_supported"
            | "unauthorized_client"
            | "unsupported_response_type" => AuthorizationErrorCode::Misconfigured,
            "server_error" | "temporarily_unavailable" => AuthorizationErrorCode::Unavailable,
            _ => AuthorizationErrorCode::Other,
        };
        Self { code, text: ErrorText::new(error, description, &SentSecrets::default()) }
    }
}

impl fmt::Display for AuthorizationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)?;
        match self.code {
            AuthorizationErrorCode::Misconfigured | AuthorizationErrorCode::Other => {
                f.write_str("; compare the client with its registration at the issuer")
            }
            AuthorizationErrorCode::AccessDenied | AuthorizationErrorCode::Unavailable => Ok(()),
        }
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
        Self::IdToken(error, TokenDetail::default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authorization_error_has_a_code_and_a_text() {
        for (error, code) in [
            ("access_denied", AuthorizationErrorCode::AccessDenied),
            ("server_error", AuthorizationErrorCode::Unavailable),
            ("temporarily_unavailable", AuthorizationErrorCode::Unavailable),
            ("invalid_scope", AuthorizationErrorCode::Misconfigured),
            ("<script>", AuthorizationErrorCode::Other),
        ] {
            assert_eq!(AuthorizationError::new(error, None).code, code, "{error}");
        }
        let text = AuthorizationError::new("invalid_scope", Some("no such\nscope")).to_string();
        assert!(text.starts_with(r#"`invalid_scope` ("no such\nscope"); compare"#), "{text}");
    }
}

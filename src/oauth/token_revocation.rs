//! The revocation of a refresh token (RFC 7009).

use std::fmt;

use super::discovery::Provider;
use super::error::TokenRequestError;
use super::error_response::OAuthError;
use super::sent_secrets::SentSecrets;
use super::token_request::{ClientRequest, authenticated};
use super::unreachable::ProviderUnreachable;
use crate::base::json;
use crate::base::secret::Secret;
use crate::env::Env;
use crate::http::call::CallResponse;

/// The reason why the provider may not have revoked a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenRevocationError {
    /// There was no response.
    Call(ProviderUnreachable),
    /// An error response (section 2.2.1).
    OAuth(OAuthError),
    /// The status code is neither 200 nor that of an error response.
    Status(u16),
}

/// The request that revokes `refresh_token`, with the client authentication of a token request
/// (section 2.1). `None` if the provider has no revocation endpoint, or it is not known.
pub(crate) fn revocation_request(
    provider: &Provider,
    refresh_token: &Secret<String>,
    env: &mut Env<'_>,
) -> Option<Result<ClientRequest, TokenRequestError>> {
    let endpoint = provider.revocation_endpoint()?;
    let parameters = vec![("token", refresh_token.expose_secret().as_str()), ("token_type_hint", "refresh_token")];
    Some(authenticated(provider, &endpoint, parameters, env))
}

/// Reads the response to a request with these secrets (section 2.2). The provider answers 200 for a
/// token that it does not know, too.
///
/// # Errors
/// [`TokenRevocationError`] if there is no response with status 200.
pub(crate) fn read_revocation(
    result: Result<CallResponse, ProviderUnreachable>,
    sent: &SentSecrets,
) -> Result<(), TokenRevocationError> {
    let CallResponse { status, body } = result.map_err(TokenRevocationError::Call)?;
    if status == 200 {
        return Ok(());
    }
    let object = json::parse_object(body.expose_secret()).ok();
    let error = object.and_then(|object| OAuthError::read(status, &object, sent));
    Err(error.map_or(TokenRevocationError::Status(status), TokenRevocationError::OAuth))
}

impl fmt::Display for TokenRevocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(failure) => failure.fmt(f),
            Self::OAuth(error) => error.fmt(f),
            Self::Status(status) => write!(f, "it answered with status {status}"),
        }
    }
}

impl std::error::Error for TokenRevocationError {}

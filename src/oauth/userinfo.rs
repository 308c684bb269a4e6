//! The UserInfo endpoint (OpenID Connect Core section 5.3): claims that the ID token omits.

use std::fmt;

use serde_json::{Map, Value};

use super::call_headers::get;
use super::discovery::Provider;
use crate::base::json;
use crate::base::secret::Secret;
use crate::http::call::{CallResponse, HttpCall};

/// The reason why the UserInfo endpoint gives no claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserinfoError {
    /// The endpoint is not known.
    NoEndpoint,
    /// The body is not one JSON object.
    NotJson,
    /// The body is a JWT, which Tenantgate does not read.
    Signed,
    /// The status code is not 200.
    Status(u16),
    /// The body is longer than [`CallResponse::MAX_BODY`].
    TooLong,
}

/// The UserInfo request for the user of the access token (section 5.3.1).
///
/// # Errors
/// [`UserinfoError::NoEndpoint`] if the endpoint is not known.
pub(crate) fn userinfo_request(provider: &Provider, access_token: &Secret<String>) -> Result<HttpCall, UserinfoError> {
    let endpoint = provider.userinfo_endpoint().ok_or(UserinfoError::NoEndpoint)?;
    let mut call = get(&provider.tenant().provider, &endpoint);
    call.headers.push(("authorization", Secret::new(format!("Bearer {}", access_token.expose_secret()))));
    Ok(call)
}

/// Reads the claims of a UserInfo response. The caller compares `sub` with that of the ID token
/// (section 5.3.2).
///
/// # Errors
/// [`UserinfoError`] if the response is not one JSON object with status 200.
pub(crate) fn read_userinfo(response: &CallResponse) -> Result<Map<String, Value>, UserinfoError> {
    let body = response.body.expose_secret();
    if body.len() > CallResponse::MAX_BODY {
        return Err(UserinfoError::TooLong);
    }
    if response.status != 200 {
        return Err(UserinfoError::Status(response.status));
    }
    json::parse_object(body).map_err(|_| {
        // Every JWS in compact serialization begins with `{"` in base64url.
        if body.starts_with(b"eyJ") { UserinfoError::Signed } else { UserinfoError::NotJson }
    })
}

impl fmt::Display for UserinfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEndpoint => f.write_str("its address is not known"),
            Self::NotJson => f.write_str("the response is not a JSON object"),
            Self::Signed => f.write_str(
                "the response is a JWT, and only plain JSON is read; register the client without `userinfo_signed_response_alg`",
            ),
            Self::Status(status) => write!(f, "it answered with status {status}"),
            Self::TooLong => write!(f, "the response is longer than {} bytes", CallResponse::MAX_BODY),
        }
    }
}

impl std::error::Error for UserinfoError {}

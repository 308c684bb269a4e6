//! The token response (RFC 6749 section 5, OpenID Connect Core section 3.1.3.3).

use std::fmt;

use serde_json::{Map, Value};

use crate::base::json;
use crate::base::secret::Secret;
use crate::http::call::CallResponse;

/// The tokens, as the token endpoint sent them: none is verified.
#[derive(Debug)]
pub(crate) struct TokenResponse {
    pub(crate) access_token: Secret<String>,
    /// Always there after a login; a refresh may do without.
    pub(crate) id_token: Option<Secret<String>>,
    pub(crate) refresh_token: Option<Secret<String>>,
    /// For how many seconds the access token is good, if the issuer says so.
    pub(crate) expires_in: Option<u64>,
}

/// Why an answer of the token endpoint is of no use. It names fields, statuses and codes of the standard, and nothing that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenResponseError {
    /// A field is absent or of the wrong type.
    Field(&'static str),
    /// The body is not one JSON object.
    NotJson,
    /// An error response (RFC 6749 section 5.2).
    Refused(OAuthError),
    /// Neither 200 nor an error response.
    Status(u16),
    /// The body is longer than [`CallResponse::MAX_BODY`].
    TooLong,
}

/// The error codes of RFC 6749 section 5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OAuthError {
    /// The client id or secret is wrong.
    InvalidClient,
    /// The code is wrong, used, expired, or was made out to somebody else.
    InvalidGrant,
    /// `invalid_request`, `invalid_scope`, `unauthorized_client`, `unsupported_grant_type` or an extension.
    Other,
}

impl TokenResponse {
    pub(crate) fn read(response: &CallResponse) -> Result<Self, TokenResponseError> {
        let body = response.body.expose_secret();
        if body.len() > CallResponse::MAX_BODY {
            return Err(TokenResponseError::TooLong);
        }
        let object = json::parse_object(body);
        if response.status != 200 {
            return Err(error_response(response.status, object.ok().as_ref()));
        }
        let object = object.map_err(|_| TokenResponseError::NotJson)?;
        let token_type = text(&object, "token_type")?;
        if !token_type.eq_ignore_ascii_case("bearer") {
            return Err(TokenResponseError::Field("token_type"));
        }
        let secret = |name| Ok(Secret::new(text(&object, name)?.to_owned()));
        let optional = |name| if object.contains_key(name) { secret(name).map(Some) } else { Ok(None) };
        Ok(Self {
            access_token: secret("access_token")?,
            id_token: optional("id_token")?,
            refresh_token: optional("refresh_token")?,
            expires_in: object.get("expires_in").and_then(Value::as_u64),
        })
    }

    /// The ID token of a login (OpenID Connect Core section 3.1.3.3).
    pub(crate) fn required_id_token(&self) -> Result<&Secret<String>, TokenResponseError> {
        self.id_token.as_ref().ok_or(TokenResponseError::Field("id_token"))
    }
}

fn text<'a>(object: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, TokenResponseError> {
    object.get(name).and_then(Value::as_str).ok_or(TokenResponseError::Field(name))
}

/// An error response has status 400 or 401 and a body that names the error.
fn error_response(status: u16, object: Option<&Map<String, Value>>) -> TokenResponseError {
    let code = object.and_then(|object| object.get("error")).and_then(Value::as_str);
    match (status, code) {
        (400 | 401, Some("invalid_grant")) => TokenResponseError::Refused(OAuthError::InvalidGrant),
        (400 | 401, Some("invalid_client")) => TokenResponseError::Refused(OAuthError::InvalidClient),
        (400 | 401, Some(_)) => TokenResponseError::Refused(OAuthError::Other),
        _ => TokenResponseError::Status(status),
    }
}

impl std::error::Error for TokenResponseError {}

impl fmt::Display for TokenResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, "the response has no usable `{name}`"),
            Self::NotJson => f.write_str("the response is not a JSON object"),
            Self::Refused(OAuthError::InvalidClient) => f.write_str(
                "it does not know the client (`invalid_client`); compare `client_id`, `client_secret` and \
                     `provider.token_endpoint_auth_method` with the registration at the issuer",
            ),
            Self::Refused(OAuthError::InvalidGrant) => f.write_str("it refused the code (`invalid_grant`)"),
            Self::Refused(OAuthError::Other) => {
                f.write_str("it refused the request, which points at the registration at the issuer")
            }
            Self::Status(status) => write!(f, "it answered with status {status}"),
            Self::TooLong => write!(f, "the response is longer than {} bytes", CallResponse::MAX_BODY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<(), TokenResponseError> {
        let body = Secret::new(body.as_bytes().to_vec());
        TokenResponse::read(&CallResponse { status, body })?.required_id_token().map(|_| ())
    }

    #[test]
    fn tokens_need_status_type_and_both_fields() {
        use TokenResponseError::*;
        let good = r#"{"access_token":"a","token_type":"bearer","id_token":"i","expires_in":3600}"#;
        assert_eq!(read(200, good), Ok(()));
        assert_eq!(read(201, good), Err(Status(201)));
        assert_eq!(read(200, "<html>"), Err(NotJson));
        assert_eq!(read(200, "[]"), Err(NotJson));
        assert_eq!(read(200, r#"{"access_token":"a","access_token":"a"}"#), Err(NotJson));
        assert_eq!(read(200, r#"{"access_token":"a","id_token":"i"}"#), Err(Field("token_type")));
        assert_eq!(read(200, r#"{"access_token":"a","token_type":"mac","id_token":"i"}"#), Err(Field("token_type")));
        assert_eq!(read(200, r#"{"access_token":"a","token_type":"Bearer"}"#), Err(Field("id_token")));
        assert_eq!(read(200, r#"{"access_token":1,"token_type":"Bearer","id_token":"i"}"#), Err(Field("access_token")));
        assert_eq!(read(200, &" ".repeat(CallResponse::MAX_BODY + 1)), Err(TooLong));
    }

    #[test]
    fn errors_are_told_apart_by_status_and_code() {
        use TokenResponseError::*;
        assert_eq!(read(400, r#"{"error":"invalid_grant"}"#), Err(Refused(OAuthError::InvalidGrant)));
        assert_eq!(read(401, r#"{"error":"invalid_client"}"#), Err(Refused(OAuthError::InvalidClient)));
        assert_eq!(read(400, r#"{"error":"slow_down"}"#), Err(Refused(OAuthError::Other)));
        assert_eq!(read(500, r#"{"error":"invalid_grant"}"#), Err(Status(500)));
        assert_eq!(read(400, "nope"), Err(Status(400)));
        assert_eq!(read(302, ""), Err(Status(302)));
    }
}

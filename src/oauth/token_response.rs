//! The token response (RFC 6749 section 5, OpenID Connect Core section 3.1.3.3).

use std::fmt;

use serde_json::{Map, Value};

use super::error_response::{OAuthError, OAuthErrorCode};
use super::sent_secrets::SentSecrets;
use crate::base::json;
use crate::base::secret::Secret;
use crate::http::call::CallResponse;

/// The tokens as the token endpoint sent them. None is verified.
#[derive(Debug)]
pub(crate) struct TokenResponse {
    /// The access token.
    pub(crate) access_token: Secret<String>,
    /// The ID token. Required after a login, optional after a refresh.
    pub(crate) id_token: Option<Secret<String>>,
    /// The refresh token, if the issuer issues one.
    pub(crate) refresh_token: Option<Secret<String>>,
    /// The lifetime of the access token in seconds, if the issuer sends it.
    pub(crate) expires_in: Option<u64>,
}

/// The reason why a token response is unusable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenResponseError {
    /// A field is absent or has the wrong type.
    Field(&'static str),
    /// The body is not one JSON object.
    NotJson,
    /// An error response (RFC 6749 section 5.2).
    OAuth(OAuthError),
    /// The status code is neither 200 nor that of an error response.
    Status(u16),
    /// The body is longer than [`CallResponse::MAX_BODY`].
    TooLong,
}

impl TokenResponse {
    /// Parses a token response. `sent` are the secrets of the request.
    ///
    /// # Errors
    /// [`TokenResponseError`] if it is an error response, or not a token response with `token_type`
    /// `Bearer`.
    pub(crate) fn read(response: &CallResponse, sent: &SentSecrets) -> Result<Self, TokenResponseError> {
        let body = response.body.expose_secret();
        if body.len() > CallResponse::MAX_BODY {
            return Err(TokenResponseError::TooLong);
        }
        let object = json::parse_object(body);
        if response.status != 200 {
            let error = object.ok().and_then(|object| OAuthError::read(response.status, &object, sent));
            return Err(error.map_or(TokenResponseError::Status(response.status), TokenResponseError::OAuth));
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
            expires_in: object.get("expires_in").and_then(seconds),
        })
    }

    /// The ID token of a login (OpenID Connect Core section 3.1.3.3).
    ///
    /// # Errors
    /// [`TokenResponseError::Field`] if there is none.
    pub(crate) fn required_id_token(&self) -> Result<&Secret<String>, TokenResponseError> {
        self.id_token.as_ref().ok_or(TokenResponseError::Field("id_token"))
    }
}

/// A number of seconds. Some issuers send it as a string.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn text<'a>(object: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, TokenResponseError> {
    object.get(name).and_then(Value::as_str).ok_or(TokenResponseError::Field(name))
}

impl std::error::Error for TokenResponseError {}

impl fmt::Display for TokenResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, "the response has no usable `{name}`"),
            Self::NotJson => f.write_str("the response is not a JSON object"),
            Self::OAuth(error) if error.code == OAuthErrorCode::InvalidClient => write!(
                f,
                "it does not know the client: {error}; compare `client_id`, `client_secret` and \
                 `provider.token_endpoint_auth_method` with the registration at the issuer"
            ),
            Self::OAuth(error) => write!(f, "it answered {error}"),
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
        TokenResponse::read(&CallResponse { status, body }, &SentSecrets::default())?.required_id_token().map(|_| ())
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
    fn the_lifetime_is_a_number_or_a_string() {
        for (expires_in, seconds) in [("300", Some(300)), ("\"300\"", Some(300)), ("\"soon\"", None), ("-1", None)] {
            let body = format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":{expires_in}}}"#);
            let response = CallResponse { status: 200, body: Secret::new(body.into_bytes()) };
            assert_eq!(
                TokenResponse::read(&response, &SentSecrets::default()).unwrap().expires_in,
                seconds,
                "{expires_in}"
            );
        }
    }

    #[test]
    fn an_error_response_is_told_from_another_status() {
        use TokenResponseError::*;
        let error = read(400, r#"{"error":"invalid_grant","error_description":"expired"}"#).unwrap_err();
        assert_eq!(error.to_string(), "it answered `invalid_grant` (\"expired\")");
        let error = read(401, r#"{"error":"invalid_client"}"#).unwrap_err().to_string();
        assert!(error.starts_with("it does not know the client: `invalid_client`; compare `client_id`"), "{error}");
        assert_eq!(read(500, r#"{"error":"invalid_grant"}"#), Err(Status(500)));
        assert_eq!(read(400, "nope"), Err(Status(400)));
        assert_eq!(read(302, ""), Err(Status(302)));
    }
}

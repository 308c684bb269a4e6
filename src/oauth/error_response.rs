//! The error response of the token endpoint (RFC 6749 section 5.2).

use std::fmt;

use serde_json::{Map, Value};

use super::error_text::ErrorText;
use super::sent_secrets::SentSecrets;

/// An error response. Its text is what the provider sent, escaped, cut, and without the secrets of
/// the request and anything that looks like a token, so it may be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OAuthError {
    /// The error code, as far as Tenantgate treats codes differently.
    pub(crate) code: OAuthErrorCode,
    text: ErrorText,
}

/// The error codes of RFC 6749 section 5.2 that Tenantgate treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OAuthErrorCode {
    /// `invalid_client`: client authentication failed.
    InvalidClient,
    /// `invalid_grant`: the code or refresh token is invalid, used, expired, revoked, or was issued
    /// to another client.
    InvalidGrant,
    /// `temporarily_unavailable` or `slow_down` (RFC 8628 section 3.5): a later attempt may
    /// succeed.
    Unavailable,
    /// Every other code. Providers answer a refresh token that has ended with many of them, such as
    /// `invalid_request` (dex), `interaction_required` (Entra ID) and `token_inactive` (Hydra).
    Other,
}

impl OAuthError {
    /// The error in a response with `status` to a request with these secrets. It is `None` unless
    /// the status is a client error and the body has an error code. Status 429 says nothing about
    /// the grant.
    pub(super) fn read(status: u16, body: &Map<String, Value>, sent: &SentSecrets) -> Option<Self> {
        if !matches!(status, 400..=428 | 430..=499) {
            return None;
        }
        let field = |name| body.get(name).and_then(Value::as_str);
        // A gateway in front of the provider may send `{"error": "Not Found"}`.
        let error = field("error").filter(|error| is_error_code(error))?;
        let code = match error {
            "invalid_client" => OAuthErrorCode::InvalidClient,
            "invalid_grant" => OAuthErrorCode::InvalidGrant,
            "temporarily_unavailable" | "slow_down" => OAuthErrorCode::Unavailable,
            _ => OAuthErrorCode::Other,
        };
        Some(Self { code, text: ErrorText::new(error, field("error_description"), sent) })
    }

    /// Whether the provider rejected the grant. Otherwise it decided nothing about the grant: the
    /// client is not registered as configured, or the provider is busy.
    pub(crate) fn rejects_grant(&self) -> bool {
        match self.code {
            OAuthErrorCode::InvalidGrant | OAuthErrorCode::Other => true,
            OAuthErrorCode::InvalidClient | OAuthErrorCode::Unavailable => false,
        }
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl std::error::Error for OAuthError {}

/// Whether `text` can be an error code. All that are registered and all that providers are known to
/// send have these characters; RFC 6749 section 5.2 permits others.
fn is_error_code(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: &Value) -> Option<OAuthError> {
        OAuthError::read(status, body.as_object().unwrap(), &SentSecrets::default())
    }

    #[test]
    fn an_error_response_has_a_client_error_and_a_code() {
        let error = json!({ "error": "invalid_grant" });
        for status in [400, 401, 403, 499] {
            assert_eq!(read(status, &error).unwrap().code, OAuthErrorCode::InvalidGrant, "{status}");
        }
        for status in [200, 302, 399, 429, 500, 503] {
            assert_eq!(read(status, &error), None, "{status}");
        }
        assert_eq!(read(400, &json!({ "message": "invalid_grant" })), None);
        assert_eq!(read(400, &json!({ "error": ["invalid_grant"] })), None);
        for text in ["", "Not Found", "bad\n"] {
            assert_eq!(read(404, &json!({ "error": text })), None, "{text}");
        }
    }
}

//! The authorization response: the parameters of the callback (OpenID Connect Core sections 3.1.2.5
//! and 3.1.2.6).

use crate::base::secret::Secret;
use crate::error::AuthorizationError;
use crate::http::form::parameter;

/// The parameters of an authorization response. Any site can send them through the browser, so they
/// are not trusted before `state` is found.
pub(super) struct AuthorizationResponse {
    /// `state`, which identifies the attempt.
    pub(super) state: String,
    /// `iss` (RFC 9207).
    pub(super) issuer: Option<String>,
    /// The code, or the error of the issuer.
    pub(super) outcome: Result<Secret<String>, AuthorizationError>,
}

impl AuthorizationResponse {
    /// Reads the query of the callback. `None` if `state` is absent, if there is not exactly one of
    /// `code` and `error`, if the code is empty, or if a known parameter is repeated (servers
    /// differ in which value they use).
    pub(super) fn parse(query: &str) -> Option<Self> {
        // Other parameters, such as `session_state` and `error_description`, are ignored.
        let one = |name| parameter(query.as_bytes(), name).ok();
        let (state, issuer) = (one("state")??, one("iss")?);
        let outcome = match (one("code")?, one("error")?) {
            (Some(code), None) if !code.is_empty() => Ok(Secret::new(code)),
            (None, Some(error)) => Err(classify(&error)),
            _ => return None,
        };
        Some(Self { state, issuer, outcome })
    }
}

fn classify(error: &str) -> AuthorizationError {
    match error {
        "access_denied" => AuthorizationError::AccessDenied,
        "server_error" | "temporarily_unavailable" => AuthorizationError::Unavailable,
        _ => AuthorizationError::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_code() {
        let answer =
            AuthorizationResponse::parse("code=a%2Bb&state=s&iss=https%3A%2F%2Fi.example&session_state=x").unwrap();
        assert_eq!(answer.outcome.unwrap().expose_secret(), "a+b");
        assert_eq!(answer.state, "s");
        assert_eq!(answer.issuer.as_deref(), Some("https://i.example"));
    }

    #[test]
    fn reads_an_error() {
        let error = |query| AuthorizationResponse::parse(query).unwrap().outcome.err();
        assert_eq!(error("error=access_denied&state=s"), Some(AuthorizationError::AccessDenied));
        assert_eq!(error("error=server_error&state=s"), Some(AuthorizationError::Unavailable));
        assert_eq!(error("error=%3Cscript%3E&error_description=x&state=s"), Some(AuthorizationError::Other));
    }

    #[test]
    fn an_ambiguous_response_is_refused() {
        for query in [
            "",
            "code=c",
            "state=s",
            "code=&state=s",
            "code=c&error=e&state=s",
            "code=c&code=c&state=s",
            "code=c&state=s&state=s",
            "code=c&state=s&%73tate=t",
            "error=e&error=e&state=s",
            "code=c&state=s&iss=a&iss=a",
        ] {
            assert!(AuthorizationResponse::parse(query).is_none(), "{query}");
        }
    }
}

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
        // Other parameters, such as `session_state`, are ignored.
        let one = |name| parameter(query.as_bytes(), name).ok();
        let (state, issuer) = (one("state")??, one("iss")?);
        let outcome = match (one("code")?, one("error")?) {
            (Some(code), None) if !code.is_empty() => Ok(Secret::new(code)),
            (None, Some(error)) => Err(AuthorizationError::new(&error, one("error_description")?.as_deref())),
            _ => return None,
        };
        Some(Self { state, issuer, outcome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::AuthorizationErrorCode;

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
        let error = |query| AuthorizationResponse::parse(query).unwrap().outcome.unwrap_err();
        let code = |query| error(query).code;
        assert_eq!(code("error=access_denied&state=s"), AuthorizationErrorCode::AccessDenied);
        assert_eq!(code("error=server_error&state=s"), AuthorizationErrorCode::Unavailable);
        assert_eq!(code("error=%3Cscript%3E&error_description=x&state=s"), AuthorizationErrorCode::Other);
        let text = error("error=invalid_scope&error_description=no+such%0Ascope&state=s").to_string();
        assert!(text.starts_with(r#"`invalid_scope` ("no such\nscope"); compare"#), "{text}");
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
            "error=e&error_description=d&error_description=d&state=s",
            "code=c&state=s&iss=a&iss=a",
        ] {
            assert!(AuthorizationResponse::parse(query).is_none(), "{query}");
        }
    }
}

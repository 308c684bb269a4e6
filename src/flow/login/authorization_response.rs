//! The authorization response: the parameters of the callback (OpenID Connect Core sections 3.1.2.5
//! and 3.1.2.6).

use super::attempt::Attempt;
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
    pub(super) outcome: Result<Secret<String>, UnconfirmedError>,
}

/// The error of a response before it is known whether the response belongs to a login of this
/// browser. Any site can send it, so it can neither be shown nor logged.
pub(super) struct UnconfirmedError {
    error: String,
    description: Option<String>,
}

impl UnconfirmedError {
    /// The error of the response to this attempt.
    pub(super) fn confirm(&self, _attempt: &Attempt) -> AuthorizationError {
        AuthorizationError::new(&self.error, self.description.as_deref())
    }
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
            (None, Some(error)) => Err(UnconfirmedError { error, description: one("error_description")? }),
            _ => return None,
        };
        Some(Self { state, issuer, outcome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_code() {
        let answer =
            AuthorizationResponse::parse("code=a%2Bb&state=s&iss=https%3A%2F%2Fi.example&session_state=x").unwrap();
        assert_eq!(answer.outcome.ok().unwrap().expose_secret(), "a+b");
        assert_eq!(answer.state, "s");
        assert_eq!(answer.issuer.as_deref(), Some("https://i.example"));
    }

    #[test]
    fn reads_an_error() {
        for (query, error, description) in [
            ("error=access_denied&state=s", "access_denied", None),
            ("error=invalid_scope&error_description=no+such%0Ascope&state=s", "invalid_scope", Some("no such\nscope")),
        ] {
            let read = AuthorizationResponse::parse(query).unwrap().outcome.err().unwrap();
            assert_eq!((read.error.as_str(), read.description.as_deref()), (error, description));
        }
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

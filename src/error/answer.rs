//! The mapping from each reason of a refusal to the fixed part of its reply.

use super::bearer::BearerError;
use super::login_answer::login;
use super::logout::LogoutError;
use super::pages::{self, Text};
use super::refusal::Refusal;
use super::remedy::Remedy::{self, SignIn, StartPage, TryAgain};
use super::request::RequestError;
use super::row::{HOST_ERROR, Row};
use crate::access::AccessError;
use crate::base::event::{Event, Level};
use crate::http::request::BodyError;
use crate::tenant::TenantName;
use crate::token::Shortfall;

/// The fixed part of the reply to a refused request.
pub(super) struct Answer {
    /// The HTTP status code.
    pub(super) status: u16,
    /// The log level. A refusal that any client can cause is at `Debug`, so that clients cannot
    /// flood the log; the counters tell how many there are. A refusal that takes a session, or a
    /// login of this browser, is at `Info`.
    pub(super) level: Level,
    /// The event in the log, in the counter and in the JSON body.
    pub(super) event: Event,
    /// The title and message of the page.
    pub(super) text: Text,
    /// The action that can help the user. Without one the page has no link.
    pub(super) remedy: Option<Remedy>,
}

impl Refusal {
    /// The fixed part of the reply to this refusal.
    pub(super) fn answer(&self) -> Answer {
        use Level::{Debug, Error, Info};
        let (status, level, event, text, remedy) = match self {
            Self::Access(error) => match error {
                AccessError::Ambiguous(_) => (400, Debug, Event::PathAmbiguous, pages::PATH_AMBIGUOUS, Some(StartPage)),
                AccessError::ClientUnknown => HOST_ERROR,
                AccessError::DeniedToAll(_) => {
                    (403, Debug, Event::AccessDeniedToAll, pages::ACCESS_DENIED_TO_ALL, Some(StartPage))
                }
                AccessError::Denied(_) => (403, Info, Event::AccessDenied, pages::ACCESS_DENIED, Some(StartPage)),
                AccessError::OtherTenant => (503, Error, Event::TenantMismatch, pages::FAILED, Some(TryAgain)),
                AccessError::Scopes(_) => (403, Debug, Event::TokenInsufficient, pages::TOKEN_INSUFFICIENT, None),
            },
            Self::Bearer(error) => match error {
                BearerError::Busy => VERIFICATION_LIMITED,
                BearerError::Host(_) => HOST_ERROR,
                BearerError::Identity(_) => (401, Debug, Event::TokenIdentityIncomplete, pages::TOKEN_INVALID, None),
                BearerError::Insufficient(_) => (403, Debug, Event::TokenInsufficient, pages::TOKEN_INSUFFICIENT, None),
                BearerError::Invalid(..) => (401, Debug, Event::TokenInvalid, pages::TOKEN_INVALID, None),
                BearerError::Malformed => (400, Debug, Event::TokenMalformed, pages::TOKEN_INVALID, None),
                BearerError::NotAccepted => (401, Debug, Event::TokenNotAccepted, pages::TOKEN_INVALID, None),
            },
            Self::Host(_) => HOST_ERROR,
            Self::Login(error) => login(error),
            Self::Logout(error) => match error {
                LogoutError::Body(BodyError::TimedOut) => (408, Debug, Event::BodyTimeout, pages::BODY_TIMEOUT, None),
                LogoutError::Body(BodyError::TooLong) => {
                    (413, Debug, Event::BodyUnavailable, pages::BODY_TOO_LONG, None)
                }
                LogoutError::Body(BodyError::Withheld) => (503, Error, Event::BodyUnavailable, pages::FAILED, None),
                LogoutError::Busy => VERIFICATION_LIMITED,
                LogoutError::Host(_) => HOST_ERROR,
                LogoutError::NotStored => (503, Debug, Event::StoreUnavailable, pages::LOGOUT_NOT_STORED, None),
                LogoutError::KeyUnknown => (503, Debug, Event::LogoutKeyUnknown, pages::LOGOUT_KEY_UNKNOWN, None),
                LogoutError::Malformed => {
                    (400, Debug, Event::LogoutRequestInvalid, pages::LOGOUT_REQUEST_INVALID, None)
                }
                LogoutError::Token(_) => (400, Debug, Event::LogoutTokenInvalid, pages::LOGOUT_TOKEN_INVALID, None),
            },
            Self::Request(error) => match error {
                RequestError::BodyTimeout => (408, Debug, Event::BodyTimeout, pages::FORM_TIMEOUT, Some(SignIn)),
                RequestError::CrossOrigin(_) => (403, Info, Event::CrossOrigin, pages::CROSS_ORIGIN, Some(StartPage)),
                RequestError::HostInvalid => (400, Debug, Event::HostInvalid, pages::REQUEST_INVALID, None),
                RequestError::PathInvalid => (400, Debug, Event::PathInvalid, pages::REQUEST_INVALID, None),
                RequestError::StoreUnavailable => {
                    (503, Info, Event::StoreUnavailable, pages::STORE_UNAVAILABLE, Some(TryAgain))
                }
                RequestError::TenantBroken => (503, Debug, Event::TenantBroken, pages::TENANT_BROKEN, None),
                RequestError::TenantUnavailable => {
                    (503, Debug, Event::TenantUnavailable, pages::TENANT_UNAVAILABLE, Some(TryAgain))
                }
                RequestError::Unauthenticated => {
                    (401, Debug, Event::Unauthenticated, pages::UNAUTHENTICATED, Some(SignIn))
                }
                RequestError::UnexpectedInput => (503, Error, Event::UnexpectedInput, pages::FAILED, None),
                RequestError::UnknownHost => (404, Debug, Event::UnknownHost, pages::UNKNOWN_HOST, None),
            },
        };
        Answer { status, level, event, text, remedy }
    }

    /// The action that can help the user, if there is one.
    pub(crate) fn remedy(&self) -> Option<Remedy> {
        self.answer().remedy
    }

    /// Whether the refusal is about a bearer token that is invalid or insufficient.
    fn is_about_token(&self) -> bool {
        match self {
            Self::Access(error) => matches!(error, AccessError::Scopes(_)),
            Self::Bearer(error) => !matches!(error, BearerError::Busy | BearerError::Host(_)),
            Self::Host(_) | Self::Login(_) | Self::Logout(_) | Self::Request(_) => false,
        }
    }

    /// Whether a rule denies the request to this user and allows it to others.
    pub(crate) fn is_access_denied(&self) -> bool {
        matches!(self, Self::Access(AccessError::Denied(_)))
    }

    /// The headers that the status requires: `Retry-After` with 503, `WWW-Authenticate` with a
    /// challenge.
    pub(super) fn headers(&self, tenant: Option<&TenantName>) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if self.answer().status == 503 {
            headers.push(("retry-after", RETRY_AFTER_SECONDS.to_owned()));
        }
        if let (Some(challenge), Some(tenant)) = (self.challenge(), tenant) {
            // A tenant name has no character that needs quoting.
            headers.push(("www-authenticate", ["Bearer realm=\"", tenant.as_str(), "\"", &challenge].concat()));
        }
        headers
    }

    /// The attributes of the challenge after `realm` (RFC 6750 section 3). `None` if the reply has
    /// no challenge. A request without credentials gets no error code.
    fn challenge(&self) -> Option<String> {
        if !self.is_about_token() {
            return matches!(self, Self::Request(RequestError::Unauthenticated)).then(String::new);
        }
        let (code, scopes) = match self {
            Self::Bearer(BearerError::Malformed) => ("invalid_request", None),
            Self::Bearer(BearerError::Insufficient(Shortfall::Scope(scopes)))
            | Self::Access(AccessError::Scopes(scopes)) => ("insufficient_scope", Some(scopes)),
            Self::Bearer(BearerError::Insufficient(Shortfall::Claim(_))) => ("insufficient_scope", None),
            Self::Access(_) | Self::Bearer(_) | Self::Host(_) | Self::Login(_) | Self::Logout(_) | Self::Request(_) => {
                ("invalid_token", None)
            }
        };
        // `error_description` may contain printable ASCII without quotes and backslashes. Only the
        // name of a configured claim can have other characters.
        let is_plain = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        let reason = match self {
            // What is expected is for the log only.
            Self::Bearer(BearerError::Invalid(error, _)) => error.to_string(),
            Self::Access(_) | Self::Bearer(_) | Self::Host(_) | Self::Login(_) | Self::Logout(_) | Self::Request(_) => {
                self.to_string()
            }
        };
        let reason = reason.replace(|c| !is_plain(c), "_");
        // A scope has neither quotes nor backslashes (RFC 6749 section 3.3).
        let scope = scopes.map(|scopes| [", scope=\"", &scopes.join(" "), "\""].concat()).unwrap_or_default();
        Some([", error=\"", code, "\", error_description=\"", &reason, "\"", &scope].concat())
    }
}

/// The reply to a token whose signature was not verified. The status is not 429 (RFC 6585 section
/// 4), because it is not this client that has sent too many requests.
const VERIFICATION_LIMITED: Row = (503, Level::Debug, Event::VerificationLimited, pages::VERIFICATION_LIMITED, None);
const RETRY_AFTER_SECONDS: &str = "5";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::LoginError;
    use crate::jose::TokenError;
    use crate::token::TokenDetail;

    /// Envoy logs `Info` by default.
    #[test]
    fn what_any_client_can_cause_is_logged_at_debug() {
        let login = [
            LoginError::AddressTooLong,
            LoginError::CallbackInvalid("invalid"),
            LoginError::MetadataUnavailable,
            LoginError::RedirectLoop,
            LoginError::RequestInvalid,
            LoginError::StateUnknown("unknown"),
        ];
        let logout = [
            LogoutError::Body(BodyError::TimedOut),
            LogoutError::Body(BodyError::TooLong),
            LogoutError::Busy,
            LogoutError::KeyUnknown,
            LogoutError::Malformed,
            LogoutError::Token(TokenError::Signature),
        ];
        let request = [
            RequestError::BodyTimeout,
            RequestError::HostInvalid,
            RequestError::PathInvalid,
            RequestError::TenantBroken,
            RequestError::Unauthenticated,
            RequestError::UnknownHost,
        ];
        let bearer = [
            BearerError::Busy,
            BearerError::Invalid(TokenError::Signature, TokenDetail::default()),
            BearerError::Malformed,
            BearerError::NotAccepted,
        ];
        let refusals = login.map(Refusal::from).into_iter().chain(logout.map(Refusal::from));
        let refusals = refusals.chain(request.map(Refusal::from)).chain(bearer.map(Refusal::from));
        for refusal in refusals {
            assert_eq!(refusal.answer().level, Level::Debug, "{refusal}");
        }
    }
}

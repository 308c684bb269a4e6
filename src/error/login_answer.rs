//! The mapping from each reason of a failed login to the fixed part of its reply. A page offers
//! another try only where that can help; where a setting is wrong, it says so.

use super::login::{AuthorizationErrorCode, LoginError};
use super::pages::{self, Text};
use super::remedy::Remedy::{self, AnotherAccount, SignIn, SignInAgain, TryAgain};
use super::row::{HOST_ERROR, Row};
use crate::base::event::{Event, Level};
use crate::http::call::CallFailure;
use crate::identity::IdentityError;
use crate::jose::TokenError;
use crate::oauth::discovery::FetchError;
use crate::oauth::{OAuthErrorCode, TokenResponseError, UserinfoError};

/// The fixed part of the reply to a failed login.
pub(super) fn login(error: &LoginError) -> Row {
    use Level::{Debug, Info, Warn};
    match error {
        LoginError::AddressTooLong => (414, Debug, Event::AddressTooLong, pages::ADDRESS_TOO_LONG, Some(SignIn)),
        LoginError::Authorization(error) => {
            let (status, (text, remedy)) = match error.code {
                AuthorizationErrorCode::AccessDenied => (403, (pages::SIGN_IN_REFUSED, Some(AnotherAccount))),
                AuthorizationErrorCode::Misconfigured => (400, MISCONFIGURED),
                AuthorizationErrorCode::Other => (400, (pages::SIGN_IN_FAILED, Some(AnotherAccount))),
                AuthorizationErrorCode::Unavailable => (503, UNAVAILABLE),
            };
            (status, Info, Event::AuthorizationError, text, remedy)
        }
        LoginError::CallbackInvalid(_) => (400, Debug, Event::CallbackInvalid, pages::CALLBACK_INVALID, Some(SignIn)),
        LoginError::Host(_) => HOST_ERROR,
        LoginError::IdToken(error, _) => {
            let (text, remedy) = of_id_token(error);
            (403, Warn, Event::IdTokenInvalid, text, remedy)
        }
        LoginError::Identity(error) => {
            let (text, remedy) = match error {
                IdentityError::EmailUnverified => (pages::EMAIL_UNVERIFIED, Some(SignInAgain)),
                IdentityError::NoGroups(_) => (pages::NO_GROUPS, Some(AnotherAccount)),
                IdentityError::Overage(_) => (pages::GROUPS_OMITTED, Some(AnotherAccount)),
                IdentityError::Missing(_) => (pages::USER_MISSING, Some(AnotherAccount)),
                IdentityError::NoField(..) | IdentityError::WrongType(_) => MISCONFIGURED,
            };
            (403, Warn, Event::IdentityIncomplete, text, remedy)
        }
        LoginError::IssuerMismatch => (400, Info, Event::IssuerMismatch, pages::CALLBACK_INVALID, Some(TryAgain)),
        LoginError::Jwks(error) => at_provider(Warn, Event::JwksUnavailable, fetch_passes(error)),
        LoginError::MetadataUnavailable => at_provider(Debug, Event::MetadataUnavailable, true),
        LoginError::ProviderUnreachable(unreachable) => {
            at_provider(Warn, Event::ProviderUnreachable, call_passes(&unreachable.failure))
        }
        LoginError::RedirectLoop => (403, Debug, Event::RedirectLoop, pages::REDIRECT_LOOP, Some(TryAgain)),
        LoginError::RequestInvalid => {
            (400, Debug, Event::LoginRequestInvalid, pages::LOGIN_REQUEST_INVALID, Some(SignIn))
        }
        LoginError::SessionTooLarge => {
            (403, Info, Event::SessionTooLarge, pages::SESSION_TOO_LARGE, Some(AnotherAccount))
        }
        LoginError::StateUnknown(_) => (400, Debug, Event::StateUnknown, pages::STATE_UNKNOWN, Some(SignIn)),
        LoginError::SubjectMismatch => (403, Warn, Event::SubjectMismatch, pages::NOT_CONFIRMED, None),
        error @ LoginError::TokenResponse(_) if error.is_code_rejected() => {
            (400, Info, Event::CodeRejected, pages::CODE_REJECTED, Some(TryAgain))
        }
        LoginError::TokenResponse(error) => at_provider(Warn, Event::TokenResponseInvalid, tokens_pass(error)),
        LoginError::Userinfo(error) => at_provider(Warn, Event::UserinfoInvalid, userinfo_passes(error)),
    }
}

/// The text and the remedy where a setting has to be corrected, here or at the issuer.
const MISCONFIGURED: (Text, Option<Remedy>) = (pages::SIGN_IN_MISCONFIGURED, None);
/// The text and the remedy where the issuer does not work at the moment.
const UNAVAILABLE: (Text, Option<Remedy>) = (pages::SIGN_IN_UNAVAILABLE, Some(TryAgain));

/// The answer to a failed call to the provider, for a fault that `passes` by itself or stays. One
/// that may do either counts as passing, such as HTML in place of JSON during a maintenance. The
/// page then says whom to tell if it stays.
fn at_provider(level: Level, event: Event, passes: bool) -> Row {
    let (text, remedy) = if passes { UNAVAILABLE } else { MISCONFIGURED };
    (503, level, event, text, remedy)
}

/// A call that the host refuses names a cluster that does not exist.
fn call_passes(failure: &CallFailure) -> bool {
    match failure {
        CallFailure::NoAnswer | CallFailure::NoEndpoint | CallFailure::Local(_) => true,
        CallFailure::Refused => false,
    }
}

fn status_passes(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..)
}

fn fetch_passes(error: &FetchError) -> bool {
    match error {
        FetchError::Call(unreachable) => call_passes(&unreachable.failure),
        FetchError::Status(_, status) => status_passes(*status),
        FetchError::NotJson(_) | FetchError::TooLong => true,
        FetchError::Field(_) | FetchError::NoKey | FetchError::Origin(..) | FetchError::OtherIssuer(_) => false,
    }
}

fn tokens_pass(error: &TokenResponseError) -> bool {
    match error {
        TokenResponseError::OAuth(error) => error.code == OAuthErrorCode::Unavailable,
        TokenResponseError::Status(status) => status_passes(*status),
        TokenResponseError::NotJson | TokenResponseError::TooLong => true,
        TokenResponseError::Field(_) => false,
    }
}

fn userinfo_passes(error: &UserinfoError) -> bool {
    match error {
        UserinfoError::Status(status) => status_passes(*status),
        UserinfoError::NotJson | UserinfoError::TooLong => true,
        UserinfoError::NoEndpoint | UserinfoError::Signed => false,
    }
}

/// The text and the remedy for an ID token that failed a check. Another sign-in brings a newer one,
/// or one of a stronger sign-in. It brings no other issuer, audience or key.
fn of_id_token(error: &TokenError) -> (Text, Option<Remedy>) {
    if matches!(error, TokenError::Busy | TokenError::TooOld | TokenError::WrongClaim("acr" | "nonce")) {
        (pages::ID_TOKEN_INVALID, Some(SignInAgain))
    } else {
        (pages::NOT_CONFIRMED, None)
    }
}

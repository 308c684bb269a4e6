//! What people read when they are refused.

use super::answer::Answer;
use super::login::{AuthorizationError, LoginError};
use super::refusal::Refusal;
use super::request::RequestError;
use crate::access::{AccessError, Ambiguity, Denial};
use crate::base::event::Event;
use crate::base::secret::Secret;
use crate::env::HostFailure;
use crate::http::call::{CallFailure, CallResponse, LocalReason};
use crate::identity::IdentityError;
use crate::jose::TokenError;
use crate::oauth::discovery::FetchError;
use crate::oauth::{ProviderUnreachable, SentSecrets, TokenResponse, UserinfoError};
use crate::session::CrossOrigin;
use crate::tenant::ClaimPath;

/// Refusals of every kind that a person can see.
fn refusals_of_people() -> Vec<Refusal> {
    let claim = || ClaimPath::Text("groups".to_owned());
    let response = |status, body: &str| {
        let response = CallResponse { status, body: Secret::new(body.as_bytes().to_vec()) };
        TokenResponse::read(&response, &SentSecrets::default()).unwrap_err()
    };
    let mut login = vec![
        LoginError::AddressTooLong,
        LoginError::CallbackInvalid("invalid"),
        LoginError::Host(HostFailure("x")),
        LoginError::IssuerMismatch,
        LoginError::MetadataUnavailable,
        LoginError::RedirectLoop,
        LoginError::RequestInvalid,
        LoginError::SessionTooLarge,
        LoginError::StateUnknown("unknown"),
        LoginError::SubjectMismatch,
    ];
    let codes = ["access_denied", "invalid_scope", "server_error", "other"];
    login.extend(codes.map(|code| LoginError::Authorization(AuthorizationError::new(code, None))));
    login.extend([TokenError::TooOld, TokenError::Signature].map(LoginError::from));
    login.extend(
        [
            IdentityError::EmailUnverified,
            IdentityError::Missing(claim()),
            IdentityError::NoField(claim(), "name".to_owned()),
            IdentityError::NoGroups(claim()),
            IdentityError::Overage(claim()),
            IdentityError::WrongType(claim()),
        ]
        .map(LoginError::Identity),
    );
    let calls = [CallFailure::NoAnswer, CallFailure::Refused, CallFailure::Local(LocalReason::new(b"upstream"))];
    let calls = calls.map(|failure| ProviderUnreachable::new("issuer", failure));
    login.extend(calls.clone().map(LoginError::ProviderUnreachable));
    login.extend(calls.map(FetchError::Call).map(LoginError::Jwks));
    login.extend(
        [FetchError::NoKey, FetchError::Status("keys", 503), FetchError::NotJson("keys")].map(LoginError::Jwks),
    );
    login.extend([UserinfoError::Signed, UserinfoError::Status(500)].map(LoginError::Userinfo));
    let errors = ["invalid_client", "invalid_grant", "temporarily_unavailable"];
    let errors = errors.map(|error| response(400, &["{\"error\":\"", error, "\"}"].concat()));
    login.extend(errors.into_iter().chain([response(503, ""), response(404, "")]).map(LoginError::TokenResponse));
    let denial = Denial {
        rule: 0,
        path: "/".to_owned(),
        allowed: String::new(),
        groups: 0,
        lacks_email: false,
        claim: String::new(),
    };
    let access =
        [AccessError::Ambiguous(Ambiguity::DotSegment), AccessError::DeniedToAll(None), AccessError::Denied(denial)];
    let request = [
        RequestError::BodyTimeout,
        RequestError::CrossOrigin(CrossOrigin::default()),
        RequestError::HostInvalid,
        RequestError::PathInvalid,
        RequestError::TenantBroken,
        RequestError::Unauthenticated,
        RequestError::UnexpectedInput,
        RequestError::UnknownHost,
    ];
    let login = login.into_iter().map(Refusal::from);
    login.chain(access.map(Refusal::from)).chain(request.map(Refusal::from)).collect()
}

#[test]
fn people_read_no_jargon() {
    let jargon = ["token", "issuer", "OpenID", "OAuth", "header", "client", "claim", "gateway", "provider", "HTTP"];
    for refusal in refusals_of_people() {
        let (title, message) = refusal.answer().text;
        assert!(!jargon.iter().any(|word| message.contains(word) || title.contains(word)), "{message}");
        assert!(message.len() <= 230, "{message}");
    }
}

/// A page that tells the user to try it again has a link for that, and a page that tells the user
/// not to has none.
#[test]
fn texts_and_links_agree() {
    let has_link = |answer: &Answer| answer.remedy.and_then(|remedy| remedy.action(Some("/page"))).is_some();
    for refusal in refusals_of_people() {
        let answer = refusal.answer();
        let (_, message) = answer.text;
        if message.contains("will not help") {
            assert_eq!(answer.remedy, None, "{message}");
        }
        let asks = ["Try again", "try again", "Sign in", "sign in again", "start page"];
        if asks.iter().any(|words| message.contains(words)) && !matches!(answer.event, Event::UnexpectedInput) {
            assert!(has_link(&answer), "{message}");
        }
    }
}

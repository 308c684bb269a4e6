//! One row for each reason: what it is to the client, to the operator and to the person.

use super::Remedy::{self, AnotherAccount, SignInAgain, TryAgain};
use super::words::{self, Words};
use super::{AuthorizationError, Denial};
use crate::identity::NoIdentity;
use crate::reply::Level::{self, Debug, Error, Info, Warn};
use crate::request::NoBody;

/// What is fixed about a refusal.
pub(super) struct Facts {
    pub(super) status: u16,
    pub(super) level: Level,
    pub(super) event: &'static str,
    pub(super) words: Words,
    /// What helps the person. Without it there is no way on from here.
    pub(super) remedy: Option<Remedy>,
}

impl Denial {
    pub(super) fn facts(&self) -> Facts {
        let (status, level, event, words, remedy) = match self {
            Self::AddressTooLong => (414, Debug, "address_too_long", words::ADDRESS_TOO_LONG, Some(TryAgain)),
            Self::AuthorityUnreadable => (400, Debug, "authority_unreadable", words::REQUEST_UNREADABLE, None),
            Self::AuthorizationRefused(AuthorizationError::AccessDenied) => {
                (403, Info, "authorization_refused", words::SIGN_IN_REFUSED, Some(AnotherAccount))
            }
            Self::AuthorizationRefused(AuthorizationError::Unavailable) => {
                (503, Info, "authorization_refused", words::SIGN_IN_UNAVAILABLE, Some(TryAgain))
            }
            Self::AuthorizationRefused(AuthorizationError::Other) => {
                (400, Info, "authorization_refused", words::SIGN_IN_FAILED, Some(AnotherAccount))
            }
            Self::BodyUnreadable(NoBody::TooLong) => (413, Info, "body_unreadable", words::BODY_TOO_LONG, None),
            Self::BodyUnreadable(NoBody::Withheld) => (503, Error, "body_unreadable", words::FAILED, None),
            Self::CallbackMalformed => (400, Info, "callback_malformed", words::ANSWER_UNACCEPTABLE, Some(TryAgain)),
            Self::CodeRefused => (400, Info, "code_refused", words::CODE_REFUSED, Some(TryAgain)),
            Self::Forbidden(_) => (403, Debug, "forbidden", words::FORBIDDEN, None),
            Self::HostFailed(_) => (503, Error, "host_failed", words::FAILED, None),
            Self::IdToken(_) => (403, Warn, "id_token_refused", words::IDENTITY_UNVERIFIED, Some(SignInAgain)),
            Self::KeysUnavailable(_) => (503, Warn, "keys_unavailable", words::SIGN_IN_UNAVAILABLE, Some(TryAgain)),
            Self::LogoutKeyUnknown => (503, Info, "logout_key_unknown", words::LOGOUT_KEY_UNKNOWN, None),
            Self::LogoutMalformed => (400, Info, "logout_malformed", words::LOGOUT_MALFORMED, None),
            Self::LogoutToken(_) => (400, Info, "logout_token_refused", words::LOGOUT_REFUSED, None),
            Self::LoginCircle => (403, Info, "login_circle", words::LOGIN_CIRCLE, Some(TryAgain)),
            Self::NoIdentity(NoIdentity::EmailUnverified) => {
                (403, Warn, "no_identity", words::EMAIL_UNVERIFIED, Some(AnotherAccount))
            }
            Self::NoIdentity(NoIdentity::NoGroups(_)) => {
                (403, Warn, "no_identity", words::NO_GROUPS, Some(AnotherAccount))
            }
            Self::NoIdentity(NoIdentity::Overage(_)) => {
                (403, Warn, "no_identity", words::GROUPS_NOT_TOLD, Some(AnotherAccount))
            }
            Self::NoIdentity(NoIdentity::Missing(_) | NoIdentity::NoField(..) | NoIdentity::WrongType(_)) => {
                (403, Warn, "no_identity", words::NOBODY, Some(AnotherAccount))
            }
            Self::NotAllowed(_) => (403, Info, "not_allowed", words::NOT_ALLOWED, None),
            Self::OtherIssuer => (400, Info, "other_issuer", words::ANSWER_UNACCEPTABLE, Some(TryAgain)),
            Self::OtherSubject => (403, Warn, "other_subject", words::IDENTITY_UNVERIFIED, Some(AnotherAccount)),
            Self::OtherTenant => (503, Error, "other_tenant", words::FAILED, None),
            Self::OutOfTurn => (503, Error, "out_of_turn", words::FAILED, None),
            Self::PathAmbiguous(_) => (400, Debug, "path_ambiguous", words::PATH_AMBIGUOUS, None),
            Self::ProviderUndiscovered => {
                (503, Warn, "provider_undiscovered", words::SIGN_IN_UNAVAILABLE, Some(TryAgain))
            }
            Self::ProviderUnreachable(_) => {
                (503, Warn, "provider_unreachable", words::SIGN_IN_UNAVAILABLE, Some(TryAgain))
            }
            Self::ProviderUnusable(_) => (503, Warn, "provider_unusable", words::SIGN_IN_UNAVAILABLE, Some(TryAgain)),
            Self::SessionTooLarge => (403, Info, "session_too_large", words::SESSION_TOO_LARGE, Some(AnotherAccount)),
            Self::StateUnknown => (400, Info, "state_unknown", words::STATE_UNKNOWN, Some(TryAgain)),
            Self::TargetUnreadable => (400, Debug, "target_unreadable", words::REQUEST_UNREADABLE, None),
            Self::TenantBroken => (503, Debug, "tenant_broken", words::TENANT_BROKEN, None),
            Self::TokenAnonymous(_) => (401, Debug, "token_anonymous", words::TOKEN_REFUSED, None),
            Self::TokenInsufficient(_) => (403, Debug, "token_insufficient", words::TOKEN_INSUFFICIENT, None),
            Self::TokenNotTaken => (401, Debug, "token_not_taken", words::TOKEN_REFUSED, None),
            Self::TokenRefused(_) => (401, Debug, "token_refused", words::TOKEN_REFUSED, None),
            Self::TokenUnreadable => (400, Debug, "token_unreadable", words::TOKEN_REFUSED, None),
            Self::Unauthenticated => (401, Debug, "unauthenticated", words::UNAUTHENTICATED, Some(TryAgain)),
            Self::UnknownHost => (404, Debug, "unknown_host", words::UNKNOWN_HOST, None),
            Self::UserinfoUnusable(_) => (503, Warn, "userinfo_unusable", words::SIGN_IN_UNAVAILABLE, Some(TryAgain)),
        };
        Facts { status, level, event, words, remedy }
    }
}

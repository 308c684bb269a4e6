//! The reasons for the log. They may name a claim or a status, never a value that the client or the issuer sent.

use std::fmt;

use super::{AuthorizationError, Denial};
use crate::call::CallFailure;
use crate::request::{MAX_BODY, NoBody};

/// For the log.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressTooLong => f.write_str("no session, and the address is too long for a login to come back to"),
            Self::AuthorityUnreadable => f.write_str("`:authority` is absent, repeated, or no host name"),
            Self::AuthorizationRefused(error) => write!(f, "the issuer refused the authorization request: {error}"),
            Self::BodyUnreadable(NoBody::TooLong) => write!(f, "the body is longer than {MAX_BODY} bytes"),
            Self::BodyUnreadable(NoBody::Withheld) => f.write_str("the host did not hand over the body"),
            Self::CallbackMalformed => f.write_str("the callback lacks a parameter, repeats one, or was not a GET"),
            Self::CodeRefused => f.write_str("the token endpoint refused the code (`invalid_grant`)"),
            Self::Forbidden(Some(rule)) => write!(f, "access[{rule}] denies it"),
            Self::Forbidden(None) => f.write_str("no rule of `access` fits, and `access_default` is deny"),
            Self::HostFailed(what) => write!(f, "the host failed: {what}"),
            Self::IdToken(rejection) => write!(f, "ID token: {rejection}"),
            Self::KeysUnavailable(problem) => {
                write!(f, "ID token: its key is not known, and fetching the issuer's failed: {problem}")
            }
            Self::LogoutKeyUnknown => {
                f.write_str("the key of the logout token is not known; the issuer's keys are fetched at the next tick")
            }
            Self::LogoutMalformed => f.write_str("there has to be a POST of a form with one `logout_token`"),
            Self::LogoutToken(rejection) => write!(f, "logout token: {rejection}"),
            Self::LoginCircle => f.write_str(
                "three logins in a row, and no session after any of them: the browser drops its cookie, or replicas differ in clock or session keys",
            ),
            Self::NoIdentity(problem) => write!(f, "ID token: {problem}"),
            Self::NotAllowed(rule) => write!(f, "access[{rule}] is for others"),
            Self::OtherIssuer => {
                f.write_str("the callback names another issuer, or none where this one always names itself (`iss`)")
            }
            Self::OtherSubject => {
                f.write_str("the UserInfo endpoint speaks of somebody else than the ID token (`sub`)")
            }
            Self::OtherTenant => f.write_str("the identity belongs to another tenant"),
            Self::OutOfTurn => f.write_str("an input came that this request does not wait for"),
            Self::PathAmbiguous(ambiguity) => {
                write!(f, "`:path` has {ambiguity}, which servers read in different ways")
            }
            Self::ProviderUndiscovered => f.write_str("the metadata of the provider were not fetched yet"),
            Self::ProviderUnreachable(CallFailure::Refused) => {
                f.write_str("the host refused the call to the issuer; is there a cluster by the configured name?")
            }
            Self::ProviderUnreachable(CallFailure::NoAnswer) => f.write_str("no answer from the issuer in time"),
            Self::ProviderUnusable(problem) => write!(f, "token endpoint: {problem}"),
            Self::SessionTooLarge => f.write_str("the session does not fit into a cookie of 4096 bytes"),
            Self::StateUnknown => {
                f.write_str("no login that this browser began belongs to the `state`, or it has expired")
            }
            Self::TargetUnreadable => f.write_str("`:path` is absent, repeated, or not in origin-form"),
            Self::TenantBroken => {
                f.write_str("the tenant's configuration is wrong; the reasons were logged when it was loaded")
            }
            Self::TokenAnonymous(problem) => write!(f, "{problem}"),
            Self::TokenInsufficient(shortfall) => write!(f, "{shortfall}"),
            Self::TokenNotTaken => f.write_str("bearer tokens are not accepted here"),
            Self::TokenRefused(rejection) => write!(f, "{rejection}"),
            Self::TokenUnreadable => f.write_str("there has to be one Authorization header with one token"),
            Self::Unauthenticated => f.write_str("no session, and not a navigation"),
            Self::UnknownHost => f.write_str("no tenant has this host"),
            Self::UserinfoUnusable(problem) => write!(f, "UserInfo endpoint: {problem}"),
        }
    }
}

impl fmt::Display for AuthorizationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessDenied => "access_denied",
            Self::Unavailable => "server_error or temporarily_unavailable",
            Self::Other => "an error that points at the client registration or the request",
        })
    }
}

//! Every reason why a request does not go on, and what each means to the client, the operator and the log.

use std::fmt;

use crate::access::{Ambiguity, NotPermitted};
use crate::call::CallFailure;
use crate::env::{NoEntropy, NoTime};
use crate::identity::NoIdentity;
use crate::login::{RequestRefused, TokenResponseProblem, UserinfoProblem};
use crate::page::Way;
use crate::provider::{FetchProblem, Undiscovered};
use crate::reply::Level;
use crate::request::{MAX_BODY, NoBody};
use crate::seal::SealError;
use crate::session::NoSession;
use crate::tenant::TenantName;
use crate::token::{OtherSubject, Shortfall, TokenRejection};

/// Why a request is refused. `Display` gives the reason for the log: it may name a claim or a status, never a value that the
/// client or the issuer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The address is longer than a login could bring the browser back to.
    AddressTooLong,
    /// There is not exactly one `:authority`, or it is no host name.
    AuthorityUnreadable,
    /// The body of the request could not be read, or is too long.
    BodyUnreadable(NoBody),
    /// The issuer answered the authorization request with this error.
    AuthorizationRefused(AuthorizationError),
    /// The answer of the issuer lacks something, or says something twice.
    CallbackMalformed,
    /// The issuer did not take the code (`invalid_grant`).
    CodeRefused,
    /// The rule of this number denies the request to everybody, or none fits and that denies it.
    Forbidden(Option<usize>),
    /// The host could not do what was asked of it.
    HostFailed(&'static str),
    /// The ID token is not to be believed.
    IdToken(TokenRejection),
    /// The key that signed the ID token is not known, and the issuer's keys could not be fetched.
    KeysUnavailable(FetchProblem),
    /// The key that signed the logout token is not known yet.
    LogoutKeyUnknown,
    /// There is not exactly one logout token in a form.
    LogoutMalformed,
    /// The logout token is not to be believed.
    LogoutToken(TokenRejection),
    /// Logins end well, one after the other, and none of them holds.
    LoginCircle,
    /// The ID token does not say who it is.
    NoIdentity(NoIdentity),
    /// The rule of this number is for others.
    NotAllowed(usize),
    /// The answer names another issuer, or none where it has to (RFC 9207).
    OtherIssuer,
    /// An identity of another tenant got as far as the upstream's door.
    OtherTenant,
    /// The UserInfo endpoint speaks of somebody else than the ID token.
    OtherSubject,
    /// An input that does not belong to this state.
    OutOfTurn,
    /// The path can be read in two ways, and there are rules about paths.
    PathAmbiguous(Ambiguity),
    /// An endpoint of the issuer could not be reached.
    ProviderUnreachable(CallFailure),
    /// The provider's endpoints are to be discovered, and were not yet.
    ProviderUndiscovered,
    /// The token endpoint answered, but not with tokens.
    ProviderUnusable(TokenResponseProblem),
    /// The session does not fit into a cookie.
    SessionTooLarge,
    /// No login that this browser began belongs to the answer, or it has expired.
    StateUnknown,
    /// The `:path` is not a path.
    TargetUnreadable,
    /// The tenant's part of the configuration is wrong.
    TenantBroken,
    /// The bearer token does not say who it is.
    TokenAnonymous(NoIdentity),
    /// The bearer token is good, and lacks a scope or a claim that the tenant requires, or a scope that a rule does.
    TokenInsufficient(Shortfall),
    /// The tenant takes no bearer tokens.
    TokenNotTaken,
    /// The bearer token is not to be believed.
    TokenRefused(TokenRejection),
    /// The `Authorization` header is repeated, or is `Bearer` without one token.
    TokenUnreadable,
    /// No session, and no person who could sign in.
    Unauthenticated,
    /// No tenant has this host.
    UnknownHost,
    /// The UserInfo endpoint answered, but not with claims.
    UserinfoUnusable(UserinfoProblem),
}

/// The error codes of RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6, by what they mean here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthorizationError {
    /// `access_denied`: the person or the issuer said no.
    AccessDenied,
    /// `server_error` and `temporarily_unavailable`.
    Unavailable,
    /// Every other code.
    Other,
}

/// What may help after a login that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// The same once more.
    TryAgain,
    /// The same once more, after the issuer asked who it is.
    SignInAgain,
    /// As [`SignInAgain`](Self::SignInAgain), and as somebody else.
    AnotherAccount,
}

impl Remedy {
    /// What the link says.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::TryAgain => "Try again",
            Self::SignInAgain => "Sign in again",
            Self::AnotherAccount => "Sign in with another account",
        }
    }
}

impl Denial {
    /// The pages that a tenant can have words of its own for. The rest is said before the tenant is known, or when it cannot be.
    pub(crate) const PAGES: [&str; 34] = [
        "address_too_long",
        "authorization_refused",
        "body_unreadable",
        "callback_malformed",
        "code_refused",
        "forbidden",
        "host_failed",
        "id_token_refused",
        "keys_unavailable",
        "login_circle",
        "logout_key_unknown",
        "logout_malformed",
        "logout_token_refused",
        "logout_unconfirmed",
        "no_identity",
        "not_allowed",
        "other_issuer",
        "other_subject",
        "other_tenant",
        "path_ambiguous",
        "provider_undiscovered",
        "provider_unreachable",
        "provider_unusable",
        "session_too_large",
        "signed_out",
        "state_unknown",
        "target_unreadable",
        "token_anonymous",
        "token_insufficient",
        "token_not_taken",
        "token_refused",
        "token_unreadable",
        "unauthenticated",
        "userinfo_unusable",
    ];

    /// HTTP status code.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::AuthorityUnreadable
            | Self::CallbackMalformed
            | Self::CodeRefused
            | Self::LogoutMalformed
            | Self::LogoutToken(_)
            | Self::OtherIssuer
            | Self::PathAmbiguous(_)
            | Self::StateUnknown
            | Self::TargetUnreadable
            | Self::TokenUnreadable
            | Self::AuthorizationRefused(AuthorizationError::Other) => 400,
            Self::TokenAnonymous(_) | Self::TokenNotTaken | Self::TokenRefused(_) | Self::Unauthenticated => 401,
            Self::AuthorizationRefused(AuthorizationError::AccessDenied)
            | Self::Forbidden(_)
            | Self::IdToken(_)
            | Self::LoginCircle
            | Self::NoIdentity(_)
            | Self::OtherSubject
            | Self::NotAllowed(_)
            | Self::SessionTooLarge
            | Self::TokenInsufficient(_) => 403,
            Self::UnknownHost => 404,
            Self::BodyUnreadable(NoBody::TooLong) => 413,
            Self::AddressTooLong => 414,
            Self::AuthorizationRefused(AuthorizationError::Unavailable)
            | Self::BodyUnreadable(NoBody::Withheld)
            | Self::HostFailed(_)
            | Self::KeysUnavailable(_)
            | Self::LogoutKeyUnknown
            | Self::OtherTenant
            | Self::OutOfTurn
            | Self::ProviderUndiscovered
            | Self::ProviderUnreachable(_)
            | Self::ProviderUnusable(_)
            | Self::TenantBroken
            | Self::UserinfoUnusable(_) => 503,
        }
    }

    /// The name that the counter, the log line and the JSON answer have in common.
    pub(crate) fn event(&self) -> &'static str {
        match self {
            Self::AddressTooLong => "address_too_long",
            Self::AuthorityUnreadable => "authority_unreadable",
            Self::AuthorizationRefused(_) => "authorization_refused",
            Self::BodyUnreadable(_) => "body_unreadable",
            Self::CallbackMalformed => "callback_malformed",
            Self::CodeRefused => "code_refused",
            Self::Forbidden(_) => "forbidden",
            Self::HostFailed(_) => "host_failed",
            Self::IdToken(_) => "id_token_refused",
            Self::KeysUnavailable(_) => "keys_unavailable",
            Self::LogoutKeyUnknown => "logout_key_unknown",
            Self::LogoutMalformed => "logout_malformed",
            Self::LogoutToken(_) => "logout_token_refused",
            Self::LoginCircle => "login_circle",
            Self::NoIdentity(_) => "no_identity",
            Self::NotAllowed(_) => "not_allowed",
            Self::OtherIssuer => "other_issuer",
            Self::OtherSubject => "other_subject",
            Self::OtherTenant => "other_tenant",
            Self::OutOfTurn => "out_of_turn",
            Self::PathAmbiguous(_) => "path_ambiguous",
            Self::ProviderUndiscovered => "provider_undiscovered",
            Self::ProviderUnreachable(_) => "provider_unreachable",
            Self::ProviderUnusable(_) => "provider_unusable",
            Self::SessionTooLarge => "session_too_large",
            Self::StateUnknown => "state_unknown",
            Self::TargetUnreadable => "target_unreadable",
            Self::TenantBroken => "tenant_broken",
            Self::TokenAnonymous(_) => "token_anonymous",
            Self::TokenInsufficient(_) => "token_insufficient",
            Self::TokenNotTaken => "token_not_taken",
            Self::TokenRefused(_) => "token_refused",
            Self::TokenUnreadable => "token_unreadable",
            Self::Unauthenticated => "unauthenticated",
            Self::UnknownHost => "unknown_host",
            Self::UserinfoUnusable(_) => "userinfo_unusable",
        }
    }

    /// How much it matters. What any client can bring about is no warning, or clients could drown the log.
    pub(crate) fn level(&self) -> Level {
        match self {
            Self::AddressTooLong
            | Self::AuthorityUnreadable
            | Self::Forbidden(_)
            | Self::PathAmbiguous(_)
            | Self::TargetUnreadable
            | Self::TenantBroken
            | Self::TokenAnonymous(_)
            | Self::TokenInsufficient(_)
            | Self::TokenNotTaken
            | Self::TokenRefused(_)
            | Self::TokenUnreadable
            | Self::Unauthenticated
            | Self::UnknownHost => Level::Debug,
            Self::AuthorizationRefused(_)
            | Self::BodyUnreadable(NoBody::TooLong)
            | Self::CallbackMalformed
            | Self::CodeRefused
            | Self::LogoutKeyUnknown
            | Self::LogoutMalformed
            | Self::LogoutToken(_)
            | Self::LoginCircle
            | Self::NotAllowed(_)
            | Self::OtherIssuer
            | Self::SessionTooLarge
            | Self::StateUnknown => Level::Info,
            Self::IdToken(_)
            | Self::KeysUnavailable(_)
            | Self::NoIdentity(_)
            | Self::OtherSubject
            | Self::ProviderUndiscovered
            | Self::ProviderUnreachable(_)
            | Self::ProviderUnusable(_)
            | Self::UserinfoUnusable(_) => Level::Warn,
            Self::BodyUnreadable(NoBody::Withheld) | Self::HostFailed(_) | Self::OtherTenant | Self::OutOfTurn => {
                Level::Error
            }
        }
    }

    /// Whether it is a bearer token that is no good, or not good enough.
    pub(crate) fn is_about_token(&self) -> bool {
        matches!(
            self,
            Self::TokenAnonymous(_)
                | Self::TokenInsufficient(_)
                | Self::TokenNotTaken
                | Self::TokenRefused(_)
                | Self::TokenUnreadable
        )
    }

    /// Title and message for the person. Constant texts: nothing that was received is repeated.
    pub(crate) fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::AddressTooLong => (
                "Address too long",
                "You are not signed in, and this address is too long to come back to after signing in. Sign in first, then open it again.",
            ),
            Self::AuthorityUnreadable | Self::TargetUnreadable => {
                ("Bad request", "The request has no host or no path that could be read.")
            }
            Self::AuthorizationRefused(AuthorizationError::AccessDenied) => {
                ("Sign-in refused", "Your organization's sign-in service did not let you in.")
            }
            Self::AuthorizationRefused(AuthorizationError::Other) => {
                ("Sign-in failed", "Your organization's sign-in service could not sign you in.")
            }
            Self::CallbackMalformed | Self::OtherIssuer => {
                ("Sign-in failed", "The answer of the sign-in service could not be accepted.")
            }
            Self::BodyUnreadable(NoBody::TooLong) => {
                ("Too long", "The body of the request is longer than anything that is accepted here.")
            }
            Self::LogoutMalformed => ("Bad request", "There has to be one logout token, in a form that is posted."),
            Self::LogoutToken(_) => ("Sign-out refused", "The logout token was not accepted."),
            Self::LogoutKeyUnknown => {
                ("Not available", "The key of the logout token is not known yet. Try again in a moment.")
            }
            Self::CodeRefused => ("Sign-in expired", "The sign-in took too long or was already used."),
            Self::IdToken(_) | Self::OtherSubject => {
                ("Sign-in failed", "The sign-in service sent an identity that could not be verified.")
            }
            Self::LoginCircle => (
                "Sign-in does not hold",
                "You were signed in several times in a row, and each time your browser came back without it. Cookies have to be allowed for this site. If they are, its operator has to be told.",
            ),
            Self::NoIdentity(NoIdentity::Overage(_)) => (
                "Too many groups",
                "Your account has more groups than your sign-in service tells. Ask your administrator to send fewer groups to this application.",
            ),
            Self::NoIdentity(NoIdentity::EmailUnverified) => (
                "E-mail address not verified",
                "Your organization's sign-in service has not verified your e-mail address.",
            ),
            Self::NoIdentity(NoIdentity::NoGroups(_)) => {
                ("Not allowed", "Your account has none of the groups that this site is for.")
            }
            Self::NoIdentity(NoIdentity::Missing(_) | NoIdentity::NoField(..) | NoIdentity::WrongType(_)) => {
                ("Sign-in failed", "The sign-in service did not say who you are.")
            }
            Self::Forbidden(_) => ("Not allowed", "Nobody may open this page."),
            Self::NotAllowed(_) => ("Not allowed", "You are signed in, but your account may not open this page."),
            Self::PathAmbiguous(_) => ("Bad request", "The address is written in a way that is not accepted here."),
            Self::SessionTooLarge => (
                "Too many groups",
                "Your account has more groups than a session can hold. Ask your administrator to send fewer groups to this application.",
            ),
            Self::StateUnknown => (
                "Sign-in expired",
                "This sign-in has expired, was already used, or was begun in another browser. Cookies have to be allowed for this site.",
            ),
            Self::AuthorizationRefused(AuthorizationError::Unavailable)
            | Self::KeysUnavailable(_)
            | Self::ProviderUndiscovered
            | Self::ProviderUnreachable(_)
            | Self::ProviderUnusable(_)
            | Self::UserinfoUnusable(_) => (
                "Sign-in unavailable",
                "Your organization's sign-in service does not answer as it should. Try again in a moment.",
            ),
            Self::TenantBroken => {
                ("Not available", "This site is not configured correctly. Its operator has to be told.")
            }
            Self::TokenAnonymous(_) | Self::TokenNotTaken | Self::TokenRefused(_) | Self::TokenUnreadable => {
                ("Token refused", "The bearer token was not accepted.")
            }
            Self::TokenInsufficient(_) => {
                ("Not allowed", "The bearer token lacks a scope or a claim that is required here.")
            }
            Self::Unauthenticated => {
                ("Not signed in", "This needs a signed-in user. Open the site in a browser to sign in.")
            }
            Self::UnknownHost => ("Not found", "There is no site at this address."),
            Self::BodyUnreadable(NoBody::Withheld) | Self::HostFailed(_) | Self::OtherTenant | Self::OutOfTurn => {
                ("Not available", "Something went wrong here. Try again in a moment.")
            }
        }
    }

    /// What helps a person whose login failed. The session at the issuer lives on, so the mere way back would lead here again, by way of
    /// the issuer and without a question.
    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            Self::AuthorizationRefused(AuthorizationError::AccessDenied | AuthorizationError::Other)
            | Self::NoIdentity(_)
            | Self::OtherSubject
            | Self::SessionTooLarge => Remedy::AnotherAccount,
            Self::IdToken(_) => Remedy::SignInAgain,
            Self::AddressTooLong
            | Self::AuthorityUnreadable
            | Self::AuthorizationRefused(AuthorizationError::Unavailable)
            | Self::BodyUnreadable(_)
            | Self::CallbackMalformed
            | Self::CodeRefused
            | Self::Forbidden(_)
            | Self::HostFailed(_)
            | Self::KeysUnavailable(_)
            | Self::LoginCircle
            | Self::LogoutKeyUnknown
            | Self::LogoutMalformed
            | Self::LogoutToken(_)
            | Self::NotAllowed(_)
            | Self::OtherIssuer
            | Self::OtherTenant
            | Self::OutOfTurn
            | Self::PathAmbiguous(_)
            | Self::ProviderUndiscovered
            | Self::ProviderUnreachable(_)
            | Self::ProviderUnusable(_)
            | Self::StateUnknown
            | Self::TargetUnreadable
            | Self::TenantBroken
            | Self::TokenAnonymous(_)
            | Self::TokenInsufficient(_)
            | Self::TokenNotTaken
            | Self::TokenRefused(_)
            | Self::TokenUnreadable
            | Self::Unauthenticated
            | Self::UnknownHost
            | Self::UserinfoUnusable(_) => Remedy::TryAgain,
        }
    }

    /// Where the person can go from here.
    pub(crate) fn way(&self) -> Option<Way> {
        match self {
            Self::AddressTooLong
            | Self::AuthorizationRefused(_)
            | Self::CallbackMalformed
            | Self::CodeRefused
            | Self::IdToken(_)
            | Self::KeysUnavailable(_)
            | Self::LoginCircle
            | Self::NoIdentity(_)
            | Self::OtherIssuer
            | Self::OtherSubject
            | Self::ProviderUndiscovered
            | Self::ProviderUnreachable(_)
            | Self::ProviderUnusable(_)
            | Self::SessionTooLarge
            | Self::StateUnknown
            | Self::Unauthenticated
            | Self::UserinfoUnusable(_) => Some(Way::sign_in("/")),
            Self::AuthorityUnreadable
            | Self::BodyUnreadable(_)
            | Self::Forbidden(_)
            | Self::HostFailed(_)
            | Self::LogoutKeyUnknown
            | Self::LogoutMalformed
            | Self::LogoutToken(_)
            | Self::NotAllowed(_)
            | Self::OtherTenant
            | Self::OutOfTurn
            | Self::PathAmbiguous(_)
            | Self::TargetUnreadable
            | Self::TenantBroken
            | Self::TokenAnonymous(_)
            | Self::TokenInsufficient(_)
            | Self::TokenNotTaken
            | Self::TokenRefused(_)
            | Self::TokenUnreadable
            | Self::UnknownHost => None,
        }
    }

    /// Header lines that belong to the status.
    pub(crate) fn headers(&self, tenant: Option<&TenantName>) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if self.status() == 503 {
            headers.push(("retry-after", RETRY_AFTER_SECONDS.to_owned()));
        }
        if let (Some(challenge), Some(tenant)) = (self.challenge(), tenant) {
            // A tenant name has no character that would need quoting.
            headers.push(("www-authenticate", ["Bearer realm=\"", tenant.as_str(), "\"", &challenge].concat()));
        }
        headers
    }

    /// What the challenge says after the realm (RFC 6750 section 3). A request without credentials is told no error.
    fn challenge(&self) -> Option<String> {
        // RFC 6750 section 3: printable ASCII without quotes and backslashes. Only the name of a configured claim could have others.
        let is_plain = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        let error = |code: &str| {
            let reason = self.to_string().replace(|c| !is_plain(c), "_");
            Some([", error=\"", code, "\", error_description=\"", &reason, "\""].concat())
        };
        match self {
            Self::Unauthenticated => Some(String::new()),
            Self::TokenAnonymous(_) | Self::TokenNotTaken | Self::TokenRefused(_) => error("invalid_token"),
            Self::TokenUnreadable => error("invalid_request"),
            // A scope has neither quotes nor backslashes.
            Self::TokenInsufficient(Shortfall::Claim(_)) => error("insufficient_scope"),
            Self::TokenInsufficient(Shortfall::Scope(scopes)) => {
                error("insufficient_scope").map(|text| format!("{text}, scope=\"{}\"", scopes.join(" ")))
            }
            Self::AddressTooLong
            | Self::AuthorityUnreadable
            | Self::AuthorizationRefused(_)
            | Self::BodyUnreadable(_)
            | Self::CallbackMalformed
            | Self::CodeRefused
            | Self::Forbidden(_)
            | Self::HostFailed(_)
            | Self::IdToken(_)
            | Self::KeysUnavailable(_)
            | Self::LogoutKeyUnknown
            | Self::LogoutMalformed
            | Self::LogoutToken(_)
            | Self::LoginCircle
            | Self::NoIdentity(_)
            | Self::NotAllowed(_)
            | Self::OtherIssuer
            | Self::OtherSubject
            | Self::OtherTenant
            | Self::OutOfTurn
            | Self::PathAmbiguous(_)
            | Self::ProviderUndiscovered
            | Self::ProviderUnreachable(_)
            | Self::ProviderUnusable(_)
            | Self::SessionTooLarge
            | Self::StateUnknown
            | Self::TargetUnreadable
            | Self::TenantBroken
            | Self::UnknownHost
            | Self::UserinfoUnusable(_) => None,
        }
    }
}

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

impl From<NoTime> for Denial {
    fn from(NoTime: NoTime) -> Self {
        Self::HostFailed("it could not tell the time")
    }
}

impl From<NoEntropy> for Denial {
    fn from(NoEntropy: NoEntropy) -> Self {
        Self::HostFailed("it gave no random bytes")
    }
}

impl From<SealError> for Denial {
    fn from(error: SealError) -> Self {
        match error {
            SealError::NoEntropy => NoEntropy.into(),
            SealError::NoKey => Self::HostFailed("there is no session key"),
            SealError::Unsealable => Self::HostFailed("a value could not be sealed"),
        }
    }
}

impl From<NoSession> for Denial {
    fn from(problem: NoSession) -> Self {
        match problem {
            NoSession::Anonymous(problem) => Self::NoIdentity(problem),
            NoSession::TooLarge => Self::SessionTooLarge,
            NoSession::Unsealed(error) => error.into(),
        }
    }
}

impl From<TokenResponseProblem> for Denial {
    /// A code that is refused is more often a late client than a fault of the issuer.
    fn from(problem: TokenResponseProblem) -> Self {
        if problem == TokenResponseProblem::Refused(RequestRefused::InvalidGrant) {
            Self::CodeRefused
        } else {
            Self::ProviderUnusable(problem)
        }
    }
}

impl From<UserinfoProblem> for Denial {
    fn from(problem: UserinfoProblem) -> Self {
        Self::UserinfoUnusable(problem)
    }
}

impl From<OtherSubject> for Denial {
    fn from(OtherSubject: OtherSubject) -> Self {
        Self::OtherSubject
    }
}

impl From<Undiscovered> for Denial {
    fn from(Undiscovered: Undiscovered) -> Self {
        Self::ProviderUndiscovered
    }
}

impl From<NotPermitted> for Denial {
    fn from(refusal: NotPermitted) -> Self {
        match refusal {
            NotPermitted::Ambiguous(ambiguity) => Self::PathAmbiguous(ambiguity),
            NotPermitted::Denied(rule) => Self::Forbidden(rule),
            NotPermitted::Others(rule) => Self::NotAllowed(rule),
            NotPermitted::OtherTenant => Self::OtherTenant,
            NotPermitted::Scopes(scopes) => Self::TokenInsufficient(Shortfall::Scope(scopes)),
        }
    }
}

impl From<TokenRejection> for Denial {
    fn from(rejection: TokenRejection) -> Self {
        Self::IdToken(rejection)
    }
}

impl From<NoIdentity> for Denial {
    fn from(problem: NoIdentity) -> Self {
        Self::NoIdentity(problem)
    }
}

const RETRY_AFTER_SECONDS: &str = "5";

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever adds a reason decides whether a tenant can have words of its own for it.
    #[test]
    fn every_event_is_a_page_with_words_or_comes_before_the_tenant() {
        const BEFORE: [&str; 4] = ["authority_unreadable", "out_of_turn", "tenant_broken", "unknown_host"];
        let source = include_str!("denial.rs");
        let events = source.split("fn event(").nth(1).unwrap().split("\n    }\n").next().unwrap();
        let mut named: Vec<&str> =
            events.split('"').skip(1).step_by(2).chain(["signed_out", "logout_unconfirmed"]).collect();
        named.retain(|event| !BEFORE.contains(event));
        named.sort_unstable();
        assert_eq!(named, Denial::PAGES);
    }
}

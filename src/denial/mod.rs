//! Every reason why a request does not go on, and what each means to the client, the operator and the log.

mod facts;
mod from;
mod reason;
mod words;

use crate::access::Ambiguity;
use crate::call::CallFailure;
use crate::identity::NoIdentity;
use crate::login::{TokenResponseProblem, UserinfoProblem};
use crate::page::Way;
use crate::provider::FetchProblem;
use crate::reply::Level;
use crate::request::NoBody;
use crate::tenant::TenantName;
use crate::token::{Shortfall, TokenRejection};

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
        self.facts().status
    }

    /// The name that the counter, the log line and the JSON answer have in common.
    pub(crate) fn event(&self) -> &'static str {
        self.facts().event
    }

    /// How much it matters. What any client can bring about is no warning, or clients could drown the log.
    pub(crate) fn level(&self) -> Level {
        self.facts().level
    }

    /// Title and message for the person. Constant texts: nothing that was received is repeated.
    pub(crate) fn words(&self) -> (&'static str, &'static str) {
        self.facts().words
    }

    /// What helps a person whose login failed. The session at the issuer lives on, so the mere way back would lead here again, by way of
    /// the issuer and without a question.
    pub(crate) fn remedy(&self) -> Remedy {
        self.facts().remedy.unwrap_or(Remedy::TryAgain)
    }

    /// Where the person can go from here.
    pub(crate) fn way(&self) -> Option<Way> {
        self.facts().remedy.map(|_| Way::sign_in("/"))
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
        if !self.is_about_token() {
            return matches!(self, Self::Unauthenticated).then(String::new);
        }
        let code = if matches!(self, Self::TokenUnreadable) {
            "invalid_request"
        } else if matches!(self, Self::TokenInsufficient(_)) {
            "insufficient_scope"
        } else {
            "invalid_token"
        };
        // Printable ASCII without quotes and backslashes. Only the name of a configured claim could have others.
        let is_plain = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        let reason = self.to_string().replace(|c| !is_plain(c), "_");
        // A scope has neither quotes nor backslashes.
        let scope = if let Self::TokenInsufficient(Shortfall::Scope(scopes)) = self {
            [", scope=\"", &scopes.join(" "), "\""].concat()
        } else {
            String::new()
        };
        Some([", error=\"", code, "\", error_description=\"", &reason, "\"", &scope].concat())
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
        // The names of events are the only texts in the table.
        let events = include_str!("facts.rs").split('"').skip(1).step_by(2);
        let mut named: Vec<&str> = events.chain(["signed_out", "logout_unconfirmed"]).collect();
        named.retain(|event| !BEFORE.contains(event));
        named.sort_unstable();
        named.dedup();
        assert_eq!(named, Denial::PAGES);
    }
}

//! The events that are logged and counted, with their public names, and log lines.

use std::fmt;

use super::tenant_name::TenantName;

/// Declares [`Event`]: one line for each event with its public name. The events after `pages` have
/// a page or a JSON answer, for which a tenant can have texts of its own.
macro_rules! events {
    (pages { $($page:ident = $page_name:literal,)+ } others { $($other:ident = $other_name:literal,)+ }) => {
        /// An event that is logged and counted. Its name is a public interface: it is the name of
        /// the counter (`tenantgate.events.<name>`), the first word of the log line, the `error` of
        /// a JSON answer, and the key of a page in `tenants[].pages`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Event {
            $(#[doc = concat!("`", $page_name, "`")] $page,)+
            $(#[doc = concat!("`", $other_name, "`")] $other,)+
        }

        impl Event {
            /// The events that a tenant can have a text of its own for, sorted by name.
            pub const PAGES: &'static [Self] = &[$(Self::$page),+];

            /// Every event.
            pub const ALL: &'static [Self] = &[$(Self::$page,)+ $(Self::$other,)+];

            /// The public name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$page => $page_name,)+
                    $(Self::$other => $other_name,)+
                }
            }
        }
    };
}

events! {
    pages {
        AccessDenied = "access_denied",
        AccessDeniedToAll = "access_denied_to_all",
        AddressTooLong = "address_too_long",
        AuthorizationError = "authorization_error",
        BodyUnavailable = "body_unavailable",
        CallbackInvalid = "callback_invalid",
        CodeRejected = "code_rejected",
        CrossOrigin = "cross_origin",
        HostError = "host_error",
        IdTokenInvalid = "id_token_invalid",
        IdentityIncomplete = "identity_incomplete",
        IssuerMismatch = "issuer_mismatch",
        JwksUnavailable = "jwks_unavailable",
        LoginRequestInvalid = "login_request_invalid",
        LogoutConfirmation = "logout_confirmation",
        LogoutKeyUnknown = "logout_key_unknown",
        LogoutRequestInvalid = "logout_request_invalid",
        LogoutTokenInvalid = "logout_token_invalid",
        MetadataUnavailable = "metadata_unavailable",
        PathAmbiguous = "path_ambiguous",
        PathInvalid = "path_invalid",
        ProviderUnreachable = "provider_unreachable",
        RedirectLoop = "redirect_loop",
        SessionTooLarge = "session_too_large",
        SignedOut = "signed_out",
        StateUnknown = "state_unknown",
        StoreUnavailable = "store_unavailable",
        SubjectMismatch = "subject_mismatch",
        TenantMismatch = "tenant_mismatch",
        TenantUnavailable = "tenant_unavailable",
        TokenIdentityIncomplete = "token_identity_incomplete",
        TokenInsufficient = "token_insufficient",
        TokenInvalid = "token_invalid",
        TokenMalformed = "token_malformed",
        TokenNotAccepted = "token_not_accepted",
        TokenResponseInvalid = "token_response_invalid",
        Unauthenticated = "unauthenticated",
        UserinfoInvalid = "userinfo_invalid",
        VerificationLimited = "verification_limited",
    }
    others {
        AccessDryRun = "access_dry_run",
        AssertionJwks = "assertion_jwks",
        BackchannelLogout = "backchannel_logout",
        BodyTimeout = "body_timeout",
        CallbackWithoutLogin = "callback_without_login",
        ConfigurationLoaded = "configuration_loaded",
        FrontchannelLogout = "frontchannel_logout",
        FrontchannelLogoutIgnored = "frontchannel_logout_ignored",
        HostInvalid = "host_invalid",
        HostRedirected = "host_redirected",
        HostsRead = "hosts_read",
        JwksFetchFailed = "jwks_fetch_failed",
        JwksFetched = "jwks_fetched",
        JwksStale = "jwks_stale",
        LoginFinished = "login_finished",
        LoginInitiated = "login_initiated",
        LoginStarted = "login_started",
        Logout = "logout",
        MetadataIncomplete = "metadata_incomplete",
        RefreshFailed = "refresh_failed",
        RefreshRejected = "refresh_rejected",
        RefreshTokenMissing = "refresh_token_missing",
        RevocationFailed = "revocation_failed",
        RevocationsFolded = "revocations_folded",
        SessionEmailUnverified = "session_email_unverified",
        SessionExpired = "session_expired",
        SessionIdle = "session_idle",
        SessionInFuture = "session_in_future",
        SessionKeyRemoved = "session_key_removed",
        SessionKeyUnknown = "session_key_unknown",
        SessionNotBefore = "session_not_before",
        SessionRefreshed = "session_refreshed",
        SessionRevoked = "session_revoked",
        SessionUnconfirmed = "session_unconfirmed",
        SessionUnreadable = "session_unreadable",
        StoreFailed = "store_failed",
        StoreReached = "store_reached",
        TenantBroken = "tenant_broken",
        TenantConfigError = "tenant_config_error",
        TenantFound = "tenant_found",
        TokenCacheEvictions = "token_cache_evictions",
        TokenCacheHits = "token_cache_hits",
        TokenCacheMisses = "token_cache_misses",
        TokenRevoked = "token_revoked",
        TooManyHeaders = "too_many_headers",
        UnexpectedInput = "unexpected_input",
        UnknownHost = "unknown_host",
        Userinfo = "userinfo",
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A log line whose event is also counted, in total and for its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The log level, which is the importance for an operator.
    pub level: Level,
    /// The event. The counter has its name.
    pub event: Event,
    /// The tenant, if the event is about one.
    pub tenant: Option<TenantName>,
    /// The user that the event is about, if it is known. The text has it only if the configuration
    /// says so.
    pub user: Option<String>,
    /// The text of the line: event, tenant, request id and reason. It contains no secret. What a
    /// client without a session or a token chose is in it only as a request id of harmless
    /// characters.
    pub text: String,
    /// How long the login took that the event ends, in seconds.
    pub login_seconds: Option<u64>,
    /// The audit line about the same event, if the configuration asks for one.
    pub audit: Option<String>,
}

impl LogLine {
    /// The line for an event outside a request.
    pub(crate) fn new(level: Level, event: Event, tenant: Option<&TenantName>, reason: &str) -> Self {
        Self::with_labels(level, event, tenant, "", reason)
    }

    /// The line for an event, with these labels before the reason.
    pub(crate) fn with_labels(
        level: Level,
        event: Event,
        tenant: Option<&TenantName>,
        labels: &str,
        reason: &str,
    ) -> Self {
        let name = tenant.map_or("-", TenantName::as_str);
        let text = [event.name(), " tenant=", name, labels, ": ", reason].concat();
        Self::with_text(level, event, tenant, text)
    }

    /// The line for an event with a text of another form.
    pub(crate) fn with_text(level: Level, event: Event, tenant: Option<&TenantName>, text: String) -> Self {
        Self { level, event, tenant: tenant.cloned(), user: None, text, login_seconds: None, audit: None }
    }
}

/// The log levels of Envoy that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Normal operation, for example a login begins, and whatever a client can cause that has
    /// neither a session nor a login, for example a forged callback.
    Debug,
    /// Events of which an operator watches the number, for example users who are refused.
    Info,
    /// A fault of the issuer.
    Warn,
    /// A fault that an operator has to correct.
    Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_pages_are_sorted() {
        let mut names: Vec<&str> = Event::ALL.iter().map(|event| event.name()).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(Event::PAGES.windows(2).all(|pair| pair[0].name() < pair[1].name()));
    }
}

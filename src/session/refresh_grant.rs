//! The data that a session needs for a refresh (RFC 6749 section 6, OpenID Connect Core section
//! 12).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::time::UnixTime;
use crate::identity::OmittedClaims;
use crate::tenant::Refresh;

/// The refresh token of a session, and the ID token claims that a refresh must not change.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct RefreshGrant {
    /// The refresh token.
    pub(crate) refresh_token: String,
    /// `nonce` of the ID token that the session began with.
    pub(crate) nonce: String,
    /// `auth_time` of the first ID token that had it.
    pub(crate) auth_time: Option<u64>,
    /// When the issuer last confirmed the identity, in seconds since the Unix epoch.
    pub(crate) renewed: u64,
    /// `expires_in` of the token response of that time, in seconds.
    pub(crate) expires_in: Option<u64>,
    /// The claims that the last ID token omitted and the UserInfo response supplies.
    pub(crate) omitted: OmittedClaims,
}

/// The age of a session's identity, as far as refreshing is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// No refresh is needed.
    Young,
    /// A refresh is due. Requests do not wait for it.
    Due,
    /// The identity is too old: a request waits for the refresh.
    Overdue,
    /// As [`Age::Overdue`], and the session ends if the refresh fails.
    Stale,
}

impl RefreshGrant {
    /// The age of the identity at `now`. A refresh is due in the last quarter of the interval.
    pub(crate) fn age(&self, refresh: &Refresh, now: UnixTime) -> Age {
        let span = self.span(refresh);
        let ahead = Duration::from_secs(span.as_secs() / 4);
        if now >= self.stale(refresh) {
            Age::Stale
        } else if now >= self.overdue(refresh) {
            Age::Overdue
        } else if now >= UnixTime(self.renewed).plus(span.saturating_sub(ahead)) {
            Age::Due
        } else {
            Age::Young
        }
    }

    /// The time from which a request waits for the refresh.
    pub(crate) fn overdue(&self, refresh: &Refresh) -> UnixTime {
        UnixTime(self.renewed).plus(self.span(refresh))
    }

    /// The time from which the session ends if the refresh fails.
    pub(crate) fn stale(&self, refresh: &Refresh) -> UnixTime {
        UnixTime(self.renewed).plus(refresh.max_stale)
    }

    /// The interval between refreshes: the configured one, or `expires_in` if that is shorter.
    fn span(&self, refresh: &Refresh) -> Duration {
        let expires_in = self.expires_in.map_or(refresh.interval, Duration::from_secs);
        refresh.interval.min(expires_in.max(Refresh::MIN_EXPIRES_IN))
    }
}

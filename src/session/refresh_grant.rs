//! What a session needs to be refreshed (RFC 6749 section 6, OpenID Connect Core section 12).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::time::UnixTime;
use crate::identity::OmittedClaims;
use crate::tenant::Refresh;

/// The refresh token of a session, and what its ID token said that a later one must not change.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct RefreshGrant {
    /// The refresh token.
    pub(crate) refresh_token: String,
    /// `nonce` of the ID token that the session began with.
    pub(crate) nonce: String,
    /// `auth_time` of the first ID token that had it.
    pub(crate) auth_time: Option<u64>,
    /// When the issuer last stood by the identity.
    pub(crate) renewed: u64,
    /// `expires_in` of the tokens that came then.
    pub(crate) expires_in: Option<u64>,
    /// The claims that the last ID token left to the UserInfo endpoint.
    pub(crate) omitted: OmittedClaims,
}

/// How old the identity of a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Nothing is to be done.
    Young,
    /// It is time to ask again, while requests go on.
    Due,
    /// Too old for a request to go on with.
    Overdue,
}

impl RefreshGrant {
    /// How old the identity is at `now`.
    pub(crate) fn age(&self, refresh: &Refresh, now: UnixTime) -> Age {
        let span = self.span(refresh);
        let ahead = Duration::from_secs(span.as_secs() / 4);
        if now >= self.overdue(refresh) {
            Age::Overdue
        } else if now >= UnixTime(self.renewed).plus(span.saturating_sub(ahead)) {
            Age::Due
        } else {
            Age::Young
        }
    }

    /// The moment from which no request goes on without a refresh.
    pub(crate) fn overdue(&self, refresh: &Refresh) -> UnixTime {
        UnixTime(self.renewed).plus(self.span(refresh))
    }

    /// The tokens of the issuer may be good for less than the configuration asks for.
    fn span(&self, refresh: &Refresh) -> Duration {
        self.expires_in.map_or(refresh.interval, |seconds| refresh.interval.min(Duration::from_secs(seconds)))
    }
}

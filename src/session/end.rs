//! The reasons why a session cookie gives no session.

use crate::base::event::Event;

/// The reason why a session cookie gives no session. No client learns it. Of several cookies, the
/// greatest reason is that of the request: what opens, was a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SessionEnd {
    /// It does not open: it is damaged, or of another tenant, issuer, client or format. Anybody can
    /// send such a cookie.
    Unreadable,
    /// It names a session key that is not configured. Anybody can send such a cookie.
    KeyUnknown,
    /// The session is older than `session.lifetime`, or its ID token has expired.
    Expired,
    /// The session was not used for `session.idle`.
    Idle,
    /// The issuer rejected the refresh of the session, or did not confirm it in time.
    Unconfirmed,
    /// The session was signed out.
    Revoked,
    /// The session began before `sessions_not_before`.
    NotBefore,
    /// The tenant does not trust the key any more that verified the sign-in.
    KeyRemoved,
    /// The tenant requires a verified e-mail address, and that of the session is not.
    EmailUnverified,
    /// The session began in the future, by the clock of this replica.
    InFuture,
}

impl SessionEnd {
    /// The event that counts these ends.
    pub(crate) fn event(self) -> Event {
        match self {
            Self::Unreadable => Event::SessionUnreadable,
            Self::KeyUnknown => Event::SessionKeyUnknown,
            Self::Expired => Event::SessionExpired,
            Self::Idle => Event::SessionIdle,
            Self::Unconfirmed => Event::SessionUnconfirmed,
            Self::Revoked => Event::SessionRevoked,
            Self::NotBefore => Event::SessionNotBefore,
            Self::KeyRemoved => Event::SessionKeyRemoved,
            Self::EmailUnverified => Event::SessionEmailUnverified,
            Self::InFuture => Event::SessionInFuture,
        }
    }
}

//! How often sessions are refreshed, and when they end without a refresh.

use std::time::Duration;

/// How sessions are refreshed (RFC 6749 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// The longest time between two refreshes. A shorter `expires_in` of the issuer takes
    /// precedence, but is raised to at least [`Refresh::MIN_EXPIRES_IN`].
    pub interval: Duration,
    /// The longest time for which a session continues while the issuer does not answer a refresh,
    /// or answers without a decision. It counts from the last successful refresh.
    pub max_stale: Duration,
    /// The treatment of sessions for which the issuer sent no refresh token.
    pub without_token: WithoutToken,
    /// Whether a sign-out revokes the refresh token of the session (RFC 7009).
    pub revoke_at_sign_out: bool,
}

/// The treatment of sessions that have no refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutToken {
    /// The session ends after [`Refresh::interval`].
    End,
    /// The session continues with the identity of its login.
    Keep,
}

impl Refresh {
    /// The shortest `expires_in` that is used. With a shorter one, almost every request would cause
    /// a refresh.
    pub const MIN_EXPIRES_IN: Duration = Duration::from_secs(60);
}

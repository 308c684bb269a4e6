//! The limits of the lifetime of sessions.

use std::time::Duration;

/// The limits of the lifetime of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// The longest time from the sign-in to the end, even if the session is used.
    pub lifetime: Duration,
    /// The longest time without a request, if it is limited.
    pub idle: Option<Duration>,
    /// Whether a session ends when its ID token expires.
    pub end_with_id_token: bool,
}

impl SessionPolicy {
    /// The policy with the limit `lifetime` only.
    pub const fn lasting(lifetime: Duration) -> Self {
        Self { lifetime, idle: None, end_with_id_token: false }
    }
}

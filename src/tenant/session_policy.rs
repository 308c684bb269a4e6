//! How long sessions last.

use std::time::Duration;

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// From the sign-in on, whatever happens in between.
    pub lifetime: Duration,
    /// After so long without a request, if it is limited.
    pub idle: Option<Duration>,
    /// Whether a session ends when its ID token expires.
    pub end_with_id_token: bool,
}

impl SessionPolicy {
    /// Sessions that last for `lifetime`, whatever happens.
    pub const fn lasting(lifetime: Duration) -> Self {
        Self { lifetime, idle: None, end_with_id_token: false }
    }
}

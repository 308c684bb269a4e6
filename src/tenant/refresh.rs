//! The settings of the session refresh.

use std::time::Duration;

/// The settings of the session refresh (RFC 6749 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// The age of an identity at which a refresh is due. It is due earlier if the issuer's tokens
    /// expire earlier.
    pub interval: Duration,
}

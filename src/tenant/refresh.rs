//! How often sessions are refreshed.

use std::time::Duration;

/// How sessions are refreshed (RFC 6749 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// How old an identity may get; less where the tokens of the issuer are good for less.
    pub interval: Duration,
}

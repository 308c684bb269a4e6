//! Points in time, in whole seconds.

use std::time::Duration;

/// Seconds since 1970-01-01T00:00:00Z, as in a JWT `NumericDate` (RFC 7519 section 2) without a fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// The moment `span` later; the end of time if it does not fit.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.as_secs()))
    }
}

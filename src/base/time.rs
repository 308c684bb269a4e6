//! Points in time, in whole seconds.

use std::time::Duration;

/// Whole seconds since 1970-01-01T00:00:00Z, as in a JWT `NumericDate` (RFC 7519 section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// The time `span` later, or the largest time if the sum overflows. A fraction of a second in
    /// `span` is cut off.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.as_secs()))
    }
}

//! Values that must not be logged or shown: client secrets, codes, verifiers and keys.

use std::fmt;

use subtle::ConstantTimeEq;

/// A secret. It has no `Display`, its `Debug` is redacted, and the time of a comparison does not
/// depend on the position of the first difference.
#[derive(Clone)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// A secret with this value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value. The name is long so that every use is noticed in a review.
    pub const fn expose_secret(&self) -> &T {
        &self.0
    }
}

impl<T: AsRef<[u8]>> Secret<T> {
    /// Whether `other` has the same bytes, in constant time for equal lengths.
    pub fn matches(&self, other: impl AsRef<[u8]>) -> bool {
        self.0.as_ref().ct_eq(other.as_ref()).into()
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_redacted() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[redacted]");
    }

    #[test]
    fn matches_compares_all_bytes() {
        assert!(Secret::new("abc").matches("abc"));
        assert!(!Secret::new("abc").matches("abd"));
        assert!(!Secret::new("abc").matches("abcd"));
    }
}

//! The name of a tenant.

use std::fmt;
use std::sync::Arc;

/// The name of a tenant, unique in a configuration: 1 to 63 ASCII letters, digits, `-`, `_` and
/// `.`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantName(Arc<str>);

impl TenantName {
    /// Parses a name of the configuration. Nothing else names a tenant: names are in log lines and
    /// in the names of counters, which clients must not be able to add. `None` if it is empty, too
    /// long, or has other characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        fits.then(|| Self(text.into()))
    }

    /// The name as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

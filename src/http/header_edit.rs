//! The changes to request headers.

use std::fmt;

/// One change to the request headers. All are applied in order; if one fails, the request is not
/// sent.
#[derive(Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Removes every line with this name.
    Remove(String),
    /// Replaces every line with this name by one with this value.
    Set(String, Vec<u8>),
    /// Adds one line with this name.
    Add(String, Vec<u8>),
}

/// Shows names only: the values are cookies and personal data.
impl fmt::Debug for HeaderEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remove(name) => f.debug_tuple("Remove").field(name).finish(),
            Self::Set(name, _) => f.debug_tuple("Set").field(name).finish_non_exhaustive(),
            Self::Add(name, _) => f.debug_tuple("Add").field(name).finish_non_exhaustive(),
        }
    }
}

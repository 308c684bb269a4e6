//! Changes to the head of a request.

use std::fmt;

/// One change to the head. They are applied in order, all of them, or the request does not go.
#[derive(Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Every line under this name goes.
    Remove(String),
    /// One line with this value, whatever was there.
    Set(String, Vec<u8>),
    /// One more line under this name.
    Add(String, Vec<u8>),
}

/// Names only: the values are cookies and personal data.
impl fmt::Debug for HeaderEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remove(name) => f.debug_tuple("Remove").field(name).finish(),
            Self::Set(name, _) => f.debug_tuple("Set").field(name).finish_non_exhaustive(),
            Self::Add(name, _) => f.debug_tuple("Add").field(name).finish_non_exhaustive(),
        }
    }
}

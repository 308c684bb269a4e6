//! The path of a claim in a token: its name, or the names that lead to a nested claim.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use crate::base::json::Members;

/// The path of a claim.
///
/// A text is the name of a claim. If the token has no claim of that name, the dots of the text
/// separate the names of nested objects (`resource_access.tenantgate.roles`). So a name that
/// contains dots works (`https://acme.example/groups`). A list of names has one name for each level
/// and only one meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimPath {
    /// A name, or several names separated by dots.
    Text(String),
    /// One name for each level.
    Names(Vec<String>),
}

impl ClaimPath {
    /// The claim among `members`.
    pub(crate) fn find_in<'a>(&self, members: &'a Members) -> Option<&'a Value> {
        match self {
            Self::Text(text) => members.get(text).or_else(|| walk(members, text.split('.'))),
            Self::Names(names) => walk(members, names.iter().map(String::as_str)),
        }
    }

    /// The path as configured, in one text.
    pub fn as_configured(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Names(names) => Cow::Owned(format!("{names:?}")),
        }
    }
}

fn walk<'a, 'n>(claims: &'a Members, mut names: impl Iterator<Item = &'n str>) -> Option<&'a Value> {
    let outermost = claims.get(names.next()?)?;
    names.try_fold(outermost, |value, name| value.get(name))
}

/// Writes the path as configured.
impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_configured())
    }
}

impl From<&str> for ClaimPath {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

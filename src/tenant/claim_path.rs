//! Where in a token something stands: the name of a claim, or a way into nested ones.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use crate::base::json::Members;

/// Leads to a claim. A text is the name of a claim; if the token has none of that name, its dots lead into nested objects
/// (`resource_access.tenantgate.roles`). So names with dots in them work (`https://acme.example/groups`). Where that is not
/// clear enough, a list of names leads from one object into the next and is read in one way only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimPath {
    /// A name, or names with dots between.
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

    /// The path as it was configured, in one text.
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

/// As configured.
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

//! Where in a token something stands: the name of a claim, or a way into nested ones.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use crate::json::Members;
use crate::token::Claims;

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
    /// The claim, if it is there; what the token says itself stands. `null` is as good as absent: some issuers send an attribute that the
    /// directory lacks so.
    pub fn find<'a>(&self, claims: &'a Claims) -> Option<&'a Value> {
        let found = self.find_in(claims.own()).or_else(|| self.find_in(claims.added()));
        found.filter(|value| !value.is_null())
    }

    /// Whether the token itself says nothing of it.
    pub(crate) fn is_left_out(&self, claims: &Claims) -> bool {
        self.find_in(claims.own()).is_none()
    }

    fn find_in<'a>(&self, members: &'a Members) -> Option<&'a Value> {
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

    /// The name of the claim of the token that `find` looks into.
    pub fn outermost<'a>(&'a self, claims: &Claims) -> &'a str {
        match self {
            Self::Text(text) if claims.get(text).is_some() => text,
            Self::Text(text) => text.split('.').next().unwrap_or_default(),
            Self::Names(names) => names.first().map(String::as_str).unwrap_or_default(),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::claims;

    fn names(names: &[&str]) -> ClaimPath {
        ClaimPath::Names(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_text_is_a_name_and_then_a_path() {
        let claims = claims(json!({
            "groups": 1, "resource_access": { "gate": { "roles": 2 } }, "https://acme.example/groups": 3, "a.b": 4, "a": { "b": 5 },
        }));
        for (path, expected) in [
            ("groups".into(), Some(1)),
            ("resource_access.gate.roles".into(), Some(2)),
            ("https://acme.example/groups".into(), Some(3)),
            ("a.b".into(), Some(4)),
            (names(&["a", "b"]), Some(5)),
            (names(&["a.b"]), Some(4)),
            (names(&["resource_access.gate", "roles"]), None),
            ("resource_access.gate.roles.x".into(), None),
            ("resource_access..roles".into(), None),
            ("groups.0".into(), None),
            ("".into(), None),
            (names(&[]), None),
        ] {
            assert_eq!(path.find(&claims).and_then(Value::as_u64), expected, "{path}");
        }
    }

    #[test]
    fn null_is_absent_and_elements_have_no_names() {
        let claims = claims(json!({ "a": null, "b": { "c": null }, "d": [{ "e": 1 }] }));
        for path in ["a", "b.c", "d.0.e", "d.e"] {
            assert_eq!(ClaimPath::from(path).find(&claims), None, "{path}");
        }
    }
}

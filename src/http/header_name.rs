//! Header names, folded so that names that some servers confuse are equal.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Folds a header name: lower case, and `-` for every character that is not an ASCII letter or
/// digit. In a CGI or WSGI variable, `X-A`, `x_a` and `x.a` are the same name.
///
/// White space around the name is removed, because some servers remove it.
pub fn fold(name: &str) -> String {
    name.trim().chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// Folds one byte as [`fold`] does.
fn folded_byte(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

/// A set of folded names, sorted. It is searched for every header of
/// every request and has the names of all tenants, so the search neither allocates nor compares the
/// name with each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FoldedNames(Vec<Box<str>>);

impl FoldedNames {
    /// The set of the folded `names`.
    #[inline(never)]
    pub(crate) fn new(names: &mut dyn Iterator<Item = &str>) -> Self {
        // A JSON object sorts them. The module has the code for that already, and `sort` would add
        // some kilobytes.
        let mut sorted = Map::new();
        names.for_each(|name| drop(sorted.insert(fold(name), Value::Null)));
        Self(sorted.into_iter().map(|(name, _)| name.into()).collect())
    }

    /// The names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Whether the set contains `name` after folding.
    #[inline(never)]
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.search(&ascii(name), |_| {})
    }

    /// Searches for a name of printable ASCII. `look` is called with each name that it is compared
    /// with.
    fn search(&self, name: &str, mut look: impl FnMut(&str)) -> bool {
        let found = self.0.binary_search_by(|own| {
            look(own);
            own.bytes().cmp(name.bytes().map(folded_byte))
        });
        found.is_ok()
    }
}

/// The beginnings and lengths of names and prefixes. Most headers of a request are none of them by
/// that alone, which is found out without a search.
#[derive(Clone, Debug)]
pub(crate) struct NameShapes(Vec<u64>);

impl NameShapes {
    /// The shapes of these folded names, and of every name with one of these folded prefixes of at
    /// least three bytes.
    pub(crate) fn new(names: &mut dyn Iterator<Item = &str>, prefixes: &[&str]) -> Self {
        let mut lengths = vec![0; SHAPES];
        let mut add = |name: &str, mask: u64| {
            if let Some(lengths) = lengths.get_mut(shape(name)) {
                *lengths |= mask;
            }
        };
        names.for_each(|name| add(name, length_bit(name)));
        // A longer name has the bit of the prefix or a higher one.
        prefixes.iter().for_each(|prefix| add(prefix, length_bit(prefix).wrapping_neg()));
        Self(lengths)
    }

    /// Whether `name` may be one of the names after folding, or have one of the prefixes.
    pub(crate) fn may_have(&self, name: &str) -> bool {
        // Folding removes white space around a name, and makes one byte of a longer character.
        let ends = [name.as_bytes().first(), name.as_bytes().last()];
        let is_plain = name.is_ascii() && ends.iter().flatten().all(|byte| byte.is_ascii_graphic());
        !is_plain || self.0.get(shape(name)).is_none_or(|lengths| lengths & length_bit(name) != 0)
    }
}

/// The place of a name by its first and its third byte: many begin with `x-`.
fn shape(name: &str) -> usize {
    let byte = |position| name.as_bytes().get(position).map_or(0, |byte| usize::from(folded_byte(*byte)));
    byte(0).wrapping_mul(31).wrapping_add(byte(2)) % SHAPES
}

fn length_bit(name: &str) -> u64 {
    1 << name.len().min(63)
}

const SHAPES: usize = 256;

/// Whether `name` begins with one of `prefixes`, after folding. The prefixes are folded.
#[inline(never)]
pub(crate) fn begins_with_any(name: &str, prefixes: &[&str]) -> bool {
    let name = ascii(name);
    let begins = |prefix: &&str| {
        let same = name.bytes().zip(prefix.bytes()).all(|(byte, own)| folded_byte(byte) == own);
        same && name.len() >= prefix.len()
    };
    prefixes.iter().any(begins)
}

/// The name itself, or folded if it is not printable ASCII. No request that Envoy accepts has such
/// a name, so this may allocate.
fn ascii(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii_graphic()) { Cow::Borrowed(name) } else { Cow::Owned(fold(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_server_may_confuse_are_equal_after_folding() {
        for name in [
            "x-auth-request-user",
            "X_Auth_Request_User",
            "x.auth.request.user",
            "X-AUTH REQUEST/USER",
            "x-auth-request-user ",
            "x-auth-request\u{fc}user",
        ] {
            assert_eq!(fold(name), "x-auth-request-user", "{name}");
        }
        assert_ne!(fold("x-auth-request-user-"), "x-auth-request-user");
    }

    /// The cost of a header does not grow with the number of tenants that have names of their own.
    #[test]
    fn a_name_is_compared_with_few_others() {
        let names: Vec<String> = (0..60_000).map(|number| format!("x-tenant{number:05}-user")).collect();
        let names = FoldedNames::new(&mut names.iter().map(String::as_str));
        for (name, expected) in
            [("x-tenant00000-user", true), ("X_Tenant59999_User", true), ("x-tenant60000-user", false)]
        {
            let mut looks = 0;
            assert_eq!(names.search(name, |_| looks += 1), expected, "{name}");
            assert!(looks <= 17, "{name}: {looks}");
        }
        for name in ["accept", "x-request-id", "x-a-name-that-is-longer-than-those-of-all-tenants"] {
            let mut looks = 0;
            assert!(!names.search(name, |_| looks += 1));
            assert!(looks <= 17, "{name}: {looks}");
        }
    }

    /// Whatever is found by a search has a shape that may be there, in every spelling.
    #[test]
    fn shapes_rule_out_nothing_that_is_there() {
        let long = "x-a".repeat(30);
        let names = ["x-auth-request-user", "x-b", "a", "ab", &long];
        let prefixes = ["shib-", "x-remote-extra-"];
        let shapes = NameShapes::new(&mut names.into_iter(), &prefixes);
        for name in [
            "X-Auth-Request_User",
            " x.auth.request.user ",
            "x-auth-request\u{fc}user",
            "x_b",
            "x-b\t",
            "\u{a0}x-b",
            "A",
            "aB",
            &long.to_uppercase(),
            "Shib_",
            "shib-application-id",
            "x.remote.extra.scopes",
            &format!("x-remote-extra-{}", "a".repeat(100)),
        ] {
            assert!(shapes.may_have(name), "{name}");
        }
        for name in ["accept", "x-c", "x-bb", "b", "", "shib", "x-auth-request-users", "x-remote-extra"] {
            assert!(!shapes.may_have(name), "{name}");
        }
    }

    #[test]
    fn a_prefix_is_found_in_every_spelling() {
        for (name, expected) in [
            ("ssl-client-cert", true),
            ("SSL_CLIENT_S_DN", true),
            (" ssl.client.x", true),
            ("ssl-client", false),
            ("", false),
        ] {
            assert_eq!(begins_with_any(name, &["shib-", "ssl-client-"]), expected, "{name}");
        }
    }

    #[test]
    fn a_name_is_found_in_every_spelling() {
        let names = FoldedNames::new(&mut ["x-auth-request-user", "x-b"].into_iter());
        for name in ["X-Auth-Request_User", " x.auth.request.user ", "x-auth-request\u{fc}user", "x_b", "x-b\t"] {
            assert!(names.contains(name), "{name}");
        }
        for name in ["x-auth-request-users", "x-auth-request", "", " ", "x--b", "-x-b"] {
            assert!(!names.contains(name), "{name}");
        }
    }
}

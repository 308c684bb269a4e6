//! Header names, folded so that names that some servers confuse are equal.

/// Folds a header name: lower case, and `-` for every character that is not an ASCII letter or
/// digit. In a CGI or WSGI variable, `X-A`, `x_a` and `x.a` are the same name.
///
/// White space around the name is removed, because some servers remove it.
pub fn fold(name: &str) -> String {
    folded(name).collect()
}

/// The characters of [`fold`].
fn folded(name: &str) -> impl Iterator<Item = char> {
    name.trim().chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
}

/// Folds one byte as [`fold`] does.
fn folded_byte(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

/// A set of folded names, by their length. It is searched for every header of every request, so the
/// search does not allocate.
#[derive(Clone, Debug, Default)]
pub(crate) struct FoldedNames(Vec<Vec<String>>);

impl FoldedNames {
    /// The set of the folded `names`.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        names.into_iter().for_each(|name| all.insert(name));
        all
    }

    /// Adds one name.
    pub(crate) fn insert(&mut self, name: &str) {
        let name = fold(name);
        if self.0.len() <= name.len() {
            self.0.resize(name.len().saturating_add(1), Vec::new());
        }
        if let Some(alike) = self.0.get_mut(name.len()).filter(|alike| !alike.contains(&name)) {
            alike.push(name);
        }
    }

    /// Whether the set contains `name` after folding.
    pub(crate) fn contains(&self, name: &str) -> bool {
        // No request that Envoy accepts has a header name that is not ASCII, or that begins or ends
        // with white space. So this search may be slow.
        if !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return self.0.iter().flatten().any(|own| own.chars().eq(folded(name)));
        }
        let alike = self.0.get(name.len()).map(Vec::as_slice).unwrap_or_default();
        alike.iter().any(|own| own.bytes().eq(name.bytes().map(folded_byte)))
    }
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

    #[test]
    fn a_name_is_found_in_every_spelling() {
        let names = FoldedNames::new(["x-auth-request-user", "x-b"]);
        for name in ["X-Auth-Request_User", " x.auth.request.user ", "x-auth-request\u{fc}user", "x_b", "x-b\t"] {
            assert!(names.contains(name), "{name}");
        }
        for name in ["x-auth-request-users", "x-auth-request", "", " ", "x--b", "-x-b"] {
            assert!(!names.contains(name), "{name}");
        }
    }
}

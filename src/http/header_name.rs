//! Header names as servers may read them.

/// What a header name becomes on its way into a CGI or WSGI variable, where `X-A`, `x_a` and `x.a` are one name: lower case,
/// and `-` for everything that is no letter or digit.
///
/// White space around a name is none of it: some servers cut it off.
pub fn fold(name: &str) -> String {
    folded(name).collect()
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    name.trim().chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
}

/// Of one byte, as [`fold`] has it.
fn folded_byte(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

/// Names as they are after [`fold`], by their length. Whether one is among them is asked for every header of every request, so it is found
/// out without making a text of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FoldedNames(Vec<Vec<String>>);

impl FoldedNames {
    /// The folded names of `names`, each once.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        names.into_iter().for_each(|name| all.insert(name));
        all
    }

    /// One more.
    pub(crate) fn insert(&mut self, name: &str) {
        let name = fold(name);
        if self.0.len() <= name.len() {
            self.0.resize(name.len().saturating_add(1), Vec::new());
        }
        if let Some(alike) = self.0.get_mut(name.len()).filter(|alike| !alike.contains(&name)) {
            alike.push(name);
        }
    }

    /// Whether `name` is one of them after folding.
    pub(crate) fn contains(&self, name: &str) -> bool {
        // What begins or ends with white space, or is not ASCII, is in no request that Envoy lets through.
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
    fn folding_makes_one_name_of_what_a_server_might() {
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

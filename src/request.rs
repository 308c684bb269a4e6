//! The head of a request, as bytes: nothing in it is trusted, and no byte of it can make the filter fail.

use std::fmt;

/// Header pairs as the host gave them, names in lower case, pseudo-headers included.
#[derive(Clone, Default)]
pub struct RequestHead {
    pairs: Vec<(String, Vec<u8>)>,
}

impl RequestHead {
    /// Takes the pairs in the order in which they arrived; repeated names stay repeated.
    pub fn new(pairs: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let pairs = pairs.into_iter().map(|(mut name, value)| {
            name.make_ascii_lowercase();
            (name, value)
        });
        Self { pairs: pairs.collect() }
    }

    /// Every pair, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Every value under `name` (lower case), in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.pairs().filter(move |(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The value under `name`, if there is exactly one. A repeated header has no value: which of the lines
    /// another server would read cannot be known.
    pub fn only<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        let mut values = self.all(name);
        let first = values.next()?;
        values.next().is_none().then_some(first)
    }

    /// Whether there is any line under `name`.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Whether `word` occurs, whatever its case, in a value under `name`.
    pub fn mentions(&self, name: &str, word: &str) -> bool {
        self.all(name)
            .any(|value| value.windows(word.len().max(1)).any(|window| window.eq_ignore_ascii_case(word.as_bytes())))
    }
}

/// Why there is no body to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBody {
    /// It is longer than [`MAX_BODY`].
    TooLong,
    /// The host did not hand it over.
    Withheld,
}

/// The longest body that is read, in bytes. A logout token has one or two thousand.
pub const MAX_BODY: usize = 64 * 1024;

/// The path and query of a request target, known to be printable ASCII that begins with `/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// From the leading `/` up to the `?`.
    pub path: &'a str,
    /// After the `?`, if there is one.
    pub query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads the `:path` pseudo-header. `None` for anything that is not origin-form (RFC 9112 section 3.2.1), so
    /// for CONNECT, `OPTIONS *` and absolute-form too, and for bytes outside printable ASCII.
    pub fn parse(path: &'a [u8]) -> Option<Self> {
        if path.first() != Some(&b'/') || !path.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let text = std::str::from_utf8(path).ok()?;
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        Some(match text.split_once('?') {
            Some((path, query)) => Self { path, query: Some(query) },
            None => Self { path: text, query: None },
        })
    }
}

/// As it was asked for, without a fragment.
impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path)?;
        self.query.map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_header_has_no_single_value() {
        let head = RequestHead::new([("X".to_owned(), b"1".to_vec()), ("x".to_owned(), b"2".to_vec())]);
        assert_eq!(head.only("x"), None);
        assert_eq!(head.all("x").count(), 2);
    }

    #[test]
    fn only_origin_form_is_a_target() {
        assert_eq!(Target::parse(b"/a?b?c"), Some(Target { path: "/a", query: Some("b?c") }));
        assert_eq!(Target::parse(b"/a#f?x"), Some(Target { path: "/a", query: None }));
        for bytes in [&b""[..], b"*", b"a", b"http://acme.example/", b"/a b", b"/\xff", b"/\0", b"/a\r\n"] {
            assert_eq!(Target::parse(bytes), None, "{bytes:?}");
        }
    }
}

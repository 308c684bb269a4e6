//! The head of a request as bytes. Nothing in it is trusted, and no byte can make the filter panic.

use std::fmt;
use std::ops::Range;

/// The headers of a request as the host gave them, including pseudo-headers. Names are in lower
/// case.
///
/// The values stay in the one buffer of the host ([`from_host`](Self::from_host)), and the names
/// are in one string. Two strings for each pair took a tenth of the time that a request with a
/// cached token needs.
#[derive(Clone, Default)]
pub struct RequestHead {
    names: String,
    bytes: Vec<u8>,
    pairs: Vec<Pair>,
    /// Whether something follows the head.
    is_followed: bool,
}

/// The positions of a name and its value.
#[derive(Clone)]
struct Pair {
    name: Range<usize>,
    value: Range<usize>,
}

impl RequestHead {
    /// The head with these pairs, in their order. Repeated names stay repeated.
    pub fn new(pairs: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let mut head = Self::default();
        for (mut name, value) in pairs {
            name.make_ascii_lowercase();
            let (name_start, value_start) = (head.names.len(), head.bytes.len());
            head.names.push_str(&name);
            head.bytes.extend_from_slice(&value);
            head.pairs.push(Pair { name: name_start..head.names.len(), value: value_start..head.bytes.len() });
        }
        head
    }

    /// Reads the pairs as the host serializes them (proxy-wasm ABI 0.2.1): their number, the
    /// lengths of the name and value of each, all of them `u32` in little-endian, and then the
    /// names and values, each followed by a zero byte. An empty buffer has no pairs. Returns `None`
    /// for any other form, and for a name that is not UTF-8.
    pub fn from_host(bytes: Vec<u8>) -> Option<Self> {
        let Some((count, rest)) = bytes.split_first_chunk() else { return bytes.is_empty().then(Self::default) };
        let sizes = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(8)?;
        let sizes = rest.split_at_checked(sizes)?.0;
        let mut at = sizes.len().checked_add(4)?;
        let mut text = |size: [u8; 4]| {
            let start = at;
            let end = start.checked_add(usize::try_from(u32::from_le_bytes(size)).ok()?)?;
            at = end.checked_add(1)?;
            (bytes.get(end) == Some(&0)).then_some(start..end)
        };
        let pairs: Option<Vec<Pair>> = sizes
            .as_chunks()
            .0
            .iter()
            .map(|&[a, b, c, d, e, f, g, h]| Some(Pair { name: text([a, b, c, d])?, value: text([e, f, g, h])? }))
            .collect();
        let pairs = pairs.filter(|_| at == bytes.len())?;
        let mut pairs = pairs;
        let mut names = Vec::with_capacity(USUAL_NAMES);
        for Pair { name, .. } in &mut pairs {
            let start = names.len();
            names.extend_from_slice(bytes.get(name.clone())?);
            *name = start..names.len();
        }
        names.make_ascii_lowercase();
        let names = String::from_utf8(names).ok()?;
        // A character may not belong to two names.
        let are_whole = pairs.iter().all(|Pair { name, .. }| names.get(name.clone()).is_some());
        are_whole.then_some(Self { names, bytes, pairs, is_followed: false })
    }

    /// The head, with a body or trailers after it.
    #[must_use]
    pub fn followed(self) -> Self {
        Self { is_followed: true, ..self }
    }

    /// Whether the request has a body, or any server may expect one.
    pub fn has_body(&self) -> bool {
        self.is_followed || self.has("transfer-encoding") || self.all("content-length").any(|length| length != b"0")
    }

    /// Whether the body is a form. A media type is case-insensitive, and its parameters do not
    /// matter here (RFC 9110 section 8.3.1).
    pub(crate) fn is_form(&self) -> bool {
        let value = self.only("content-type").unwrap_or_default();
        let essence = value.split(|&b| b == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    }

    fn name(&self, pair: &Pair) -> &str {
        self.names.get(pair.name.clone()).unwrap_or_default()
    }

    fn value(&self, pair: &Pair) -> &[u8] {
        self.bytes.get(pair.value.clone()).unwrap_or_default()
    }

    /// All pairs of name and value, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.pairs.iter().map(|pair| (self.name(pair), self.value(pair)))
    }

    /// All values of the header `name` (lower case), in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let is_it = move |pair: &&Pair| pair.name.len() == name.len() && self.name(pair) == name;
        self.pairs.iter().filter(is_it).map(|pair| self.value(pair))
    }

    /// The value of the header `name`, if there is exactly one line. `None` for a repeated header,
    /// because it is not known which of the lines another server would read.
    pub fn only<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        let mut values = self.all(name);
        let first = values.next()?;
        values.next().is_none().then_some(first)
    }

    /// Whether there is a line of the header `name`.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Whether `word` occurs, in any case, in a value of the header `name`.
    pub fn mentions(&self, name: &str, word: &str) -> bool {
        self.all(name)
            .any(|value| value.windows(word.len().max(1)).any(|window| window.eq_ignore_ascii_case(word.as_bytes())))
    }
}

/// The names of a request of a browser have some 200 bytes.
const USUAL_NAMES: usize = 256;

/// The reason why the body of a request cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// The body did not arrive in time.
    TimedOut,
    /// The body is longer than [`MAX_BODY`].
    TooLong,
    /// The host did not give the body.
    Withheld,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("the body did not arrive in time"),
            Self::TooLong => write!(f, "the body is longer than {MAX_BODY} bytes"),
            Self::Withheld => f.write_str("the host did not provide the body"),
        }
    }
}

impl std::error::Error for BodyError {}

/// The longest request body that is read, in bytes. A logout token has one or two thousand.
pub const MAX_BODY: usize = 64 * 1024;

/// The path and query of a request target. They are printable ASCII, and the path begins with `/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The path, from the leading `/` up to the `?`.
    pub path: &'a str,
    /// The text after the `?`, if there is one.
    pub query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads the `:path` pseudo-header without its fragment. Returns `None` if it is not in
    /// origin-form (RFC 9112 section 3.2.1), as for CONNECT, `OPTIONS *` and absolute-form, and for
    /// bytes outside printable ASCII.
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

/// The target as the client sent it, without a fragment.
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
    fn the_serialization_of_the_host_is_read_only_if_complete() {
        let map = b"\x02\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\0\0\0\0A\0b\xff\0x-c\0\0";
        let head = RequestHead::from_host(map.to_vec()).unwrap();
        assert_eq!(head.pairs().collect::<Vec<_>>(), [("a", &b"b\xff"[..]), ("x-c", b"")]);
        assert_eq!(RequestHead::from_host(Vec::new()).unwrap().pairs().count(), 0);
        assert_eq!(RequestHead::from_host(vec![0; 4]).unwrap().pairs().count(), 0);
        for end in 1..map.len() {
            assert!(RequestHead::from_host(map[..end].to_vec()).is_none(), "{end}");
        }
        for (at, byte) in [(0, 1), (0, 3), (3, 0xff), (4, 0), (4, 2), (7, 0xff), (8, 3), (20, 0xff), (21, 1)] {
            let mut map = map.to_vec();
            map[at] = byte;
            assert!(RequestHead::from_host(map).is_none(), "{at} {byte}");
        }
        let longer = [&map[..], b"\0"].concat();
        assert!(RequestHead::from_host(longer).is_none());
        // A character is in two names.
        let divided = b"\x02\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\xc3\0\0\xa4\0\0";
        assert!(RequestHead::from_host(divided.to_vec()).is_none());
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

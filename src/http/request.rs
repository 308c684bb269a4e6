//! The head of a request, as bytes: nothing in it is trusted, and no byte of it can make the filter fail.

use std::fmt;
use std::ops::Range;

/// Header pairs as the host gave them, names in lower case, pseudo-headers included.
///
/// They stay in the one buffer that the host hands over ([`from_host`](Self::from_host)): making two texts of each took a tenth of what is
/// done with a known token.
#[derive(Clone, Default)]
pub struct RequestHead {
    bytes: Vec<u8>,
    pairs: Vec<Pair>,
}

/// Where a name and its value stand.
#[derive(Clone)]
struct Pair {
    name: Range<usize>,
    value: Range<usize>,
}

impl RequestHead {
    /// Takes the pairs in the order in which they arrived; repeated names stay repeated.
    pub fn new(pairs: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let mut head = Self::default();
        for (mut name, value) in pairs {
            name.make_ascii_lowercase();
            let [name, value] = [name.as_bytes(), &value].map(|text| {
                let start = head.bytes.len();
                head.bytes.extend_from_slice(text);
                start..head.bytes.len()
            });
            head.pairs.push(Pair { name, value });
        }
        head
    }

    /// Takes the pairs as the host serializes them (proxy-wasm ABI 0.2.1): their number, the lengths of name and value of each, all of them
    /// `u32` in little-endian, and then the names and values, each with a zero byte after it. No bytes at all are no pairs. `None` for
    /// anything else, and for a name that is not UTF-8.
    pub fn from_host(mut bytes: Vec<u8>) -> Option<Self> {
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
        for Pair { name, .. } in &pairs {
            let name = bytes.get_mut(name.clone())?;
            name.make_ascii_lowercase();
            std::str::from_utf8(name).ok()?;
        }
        Some(Self { bytes, pairs })
    }

    fn text(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }

    /// Every pair, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.pairs
            .iter()
            .map(|Pair { name, value }| (std::str::from_utf8(self.text(name)).unwrap_or_default(), self.text(value)))
    }

    /// Every value under `name` (lower case), in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let is_it = |pair: &&Pair| pair.name.len() == name.len() && self.text(&pair.name) == name.as_bytes();
        self.pairs.iter().filter(is_it).map(|pair| self.text(&pair.value))
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
pub enum BodyError {
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
    fn the_form_of_the_host_is_read_where_it_is_whole() {
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

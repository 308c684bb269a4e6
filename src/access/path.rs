//! The path of a request, as the access rules see it. A path that two servers could read
//! differently is rejected.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;

use crate::http::request::Target;

/// A path that has one reading only: percent-decoded once, without query and fragment. It begins
/// with `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainPath<'a>(Cow<'a, str>);

impl<'a> PlainPath<'a> {
    /// The path `/`.
    pub(super) const ROOT: Self = Self(Cow::Borrowed("/"));

    /// The most segments that name scripts. The path may begin anew after each of them, so the cost
    /// of a lookup grows with their number.
    pub(super) const MAX_SCRIPTS: usize = 4;

    /// Reads the path of a request target. `line` is the whole `:path` and is searched for a
    /// fragment.
    ///
    /// # Errors
    /// [`Ambiguity`] if the upstream could read another path than the access rules do.
    pub fn read(target: Target<'a>, line: &[u8]) -> Result<Self, Ambiguity> {
        let raw = target.path;
        if line.contains(&b'#') {
            return Err(Ambiguity::Fragment);
        }
        if raw.contains("//") {
            return Err(Ambiguity::EmptySegment);
        }
        let mut path = Cow::Borrowed(raw);
        if raw.contains('%') {
            let escapes = || raw.split('%').skip(1);
            if !escapes().all(begins_with_hex) {
                return Err(Ambiguity::BadEscape);
            }
            if escapes().any(|escape| escape.get(..2).is_some_and(|digits| digits.eq_ignore_ascii_case("2f"))) {
                return Err(Ambiguity::EncodedSlash);
            }
            path = percent_decode_str(raw).decode_utf8().map_err(|_| Ambiguity::NotUtf8)?;
            if path.split('%').skip(1).any(begins_with_hex) {
                return Err(Ambiguity::NestedEscape);
            }
        }
        if path.contains('\\') {
            return Err(Ambiguity::Backslash);
        }
        if path.contains(';') {
            return Err(Ambiguity::Semicolon);
        }
        if path.contains(char::is_control) {
            return Err(Ambiguity::Control);
        }
        // The path of `..?` ends with a dot segment for a server that decodes before it looks for
        // the query.
        if path.split('/').any(|segment| matches!(segment.split(['?', '#']).next(), Some("." | ".."))) {
            return Err(Ambiguity::DotSegment);
        }
        Ok(Self(path))
    }

    /// The segments after the leading `/`. Only the last can be empty.
    pub(super) fn segments(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.split('/').skip(1)
    }
}

/// Two hexadecimal digits (RFC 3986 section 2.1).
fn begins_with_hex(text: &str) -> bool {
    text.as_bytes().first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// The reason why servers read a path differently. `Display` names it for the log, without the
/// path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ambiguity {
    /// `\`, which some servers read as `/`; literal or percent-encoded.
    Backslash,
    /// `%` without two hexadecimal digits after it.
    BadEscape,
    /// A segment of dots and spaces, which Windows drops.
    BlankSegment,
    /// A control character, including NUL.
    Control,
    /// `.` or `..` as a segment, also before an encoded `?` or `#`; literal or percent-encoded.
    DotSegment,
    /// `//`.
    EmptySegment,
    /// `%2F`.
    EncodedSlash,
    /// `#`, which RFC 9112 section 3.2.1 does not allow in a request target.
    Fragment,
    /// A percent-encoding that appears only after decoding once (`%252e`).
    NestedEscape,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// More than [`MAX_SCRIPTS`](PlainPath::MAX_SCRIPTS) segments that name scripts.
    Scripts,
    /// An encoded `?` or `#`, or a script, and what is before the end of it is decided by another
    /// access rule.
    PartDiffers,
    /// The path is not one of the access rule with this number, but a server may read it as one.
    Resembles(usize),
    /// `;`, which some servers read as the beginning of path parameters; literal or
    /// percent-encoded.
    Semicolon,
}

impl fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Resembles(rule) = self {
            return write!(f, "a spelling like a path of access[{rule}]");
        }
        f.write_str(match self {
            Self::Backslash => "a backslash",
            Self::BadEscape => "a percent sign without two hexadecimal digits",
            Self::BlankSegment => "a segment of dots and spaces",
            Self::Control => "a control character",
            Self::DotSegment => "a dot segment",
            Self::EmptySegment => "an empty segment",
            Self::EncodedSlash => "an encoded slash",
            Self::Fragment => "a fragment",
            Self::NestedEscape => "an escape within an escape",
            Self::NotUtf8 => "bytes that are not UTF-8",
            Self::Scripts => "many segments that name scripts",
            Self::PartDiffers => "a part for which another rule decides",
            Self::Resembles(_) => "a spelling like a path of a rule",
            Self::Semicolon => "a semicolon",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<String, Ambiguity> {
        PlainPath::read(Target::parse(line.as_bytes()).unwrap(), line.as_bytes()).map(|path| path.0.into_owned())
    }

    #[test]
    fn a_path_is_decoded_once() {
        for (line, path) in [
            ("/", "/"),
            ("/a/", "/a/"),
            ("/a?/../b", "/a"),
            ("/%61dmin", "/admin"),
            ("/a%20b/%C3%A9", "/a b/é"),
            ("/100%25", "/100%"),
            ("/%25zz", "/%zz"),
            ("/a%3Fb%23c", "/a?b#c"),
            ("/.../..a/.b", "/.../..a/.b"),
        ] {
            assert_eq!(read(line).as_deref(), Ok(path), "{line}");
        }
    }

    #[test]
    fn ambiguous_paths_are_rejected() {
        for (line, ambiguity) in [
            ("/a\\b", Ambiguity::Backslash),
            ("/a%5cb", Ambiguity::Backslash),
            ("/a%", Ambiguity::BadEscape),
            ("/a%4", Ambiguity::BadEscape),
            ("/a%zz", Ambiguity::BadEscape),
            ("/a%+1", Ambiguity::BadEscape),
            ("/a%00", Ambiguity::Control),
            ("/a%0d%0a", Ambiguity::Control),
            ("/a%7f", Ambiguity::Control),
            ("/a%C2%85", Ambiguity::Control),
            ("/./a", Ambiguity::DotSegment),
            ("/a/..", Ambiguity::DotSegment),
            ("/a/%2e%2E/b", Ambiguity::DotSegment),
            ("/a/.%2e", Ambiguity::DotSegment),
            ("/a/..%3Fx", Ambiguity::DotSegment),
            ("/a/.%23/b", Ambiguity::DotSegment),
            ("//a", Ambiguity::EmptySegment),
            ("/a//", Ambiguity::EmptySegment),
            ("/a%2fb", Ambiguity::EncodedSlash),
            ("/a%2Fb", Ambiguity::EncodedSlash),
            ("/a#b", Ambiguity::Fragment),
            ("/a?b#c", Ambiguity::Fragment),
            ("/a/%252e%252e/b", Ambiguity::NestedEscape),
            ("/%25%36%31", Ambiguity::NestedEscape),
            ("/%ff", Ambiguity::NotUtf8),
            ("/%c0%ae%c0%ae/", Ambiguity::NotUtf8),
            ("/a;b", Ambiguity::Semicolon),
            ("/a%3bb", Ambiguity::Semicolon),
        ] {
            assert_eq!(read(line), Err(ambiguity), "{line}");
        }
    }
}

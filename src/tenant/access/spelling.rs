//! The spellings that a server may read as the segment of a rule: another case, dots and spaces at
//! the end, a suffix for the format, or a delimiter that the client encoded.

use std::borrow::Cow;
use std::ops::Range;

use super::letter_case::fold;

/// How the path of a request is compared with the paths of the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathMatching {
    /// Byte for byte. A path that only resembles one of a rule is refused.
    #[default]
    Strict,
    /// Byte for byte, and no other spelling is refused.
    Exact,
    /// The same as [`Strict`](Self::Strict), except that case makes no difference.
    IgnoreCase,
}

/// One segment of the path of a request.
#[derive(Clone)]
pub(crate) struct Spelling<'p> {
    /// The text that is compared.
    text: Cow<'p, str>,
    /// The text in one case.
    folded: Cow<'p, str>,
    /// The position of the key in `folded`.
    key: Range<usize>,
}

impl<'p> Spelling<'p> {
    pub(crate) fn new(segment: &'p str, matching: PathMatching) -> Self {
        let folded = fold(segment);
        let text = if matching == PathMatching::IgnoreCase { folded.clone() } else { Cow::Borrowed(segment) };
        let key = key_range(&folded);
        Self { text, folded, key }
    }

    /// Whether the segment names a script.
    pub(crate) fn is_script(&self) -> bool {
        is_script(self.folded())
    }

    /// The text that is compared.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text in one case.
    pub(super) fn folded(&self) -> &str {
        trim_start(&self.folded)
    }

    /// The key of [`key`].
    pub(super) fn key(&self) -> &str {
        self.folded.get(self.key.clone()).unwrap_or_default()
    }

    /// Whether a server may read this segment as `literal`, which is in one case.
    pub(super) fn resembles(&self, literal: &str) -> bool {
        let bare = trim_start(trim_end(literal));
        if bare.is_empty() {
            return false;
        }
        match self.folded().strip_prefix(bare) {
            Some(rest) => rest.chars().next().is_none_or(|c| !is_word(c)),
            None => without_suffix(bare).is_some_and(|stem| trim_end(self.folded()) == stem),
        }
    }
}

/// The path before the first encoded `?` or `#`, if there is one. A server that decodes the path
/// before it looks for the query takes it for the whole path.
pub(super) fn before_delimiter<'p>(path: &'p [Spelling<'p>]) -> Option<Vec<Spelling<'p>>> {
    let (index, part) = path.iter().enumerate().find_map(|(index, segment)| {
        let (part, _) = segment.text().split_once(['?', '#'])?;
        Some((index, part))
    })?;
    let part = Spelling::new(part, PathMatching::Strict);
    Some(path.iter().take(index).cloned().chain([part]).collect())
}

/// Whether a segment, in one case, names a script. A server may run it and take the following
/// segments for a path.
pub(super) fn is_script(folded: &str) -> bool {
    trim_end(folded).rsplit_once('.').is_some_and(|(_, suffix)| {
        let version = suffix.strip_prefix("php");
        SCRIPTS.contains(&suffix) || version.is_some_and(|version| version.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// Whether a segment consists of dots and spaces, which Windows drops, up to an encoded delimiter.
pub(crate) fn is_blank(segment: &str) -> bool {
    let part = segment.split(['?', '#']).next().unwrap_or_default();
    !part.is_empty() && trim_end(part).is_empty()
}

/// The first word of a text in one case. All spellings of a literal have its key.
pub(super) fn key(folded: &str) -> &str {
    folded.get(key_range(folded)).unwrap_or_default()
}

fn key_range(folded: &str) -> Range<usize> {
    let start = folded.len().saturating_sub(trim_start(folded).len());
    let rest = folded.get(start..).unwrap_or_default();
    start..start.saturating_add(rest.find(|c| !is_word(c)).unwrap_or(rest.len()))
}

/// Whether `c` continues a name. Any other character may end a name for some server, also one that
/// the client encoded. Beyond ASCII, these are the signs of Latin-1, combining marks, spaces and
/// general punctuation, and the wide forms of ASCII signs.
fn is_word(c: char) -> bool {
    match u32::from(c) {
        0..=0x7f => c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~'),
        0x80..=0xbf | 0x300..=0x36f | 0x2000..=0x206f | 0x3000..=0x3002 | 0xfe00..=0xfe0f | 0xfeff => false,
        0xff01..=0xff0f | 0xff1a..=0xff20 => false,
        _ => true,
    }
}

pub(super) fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

fn trim_end(text: &str) -> &str {
    text.trim_end_matches(|c| c == '.' || is_space(c))
}

/// Whether some language takes `c` for a space. JavaScript takes the byte order mark for one.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// The name of a file without its suffix: some servers find `page.aspx` for `page`. A number is no
/// suffix (`v1.0`).
fn without_suffix(name: &str) -> Option<&str> {
    let (stem, suffix) = name.rsplit_once('.')?;
    (!stem.is_empty() && suffix.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(stem)
}

/// The suffixes of files that servers run, with what follows as the path (`PATH_INFO` of RFC 3875
/// section 4.1.5). `php` with a version, such as `php7`, is one, too.
const SCRIPTS: [&str; 15] =
    ["phtml", "cgi", "fcgi", "pl", "py", "rb", "asp", "aspx", "ashx", "asmx", "svc", "cfm", "jsp", "dll", "exe"];

#[cfg(test)]
mod tests {
    use super::*;

    fn resembles(segment: &str, literal: &str) -> bool {
        let literal = fold(literal);
        let spelling = Spelling::new(segment, PathMatching::Strict);
        let resembles = spelling.resembles(&literal);
        assert!(!resembles || spelling.key() == key(&literal), "{segment} {literal}");
        resembles
    }

    #[test]
    fn a_segment_resembles_what_a_server_may_read() {
        for (segment, literal) in [
            ("Admin", "admin"),
            ("admin", "ADMIN"),
            ("admin.", "admin"),
            ("admin. .", "admin"),
            ("admin", "admin."),
            (" admin", "admin"),
            ("\u{feff}Admin", "admin"),
            ("admin.json", "admin"),
            ("admin.tar.gz", "Admin"),
            ("admin?x", "admin"),
            ("admin::$DATA", "admin"),
            ("admin\u{200b}", "admin"),
            ("page", "page.aspx"),
            ("Page. ", "page.aspx"),
            ("page.aspx.bak", "page.aspx"),
            ("CAFÉ", "café"),
            ("Ÿ-ŽŠŁ-ĄĽ", "ÿ-žšł-ąľ"),
            ("ΆΘΉΝΑΣ", "άθήνας"),
            ("ЁЖ-Ґ", "ёж-ґ"),
            ("admin\u{ff0e}json", "admin"),
            ("adm\u{131}n", "admin"),
            ("pa\u{17f}\u{17f}", "PASS"),
            ("\u{212a}eys", "keys"),
            ("ȘCOALĂ", "școală"),
            ("ĐƯỜNG", "đường"),
            ("ＡｄＭＩＮ２", "admin2"),
            (".GIT", ".git"),
        ] {
            assert!(resembles(segment, literal), "{segment} {literal}");
        }
        for (segment, literal) in [
            ("administrator", "admin"),
            ("admin-x", "admin"),
            ("admin_x", "admin"),
            ("admi", "admin"),
            ("v1", "v1.0"),
            ("v1.1", "v1.0"),
            ("page.html", "page.aspx"),
            (".well-known", ".git"),
            ("日本", "中国"),
            ("café", "cafà"),
            ("", "admin"),
            (".x", ""),
            (".", "."),
        ] {
            assert!(!resembles(segment, literal), "{segment} {literal}");
        }
    }

    #[test]
    fn a_plain_segment_is_not_copied() {
        for segment in ["admin", "a-b.json", ""] {
            assert!(matches!(Spelling::new(segment, PathMatching::IgnoreCase).folded, Cow::Borrowed(_)), "{segment}");
        }
    }

    #[test]
    fn scripts_are_known_by_their_suffix() {
        for (segment, is_script) in
            [("index.php", true), ("X.PHP7", true), ("a.b.cgi.", true), ("php", false), ("a.phpx", false), ("", false)]
        {
            assert_eq!(super::is_script(&fold(segment)), is_script, "{segment}");
        }
    }
}

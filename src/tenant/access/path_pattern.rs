//! The path patterns of access rules.

use std::fmt;

/// A pattern that matches one path or several: `/reports`, `/orders/*/items`, `/admin/*`,
/// `/admin*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    segments: Vec<Segment>,
    /// Whether the pattern ends with `*`. Then it matches every path below the segments, and the
    /// path of the segments itself.
    below: bool,
}

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Exactly this text, after decoding.
    Literal(String),
    /// `a*`: any text that begins with this one.
    Begins(String),
    /// `*`: any text.
    Any,
}

impl PathPattern {
    /// The pattern that matches every path.
    pub(crate) const ALL: Self = Self { segments: Vec::new(), below: true };

    /// Parses a pattern. It is configured in the form that a path has after decoding.
    ///
    /// # Errors
    /// [`PathPatternError`] with the reason.
    pub fn parse(text: &str) -> Result<Self, PathPatternError> {
        let rest = text.strip_prefix('/').ok_or(PathPatternError::Relative)?;
        let (rest, below) = match rest.strip_suffix("/*") {
            Some(rest) => (Some(rest), true),
            None if rest == "*" => (None, true),
            None => (Some(rest), rest.ends_with('*') && !rest.ends_with("/*")),
        };
        let segments: Vec<&str> = rest.map(|rest| rest.split('/').collect()).unwrap_or_default();
        if text.len() > MAX_BYTES || segments.len() > MAX_SEGMENTS {
            return Err(PathPatternError::TooLong);
        }
        let last = segments.len().saturating_sub(1);
        let parsed = segments.into_iter().enumerate().map(|(index, segment)| match segment {
            // A path may end with a slash.
            "" if index < last || below => Err(PathPatternError::Unreachable),
            "." | ".." => Err(PathPatternError::Unreachable),
            "*" => Ok(Segment::Any),
            _ if segment.contains(|c: char| c.is_control() || "\\;".contains(c)) => Err(PathPatternError::Unreachable),
            _ if segment.contains(['?', '#', '%']) => Err(PathPatternError::Encoded),
            _ => match segment.strip_suffix('*') {
                _ if segment.find('*').is_some_and(|at| at.saturating_add(1) < segment.len()) => {
                    Err(PathPatternError::Wildcard)
                }
                Some(text) => Ok(Segment::Begins(text.to_owned())),
                None => Ok(Segment::Literal(segment.to_owned())),
            },
        });
        Ok(Self { segments: parsed.collect::<Result<_, _>>()?, below })
    }

    /// The segments, without a final `/*`.
    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether the pattern ends with `*`.
    pub(super) fn is_below(&self) -> bool {
        self.below
    }

    /// Whether this pattern matches every path that `other` matches.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let ends = if self.below {
            self.segments.len() <= other.segments.len()
        } else {
            !other.below && self.segments.len() == other.segments.len()
        };
        let mut pairs = self.segments.iter().zip(&other.segments);
        ends && pairs.all(|(mine, theirs)| match (mine, theirs) {
            (Segment::Any, _) => true,
            (Segment::Literal(mine), Segment::Literal(theirs)) => mine == theirs,
            (Segment::Begins(mine), Segment::Literal(theirs) | Segment::Begins(theirs)) => theirs.starts_with(mine),
            (Segment::Literal(_), Segment::Begins(_) | Segment::Any) | (Segment::Begins(_), Segment::Any) => false,
        })
    }

    /// The same paths and everything below them. `None` if that is the pattern itself, if it ends
    /// with a slash, or if its last segment has a dot, as a file has.
    pub(crate) fn with_below(&self) -> Option<Self> {
        match self.segments.last()? {
            Segment::Literal(text) if !self.below && !text.is_empty() && !text.contains('.') => {
                Some(Self { below: true, ..self.clone() })
            }
            Segment::Literal(_) | Segment::Begins(_) | Segment::Any => None,
        }
    }

    /// Whether the pattern matches `path` and no other path.
    pub(crate) fn is_exactly(&self, path: &str) -> bool {
        Self::parse(path).as_ref() == Ok(self)
            && !self.below
            && self.segments.iter().all(|segment| matches!(segment, Segment::Literal(_)))
    }
}

/// The most segments of a pattern, besides a final `*`. Each is a level of the table of the rules.
const MAX_SEGMENTS: usize = 64;
/// The longest pattern.
const MAX_BYTES: usize = 2048;

/// Writes the pattern as configured (`/a*/*` as `/a*`, which is the same).
impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(f, "/{text}")?,
                Segment::Begins(text) => write!(f, "/{text}*")?,
                Segment::Any => f.write_str("/*")?,
            }
        }
        let says_below = matches!(self.segments.last(), Some(Segment::Begins(_)));
        f.write_str(if self.below && !says_below { "/*" } else { "" })
    }
}

/// The reason why a text is not a valid [`PathPattern`]. `Display` explains what is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathPatternError {
    /// The text does not begin with `/`.
    Relative,
    /// A segment has a `*` before other characters.
    Wildcard,
    /// The text contains a percent-encoded character, a query or a fragment.
    Encoded,
    /// Requests with such a path are refused before the rules are evaluated.
    Unreachable,
    /// There are more than [`MAX_SEGMENTS`] segments, or more than [`MAX_BYTES`] bytes.
    TooLong,
}

impl fmt::Display for PathPatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relative => "it has to begin with \"/\"",
            Self::Wildcard => "\"*\" stands for a segment (\"/a/*/b\"), for the rest of one (\"/a*\") or, at the end, for everything below (\"/a/*\")",
            Self::Encoded => "write the path decoded, without query and fragment",
            Self::TooLong => return write!(f, "it has more than {MAX_SEGMENTS} segments or {MAX_BYTES} bytes"),
            Self::Unreachable => {
                "a path with an empty segment, a dot segment, \"\\\", \";\" or a control character is refused before any rule"
            }
        })
    }
}

impl std::error::Error for PathPatternError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> PathPattern {
        PathPattern::parse(text).unwrap()
    }

    #[test]
    fn a_pattern_is_displayed_as_it_was_configured() {
        for text in
            ["/", "/*", "/a", "/a/", "/a/*", "/a/*/b", "/*/b", "/a/*/*", "/é b", "/a*", "/a*/b", "/a*/*/b*", "/.*"]
        {
            assert_eq!(pattern(text).to_string(), text);
        }
        assert_eq!(pattern("/a*/*"), pattern("/a*"));
    }

    #[test]
    fn an_invalid_pattern_is_rejected_with_its_reason() {
        for (text, problem) in [
            (&*"/a".repeat(65), PathPatternError::TooLong),
            (&*format!("/{}", "a".repeat(2048)), PathPatternError::TooLong),
            ("", PathPatternError::Relative),
            ("*", PathPatternError::Relative),
            ("a/b", PathPatternError::Relative),
            ("/**", PathPatternError::Wildcard),
            ("/a/*.js", PathPatternError::Wildcard),
            ("/a*b", PathPatternError::Wildcard),
            ("/a*b*", PathPatternError::Wildcard),
            ("/a%*", PathPatternError::Encoded),
            ("/a%20b", PathPatternError::Encoded),
            ("/a?b", PathPatternError::Encoded),
            ("/a#b", PathPatternError::Encoded),
            ("//", PathPatternError::Unreachable),
            ("/a//b", PathPatternError::Unreachable),
            ("/a//*", PathPatternError::Unreachable),
            ("//*", PathPatternError::Unreachable),
            ("/a/../b", PathPatternError::Unreachable),
            ("/a;b", PathPatternError::Unreachable),
            ("/a\\b", PathPatternError::Unreachable),
        ] {
            assert_eq!(PathPattern::parse(text), Err(problem), "{text}");
        }
    }

    #[test]
    fn a_pattern_covers_another_only_if_it_matches_all_its_paths() {
        for (a, b) in [
            ("/*", "/a"),
            ("/*", "/"),
            ("/*", "/*"),
            ("/a/*", "/a"),
            ("/a/*", "/a/"),
            ("/a/*", "/a/b/*"),
            ("/*/b", "/a/b"),
            ("/a/*/*", "/a/b/*"),
            ("/a", "/a"),
            ("/a*", "/a"),
            ("/a*", "/a/b"),
            ("/a*", "/ab*"),
            ("/a*", "/a/*"),
            ("/a*/b", "/ac/b"),
            ("/*", "/a*"),
        ] {
            assert!(pattern(a).covers(&pattern(b)), "{a} {b}");
        }
        for (a, b) in [
            ("/a", "/*"),
            ("/a", "/a/*"),
            ("/a/b", "/a/*/"),
            ("/a/b", "/*/b"),
            ("/a/*", "/*"),
            ("/a/*", "/ab"),
            ("/a/*", "/a*"),
            ("/ab*", "/a*"),
            ("/a*/b", "/a*"),
        ] {
            assert!(!pattern(a).covers(&pattern(b)), "{a} {b}");
        }
    }
}

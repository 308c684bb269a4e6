//! `error` and `error_description` of a provider, as they may be logged.

use std::fmt;

use super::sent_secrets::SentSecrets;

/// `error` and `error_description` of an error response (RFC 6749 sections 4.1.2.1 and 5.2):
/// escaped, cut, and without what the request has sent or anything that looks like a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ErrorText(String);

impl ErrorText {
    /// The text of these two fields, in the answer to a request that has sent these secrets.
    pub(crate) fn new(error: &str, description: Option<&str>, sent: &SentSecrets) -> Self {
        let shown = |text: &str| escaped(&sent.redact(text));
        let error = shown(error);
        Self(match description {
            Some(description) => ["`", &error, "` (\"", &shown(description), "\")"].concat(),
            None => ["`", &error, "`"].concat(),
        })
    }
}

impl fmt::Display for ErrorText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `text` in printable ASCII, of at most [`MAX_TEXT`] characters. Some providers repeat what they
/// received, so long words are replaced.
fn escaped(text: &str) -> String {
    let words = text.split_inclusive(|c: char| !is_token_char(c));
    let shown = words.flat_map(|word| {
        let end = word.trim_start_matches(is_token_char);
        let word = word.strip_suffix(end).unwrap_or(word);
        let word = if word.len() < MIN_TOKEN || is_uuid(word) { word } else { "[...]" };
        word.chars().chain(end.chars()).flat_map(char::escape_default)
    });
    shown.take(MAX_TEXT).collect()
}

/// The characters of base64url, base64 and opaque tokens. A JWT is several words.
fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '=' | '~')
}

/// Providers name a request by a UUID in their error descriptions.
fn is_uuid(word: &str) -> bool {
    word.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

const MAX_TEXT: usize = 200;
/// The authorization codes of dex, the shortest that are known, have 25 characters.
const MIN_TOKEN: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> SentSecrets {
        let mut sent = SentSecrets::default();
        sent.add("p\"s");
        sent.add("ab12");
        sent
    }

    #[test]
    fn the_text_has_no_secret_of_the_request() {
        let text = ErrorText::new("ab12", Some("wrong secret p%22s, ab12x"), &sent()).to_string();
        assert_eq!(text, r#"`[...]` ("wrong secret p%22s, [...]x")"#);
        // A secret that a cut would split is replaced before the cut.
        let text = ErrorText::new("bad", Some(&format!("{}yab12", "x ".repeat(98))), &sent()).to_string();
        assert!(text.ends_with("x y[..\")"), "{text}");
    }

    #[test]
    fn the_text_is_escaped_and_cut() {
        let text = |error: &str, description: &str| ErrorText::new(error, Some(description), &sent()).to_string();
        assert_eq!(text("bad\n", "no\r\nway \"\u{1f600}\""), r#"`bad\n` ("no\r\nway \"\u{1f600}\"")"#);
        assert_eq!(text("bad", &"x ".repeat(1000)).len(), MAX_TEXT + r#"`bad` ("")"#.len());
        assert_eq!(ErrorText::new("bad", None, &sent()).to_string(), "`bad`");
    }

    #[test]
    fn the_text_has_no_token() {
        for (text, shown) in [
            ("token c6zunxrllvx65epvm6alwrt47 is used", "token [...] is used"),
            ("c6zunxrllvx65epvm6alwrt47", "[...]"),
            ("eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJhZGEiLCJpc3MiOiJ4In0.c2ln", "[...].[...].c2ln"),
            ("Trace ID: 255d1aef-8c98-452f-ac51-23d051240864", "Trace ID: 255d1aef-8c98-452f-ac51-23d051240864"),
            ("", ""),
        ] {
            assert_eq!(escaped(text), shown);
        }
    }
}

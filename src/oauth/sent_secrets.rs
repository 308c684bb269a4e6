//! The secrets of a request to the provider, which the text of its answer must not show.

use crate::base::secret::Secret;

/// The secrets that a request has sent. A provider may repeat them in `error_description`, and a
/// client secret may be shorter than an ordinary word.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentSecrets(Vec<Secret<String>>);

impl SentSecrets {
    /// Adds a secret. One of fewer than [`MIN_LENGTH`] bytes is not added: most texts contain its
    /// letters by chance.
    pub(super) fn add(&mut self, secret: &str) {
        if secret.len() >= MIN_LENGTH {
            self.0.push(Secret::new(secret.to_owned()));
        }
    }

    /// `text` with `[...]` in place of each secret: as it is, or with any of its bytes as `%XX` or
    /// a space as `+` (RFC 6749 appendix B).
    pub(super) fn redact(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let lengths = self.0.iter().filter_map(|secret| length_in(rest, secret.expose_secret()));
            match lengths.max() {
                Some(length) => {
                    shown.push_str("[...]");
                    rest = rest.get(length..).unwrap_or_default();
                }
                None => {
                    shown.push(first);
                    rest = rest.get(first.len_utf8()..).unwrap_or_default();
                }
            }
        }
        shown
    }
}

/// The length of `secret` in `text`, if `text` begins with it, encoded or not.
fn length_in(text: &str, secret: &str) -> Option<usize> {
    // A `%` of the secret may be the beginning of `%25` or stand for itself, so what is not encoded
    // is compared on its own.
    if text.starts_with(secret) {
        return Some(secret.len());
    }
    let mut rest = text.as_bytes();
    for byte in secret.bytes() {
        rest = match rest {
            [b'%', high, low, more @ ..] if is_hex(*high, byte >> 4) && is_hex(*low, byte & 15) => more,
            [b'+', more @ ..] if byte == b' ' => more,
            [first, more @ ..] if *first == byte => more,
            _ => return None,
        };
    }
    text.len().checked_sub(rest.len())
}

/// Whether `digit` is the hexadecimal digit with this value, in upper or lower case.
fn is_hex(digit: u8, value: u8) -> bool {
    char::from(digit).to_digit(16) == Some(value.into())
}

/// The shortest secret that is looked for, in bytes.
const MIN_LENGTH: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(secrets: &[&str], text: &str) -> String {
        let mut sent = SentSecrets::default();
        secrets.iter().for_each(|secret| sent.add(secret));
        sent.redact(text)
    }

    #[test]
    fn a_secret_is_found_in_every_encoding() {
        for text in ["p+ %\u{e9}", "p%2B+%25%C3%A9", "p%2b%20%25%c3%a9", "%70+ %\u{e9}", "p%2B %%C3%A9"] {
            assert_eq!(redact(&["p+ %\u{e9}"], &format!("secret={text}&x")), "secret=[...]&x", "{text}");
        }
        assert_eq!(redact(&["a%25b"], "a%25b a%2525b a%b"), "[...] [...] a%b");
        for text in ["p+ %", "p+_%\u{e9}", "p%2B+%25%C3%A8", "p+ %\u{e8}", "p%2", "%", "P+ %\u{e9}"] {
            assert_eq!(redact(&["p+ %\u{e9}"], text), text);
        }
    }

    #[test]
    fn every_occurrence_of_every_secret_is_replaced() {
        assert_eq!(redact(&["hunter", "hunter2"], "hunter2hunter hunter2"), "[...][...] [...]");
        assert_eq!(redact(&["abcd", "bcde"], "abcde \u{1f600}bcde"), "[...]e \u{1f600}[...]");
        assert_eq!(redact(&[], "abcd"), "abcd");
        assert_eq!(redact(&["a", "abc", ""], "abcd"), "abcd");
        assert_eq!(redact(&["abcd"], ""), "");
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut sent = SentSecrets::default();
        sent.add("hunter2");
        assert!(!format!("{sent:?}").contains("hunter2"));
    }
}

//! Sealed values and base64url texts that are wrong at one place.

use std::ops::Range;

use super::http::{base64url, from_base64url};

/// A sealed value: a nonce of 24 bytes, the ciphertext, and a tag of 16 bytes.
pub struct Sealed {
    /// What stands before it: the id of its key, and the name of its cookie.
    pub start: String,
    pub bytes: Vec<u8>,
}

impl Sealed {
    /// The value at the end of a cookie line.
    pub fn new(line: &str) -> Self {
        let (start, sealed) = line.rsplit_once('.').unwrap();
        Self { start: format!("{start}."), bytes: from_base64url(sealed) }
    }

    /// The line with these bytes in its place.
    pub fn with(&self, bytes: impl AsRef<[u8]>) -> String {
        self.start.clone() + &base64url(bytes)
    }

    /// The line with a bit of one byte changed.
    pub fn wrong_at(&self, place: usize) -> String {
        self.with(wrong_at(&self.bytes, place))
    }

    /// Where the tag is.
    pub fn tag(&self) -> Range<usize> {
        self.bytes.len() - 16..self.bytes.len()
    }
}

/// The bytes with a bit of one of them changed.
pub fn wrong_at(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[place] ^= 1;
    bytes
}

/// The text with another character at this place. Both are valid in base64url, also as the last
/// one of 32 bytes.
pub fn text_wrong_at(text: &str, place: usize) -> String {
    let other = if text.as_bytes()[place] == b'A' { 'E' } else { 'A' };
    format!("{}{other}{}", &text[..place], &text[place + 1..])
}

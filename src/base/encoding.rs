//! Encodings: base64 and base64url, forms, header values, and JSON in ASCII.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::json;

/// Encodes as base64url without padding (RFC 7515 section 2).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url strictly. Returns `None` for padding, other characters, and non-zero bits
/// after the last byte.
pub(crate) fn from_base64url(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Encodes as base64 with padding (RFC 4648 section 4), as for HTTP Basic.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes base64 with padding. Returns `None` for other characters.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Encodes the pairs as `application/x-www-form-urlencoded`, in order.
pub(crate) fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Encodes one value as in `application/x-www-form-urlencoded` (RFC 6749 appendix B).
pub(crate) fn form_value(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Encodes a claim as a header value. Printable ASCII and spaces inside the claim stay. All other
/// UTF-8 bytes, `%` and `separator` become `%XX`. So no claim can forge a header line or a list
/// element, and percent-decoding returns the claim.
pub(crate) fn header_value(claim: &str, separator: Option<u8>) -> String {
    let mut value = String::with_capacity(claim.len());
    push_header_value(&mut value, claim, separator);
    value
}

/// Appends the [`header_value`] of `claim` to `value`.
pub(crate) fn push_header_value(value: &mut String, claim: &str, separator: Option<u8>) {
    let other = separator.unwrap_or(b'%');
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%' && byte != other;
    if claim.bytes().all(is_plain) {
        return value.push_str(claim);
    }
    let outer = claim.len().wrapping_sub(1);
    for (position, byte) in claim.bytes().enumerate() {
        // A space at the beginning or end is encoded, because the next server would remove it.
        if is_plain(byte) || (byte == b' ' && position != 0 && position != outer && separator != Some(b' ')) {
            value.push(char::from(byte));
        } else {
            value.push('%');
            value.extend([byte >> 4, byte & 15].map(hex_digit));
        }
    }
}

/// `value` as JSON in printable ASCII. Other characters become `\uXXXX` (RFC 8259 section 7), which
/// every JSON parser decodes.
pub(crate) fn ascii_json(value: &serde_json::Value) -> String {
    let mut json = String::new();
    for c in json::write(value).chars() {
        // Other characters occur only in strings, and control characters are escaped already.
        if (' '..='~').contains(&c) {
            json.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                json.push_str("\\u");
                json.extend([12, 8, 4, 0].map(|shift| hex_digit((*unit >> shift) & 15).to_ascii_lowercase()));
            }
        }
    }
    json
}

/// The hexadecimal digit of `nibble`, in upper case.
fn hex_digit(nibble: impl Into<u32>) -> char {
    char::from_digit(nibble.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

/// The first `most` characters of `text` in printable ASCII, for a line of the log. Quotes and
/// backslashes are escaped, and so is whatever is not ASCII.
pub(crate) fn escaped(text: &str, most: usize) -> String {
    text.chars().take(most).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_is_strict() {
        assert_eq!(from_base64url("_-8"), Some(vec![0xff, 0xef]));
        for text in ["_-8=", "_-9", "+/8", "_-8\n", " _-8", "_", "_-8?"] {
            assert_eq!(from_base64url(text), None, "{text:?}");
        }
    }

    #[test]
    fn header_values_are_one_printable_line_and_reversible() {
        assert_eq!(header_value("ada@acme.example", None), "ada@acme.example");
        assert_eq!(header_value("a\r\nX: y\0", None), "a%0D%0AX: y%00");
        assert_eq!(header_value("cn=a,dc=b", Some(b',')), "cn=a%2Cdc=b");
        assert_eq!(header_value("100% é", None), "100%25 %C3%A9");
        assert_eq!(header_value(" a ", None), "%20a%20");
        assert_eq!(header_value("", None), "");
    }

    #[test]
    fn form_values_follow_rfc_6749_appendix_b() {
        assert_eq!(form_value("a b:c%&+\u{20ac}"), "a+b%3Ac%25%26%2B%E2%82%AC");
    }
}

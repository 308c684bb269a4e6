//! Encodings: base64url as JOSE has it, forms, and header values that cannot be forged.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::json;

/// base64url without padding (RFC 7515 section 2).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url strictly: no padding, no other character, no stray bits at the end. `None` otherwise.
pub(crate) fn from_base64url(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// base64 with padding (RFC 4648 section 4), as HTTP Basic wants it.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// `application/x-www-form-urlencoded` of the pairs, in order.
pub(crate) fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// `application/x-www-form-urlencoded` of one value (RFC 6749 appendix B).
pub(crate) fn form_value(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// A claim as a header value: printable ASCII stays, everything else, `%` and whatever `separator` is become
/// `%XX` of their UTF-8 bytes. So no claim can forge a line or a list element, and percent-decoding gives the claim back.
pub(crate) fn header_value(claim: &str, separator: Option<u8>) -> String {
    let mut value = String::with_capacity(claim.len());
    push_header_value(&mut value, claim, separator);
    value
}

/// As [`header_value`], at the end of a text.
pub(crate) fn push_header_value(value: &mut String, claim: &str, separator: Option<u8>) {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%' && Some(byte) != separator;
    if claim.bytes().all(is_plain) {
        return value.push_str(claim);
    }
    let outer = claim.len().wrapping_sub(1);
    for (position, byte) in claim.bytes().enumerate() {
        // A space inside is as it was; at an end the next server would trim it.
        if is_plain(byte) || (byte == b' ' && position != 0 && position != outer && separator != Some(b' ')) {
            value.push(char::from(byte));
        } else {
            value.push('%');
            value.extend([byte >> 4, byte & 15].map(hex_digit));
        }
    }
}

/// `value` as JSON in printable ASCII: what is not becomes `\\uXXXX` (RFC 8259 section 7), so any JSON parser gives it back.
pub(crate) fn ascii_json(value: &serde_json::Value) -> String {
    let mut json = String::new();
    for c in json::write(value).chars() {
        // Outside strings there is nothing but printable ASCII, and control characters are escaped already.
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

fn hex_digit(nibble: impl Into<u32>) -> char {
    char::from_digit(nibble.into(), 16).unwrap_or('0').to_ascii_uppercase()
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

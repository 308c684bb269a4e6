//! LDAP distinguished names in their string form (RFC 4514), parsed far enough to find a group's
//! common name.

/// The common name of the entry that `text` names: `admins` for `CN=admins,OU=groups,DC=acme`.
/// `None` if `text` is not a distinguished name, or if its first component has no CN; the caller
/// then uses `text` unchanged.
pub(super) fn common_name(text: &str) -> Option<String> {
    let mut components = Components { rest: Some(text) };
    let mut name = None;
    let mut first = true;
    while let Some(component) = components.next() {
        let Component { attribute, value, ends_entry } = component?;
        if first && is_common_name(attribute) {
            name = name.or(Some(value?));
        }
        first = first && !ends_entry;
    }
    name.filter(|name| !name.is_empty())
}

/// `attributeType=attributeValue` (RFC 4514 section 3).
struct Component<'a> {
    attribute: &'a str,
    /// `None` for a hexadecimal value (`#04...`), which is BER and not text.
    value: Option<String>,
    /// Whether a comma or the end follows, and not a `+` with another attribute of the same entry.
    ends_entry: bool,
}

/// The components in order; `Some(None)` for the first that is invalid.
struct Components<'a> {
    rest: Option<&'a str>,
}

impl<'a> Components<'a> {
    fn next(&mut self) -> Option<Option<Component<'a>>> {
        let rest = self.rest.take()?;
        Some((|| {
            let (attribute, rest) = rest.split_once('=')?;
            let attribute = attribute.trim_matches(' ');
            let rest = rest.trim_start_matches(' ');
            let (value, rest) = value(rest)?;
            let (ends_entry, rest) = match rest.split_at_checked(1) {
                Some((",", rest)) => (true, Some(rest)),
                Some(("+", rest)) => (false, Some(rest)),
                Some(_) => return None,
                None => (true, None),
            };
            self.rest = rest;
            is_attribute(attribute).then_some(Component { attribute, value, ends_entry })
        })())
    }
}

/// An attribute type: a short name, or an object identifier (RFC 4512 section 1.4).
fn is_attribute(text: &str) -> bool {
    let descriptor = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let numeric = text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    descriptor || numeric
}

fn is_common_name(attribute: &str) -> bool {
    attribute.eq_ignore_ascii_case("cn") || attribute.eq_ignore_ascii_case("commonName") || attribute == "2.5.4.3"
}

/// One value up to the `,` or `+` that follows it, and the rest from there. Trailing spaces are
/// removed unless the last one is escaped.
fn value(text: &str) -> Option<(Option<String>, &str)> {
    if text.starts_with('#') {
        let end = text.find([',', '+']).unwrap_or(text.len());
        let (hex, rest) = text.split_at_checked(end)?;
        let is_hex = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        return hex
            .strip_prefix('#')
            .is_some_and(|digits| is_hex(digits.trim_end_matches(' ')))
            .then_some((None, rest));
    }
    let mut bytes = Vec::new();
    // The length up to which nothing is trimmed.
    let mut kept = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..)?;
        match c {
            ',' | '+' => break,
            '"' | ';' | '<' | '>' | '\0' => return None,
            '\\' => {
                let (byte, after) = escaped(after)?;
                bytes.push(byte);
                kept = bytes.len();
                rest = after;
            }
            c => {
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                if c != ' ' {
                    kept = bytes.len();
                }
                rest = after;
            }
        }
    }
    bytes.truncate(kept);
    // The escaped bytes have to form UTF-8 together with the rest.
    Some((Some(String::from_utf8(bytes).ok()?), rest))
}

/// The byte that a backslash escapes: a special character, or two hexadecimal digits.
fn escaped(text: &str) -> Option<(u8, &str)> {
    let pair = text.split_at_checked(2).filter(|(digits, _)| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if let Some((digits, rest)) = pair {
        return Some((u8::from_str_radix(digits, 16).ok()?, rest));
    }
    let (special, rest) = text.split_at_checked(1)?;
    let byte = *special.as_bytes().first()?;
    b" \"#+,;<=>\\".contains(&byte).then_some((byte, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_name_of_the_entry_is_found() {
        for (text, expected) in [
            ("CN=admins,OU=groups,DC=acme,DC=example", "admins"),
            ("cn=admins", "admins"),
            ("commonName=admins,dc=x", "admins"),
            ("2.5.4.3=admins,dc=x", "admins"),
            ("cn = admins , dc=x", "admins"),
            ("OU=Sales+CN=J.  Smith,DC=example,DC=net", "J.  Smith"),
            (r#"CN=James \"Jim\" Smith\, III,DC=example,DC=net"#, r#"James "Jim" Smith, III"#),
            (r"CN=Before\0dAfter,DC=example,DC=net", "Before\rAfter"),
            (r"CN=Lu\C4\8Di\C4\87", "Lučić"),
            ("cn=R&D, ou=x", "R&D"),
            (r"cn=R\+D\2C Zürich,ou=x", "R+D, Zürich"),
            (r"cn=\#1\ ,ou=x", "#1 "),
            (r"cn=\\,ou=x", r"\"),
            ("cn=a=b,ou=x", "a=b"),
            ("cn=x,2.5.4.11=#0403666f6f", "x"),
        ] {
            assert_eq!(common_name(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_have_no_common_name() {
        for text in [
            "admins",
            "",
            "/acme/admins",
            "ou=admins,cn=groups",
            "uid=ada,ou=people",
            "cn=",
            "cn=,dc=x",
            "cn=admins,",
            "cn=admins,junk",
            "cn=admins,=x",
            "cn=admins,d c=x",
            "c n=admins",
            "cn=#0403666f6f,dc=x",
            "cn=#zz",
            r"cn=a\",
            r"cn=a\z",
            r"cn=a\C4",
            "cn=a;dc=x",
            "cn=\"a\",dc=x",
            "cn=a,dc=<x>",
            "1..2=x",
            "cn=admins\0,dc=x",
        ] {
            assert_eq!(common_name(text), None, "{text}");
        }
    }
}

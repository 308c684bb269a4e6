//! Bearer tokens in the `Authorization` header (RFC 6750 section 2.1).
//!
//! Scenarios: tests/scenarios/bearer.rs.

use super::request::RequestHead;

/// Whether the client sent a bearer token, valid or not. If so, its session is ignored, because it
/// is not known which of the two identities the client means.
pub(crate) fn has_bearer_token(head: &RequestHead) -> bool {
    head.all("authorization").any(scheme_is_bearer)
}

/// The token of the one `Authorization` line, without the spaces around it. `None` if the header is
/// absent or repeated.
pub(crate) fn bearer_token(head: &RequestHead) -> Option<&[u8]> {
    head.only("authorization").and_then(credentials)
}

/// Whether the scheme is `Bearer`. Schemes are case-insensitive (RFC 9110 section 11.1).
fn scheme_is_bearer(value: &[u8]) -> bool {
    value
        .split_at_checked(SCHEME.len())
        .is_some_and(|(scheme, rest)| scheme.eq_ignore_ascii_case(SCHEME) && rest.first().is_none_or(|&b| b == b' '))
}

/// The text after the scheme, without the spaces around it.
fn credentials(value: &[u8]) -> Option<&[u8]> {
    let (_, mut credentials) = value.split_at_checked(SCHEME.len())?;
    while let Some(shorter) = credentials.strip_prefix(b" ").or_else(|| credentials.strip_suffix(b" ")) {
        credentials = shorter;
    }
    Some(credentials)
}

const SCHEME: &[u8] = b"Bearer";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_the_whole_word_bearer_in_any_case() {
        for value in [&b"Bearer x"[..], b"bearer x", b"BEARER", b"Bearer  x "] {
            assert!(scheme_is_bearer(value), "{value:?}");
        }
        for value in [&b"Basic x"[..], b"Bear", b"Bearerx y", b"", b"\xff\xff\xff\xff\xff\xff x"] {
            assert!(!scheme_is_bearer(value), "{value:?}");
        }
    }

    #[test]
    fn credentials_are_the_text_after_the_scheme() {
        assert_eq!(credentials(b"Bearer  a.b.c "), Some(&b"a.b.c"[..]));
        for value in [&b"Bearer"[..], b"Bearer "] {
            assert_eq!(credentials(value), Some(&b""[..]), "{value:?}");
        }
    }
}

//! The preflight requests of browsers.

use url::form_urlencoded;

use crate::http::header_name::fold;
use crate::http::request::{RequestHead, Target};

/// Whether the request is a CORS preflight (Fetch Standard section 3.3.2), and nothing else for any
/// server. A browser sends it without credentials and without a body, and it names one method. No
/// server may find another method in it than `OPTIONS`, or change to another protocol after it.
pub(super) fn is_preflight(head: &RequestHead, target: Target<'_>) -> bool {
    let is_method = |text: &[u8]| !text.is_empty() && text.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
    head.only(":method") == Some(b"OPTIONS")
        && head.only("origin").is_some_and(|origin| !origin.is_empty())
        && head.only(METHOD).is_some_and(is_method)
        && !head.has_body()
        && !head.has("upgrade")
        && !names_method(head)
        && !target.query.is_some_and(query_names_method)
}

/// Whether a header is about a method, such as `X-HTTP-Method-Override`, besides those of a
/// preflight.
fn names_method(head: &RequestHead) -> bool {
    let is_about = |name: &str| name.as_bytes().windows(6).any(|part| part.eq_ignore_ascii_case(b"method"));
    head.pairs().any(|(name, _)| !matches!(name, ":method" | METHOD) && is_about(name))
}

/// Whether a parameter overrides the method for some frameworks. Some take `;` for a separator, and
/// PHP reads ` .method[]` as `_method`.
fn query_names_method(query: &str) -> bool {
    let overrides = |name: &str| {
        let folded = fold(name);
        folded.trim_end_matches('-') == "-method" || folded.starts_with("x-http-method")
    };
    query.split(';').any(|part| form_urlencoded::parse(part.as_bytes()).any(|(name, _)| overrides(&name)))
}

const METHOD: &str = "access-control-request-method";

#[cfg(test)]
mod tests {
    use super::*;

    fn preflight(more: &[(&str, &str)]) -> RequestHead {
        let lines = [(":method", "OPTIONS"), ("origin", "https://app.example"), (METHOD, "PUT")];
        RequestHead::new(lines.iter().chain(more).map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())))
    }

    #[test]
    fn a_preflight_names_one_method() {
        let target = Target { path: "/", query: None };
        for (origin, method, expected) in [
            ("https://app.example", "PUT", true),
            ("null", "VERSION-CONTROL", true),
            ("", "PUT", false),
            ("https://app.example", "", false),
            ("https://app.example", "PUT GET", false),
            ("https://app.example", "PUT,GET", false),
        ] {
            let lines = [(":method", "OPTIONS"), ("origin", origin), (METHOD, method)];
            let lines = lines.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
            assert_eq!(is_preflight(&RequestHead::new(lines), target), expected, "{origin} {method}");
        }
    }

    #[test]
    fn a_preflight_has_no_body_and_no_upgrade() {
        let target = Target { path: "/", query: None };
        for more in [&[][..], &[("content-length", "0")], &[("access-control-request-headers", "x-a")]] {
            assert!(is_preflight(&preflight(more), target), "{more:?}");
        }
        for more in [
            &[("content-length", "7")][..],
            &[("content-length", "0"), ("content-length", "7")],
            &[("content-length", "")],
            &[("transfer-encoding", "chunked")],
            &[("upgrade", "h2c")],
        ] {
            assert!(!is_preflight(&preflight(more), target), "{more:?}");
        }
        assert!(!is_preflight(&preflight(&[]).followed(), target));
    }
}

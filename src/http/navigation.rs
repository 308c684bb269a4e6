//! Whether a request is a page navigation of a browser, and whether the client prefers HTML.

use super::authorization::has_bearer_token;
use super::request::RequestHead;

/// Whether the request is a page navigation of a browser, which can follow a redirect to a sign-in
/// page.
///
/// Browsers mark navigations with Fetch Metadata (`Sec-Fetch-Mode: navigate`, `Sec-Fetch-Dest:
/// document`). If one of the two is absent (old browsers, plain http), an `Accept` with `text/html`
/// has to confirm the other one, and decides without both. A prefetch is not a navigation. A
/// script, a WebSocket, gRPC or a request with a bearer token cannot follow the redirect to a
/// sign-in page. Other credentials do not mark a program, because browsers repeat them (`Basic`,
/// `Digest`, `Negotiate`). `X-Requested-With` marks a script only with the value that scripts send:
/// Android's WebView sends the name of its app with every page.
pub(crate) fn is_navigation(head: &RequestHead) -> bool {
    if head.only(":method") != Some(b"GET") || head.has("upgrade") {
        return false;
    }
    let is_script = head.all("x-requested-with").any(|by| by.eq_ignore_ascii_case(b"XMLHttpRequest"));
    if is_speculative(head) || is_script || has_bearer_token(head) {
        return false;
    }
    let [mode, dest] = [("sec-fetch-mode", &b"navigate"[..]), ("sec-fetch-dest", b"document")]
        .map(|(name, value)| head.has(name).then(|| head.only(name) == Some(value)));
    match (mode, dest) {
        (Some(mode), Some(dest)) => mode && dest,
        (None, None) => accepts_html(head),
        (Some(one), None) | (None, Some(one)) => one && accepts_html(head),
    }
}

/// Whether the browser sends the Fetch Metadata that show a navigation.
pub(crate) fn has_fetch_metadata(head: &RequestHead) -> bool {
    head.has("sec-fetch-mode") && head.has("sec-fetch-dest")
}

/// Whether the request is a prefetch or a preview, which the user may never open.
pub(crate) fn is_speculative(head: &RequestHead) -> bool {
    let is_marked = |name: &&str| SPECULATIVE.iter().any(|word| head.mentions(name, word));
    ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(is_marked)
}

/// Whether the client accepts HTML and does not prefer JSON (RFC 9110 section 12.5.1). `text/html`
/// has to be named, because programs send `*/*`.
pub(crate) fn accepts_html(head: &RequestHead) -> bool {
    let html = quality(head, b"text/html");
    html > 0 && html >= quality(head, b"application/json")
}

/// The weight of a media type in `Accept`, in thousandths: the greatest, if it is named more than
/// once, and 0 if it is not named.
fn quality(head: &RequestHead, media_type: &[u8]) -> u16 {
    let ranges = head.all("accept").flat_map(|line| line.split(|&b| b == b','));
    let named = ranges.filter_map(|range| {
        let mut parts = range.split(|&b| b == b';').map(<[u8]>::trim_ascii);
        parts.next().filter(|name| name.eq_ignore_ascii_case(media_type))?;
        let weight = parts.find_map(|part| part.strip_prefix(b"q=").or_else(|| part.strip_prefix(b"Q=")));
        Some(weight.map_or(1000, thousandths))
    });
    named.max().unwrap_or(0)
}

/// Parses a weight (RFC 9110 section 12.4.2), so that `0.5` is 500. An invalid weight is 0.
fn thousandths(weight: &[u8]) -> u16 {
    let text = std::str::from_utf8(weight).unwrap_or_default();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    match (whole, fraction.len()) {
        ("1", _) => 1000,
        ("0", 0..=3) if fraction.bytes().all(|b| b.is_ascii_digit()) => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

/// The words that mark a prefetch or a preview.
const SPECULATIVE: [&str; 2] = ["prefetch", "preview"];

#[cfg(test)]
mod tests {
    use super::*;

    fn navigates(pairs: &[(&str, &str)]) -> bool {
        let method = (":method".to_owned(), b"GET".to_vec());
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        is_navigation(&RequestHead::new(std::iter::once(method).chain(pairs)))
    }

    #[test]
    fn a_page_that_is_opened_is_a_navigation() {
        assert!(navigates(&[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]));
        assert!(navigates(&[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]));
        assert!(navigates(&[("accept", "text/html"), ("sec-fetch-mode", "navigate")]));
        assert!(navigates(&[("accept", "text/html"), ("x-requested-with", "com.example.app")]));
        assert!(navigates(&[("accept", "text/html"), ("authorization", "Basic x")]));
    }

    #[test]
    fn html_is_accepted_by_its_weight_in_accept() {
        for (accept, html) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("application/json, text/html", true),
            ("application/json, text/html;q=0.9", false),
            ("text/html;q=0.5, application/json;q=0.4", true),
            ("TEXT/HTML ; charset=utf-8 ; Q=0.1", true),
            ("text/html;q=0", false),
            ("text/html;q=x", false),
            ("text/html;q=NaN", false),
            ("*/*", false),
            ("application/json", false),
            ("text/htmlx", false),
            ("", false),
        ] {
            let head = RequestHead::new([("accept".to_owned(), accept.as_bytes().to_vec())]);
            assert_eq!(accepts_html(&head), html, "{accept}");
        }
    }

    #[test]
    fn requests_of_scripts_and_prefetches_are_no_navigations() {
        let browser = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("accept", "text/html")];
        for extra in [
            (":method", "POST"),
            ("sec-purpose", "prefetch;prerender"),
            ("purpose", "prefetch"),
            ("x-purpose", "preview"),
            ("x-moz", "prefetch"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "image"),
            ("upgrade", "websocket"),
            ("x-requested-with", "XMLHttpRequest"),
            ("authorization", "Bearer x"),
        ] {
            assert!(!navigates(&[&browser[..], &[extra]].concat()), "{extra:?}");
        }
        for partial in [("sec-fetch-mode", "cors"), ("sec-fetch-dest", "iframe"), ("sec-fetch-mode", "")] {
            assert!(!navigates(&[("accept", "text/html"), partial]), "{partial:?}");
        }
        assert!(!navigates(&[("accept", "text/html"), browser[0], browser[0]]));
        for single in [
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-dest", "iframe"),
            ("accept", "*/*"),
            ("accept", "application/json"),
            ("content-type", "application/grpc"),
        ] {
            assert!(!navigates(&[single]), "{single:?}");
        }
        assert!(!navigates(&[]));
    }
}

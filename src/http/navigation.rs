//! Telling a person who opens a page from everything else that sends requests.

use super::request::RequestHead;

/// Whether a browser is about to show the answer as a page, so that a redirect to a sign-in page makes sense.
///
/// Browsers say so in Fetch Metadata (`Sec-Fetch-Mode: navigate`, `Sec-Fetch-Dest: document`); a prefetch is no visit. Where
/// there is none of it (old browsers, plain http) an `Accept` with `text/html` decides. A script, a WebSocket, gRPC and whatever
/// brings credentials of its own could do nothing with a redirect.
pub(crate) fn is_navigation(head: &RequestHead) -> bool {
    if head.only(":method") != Some(b"GET") || NEVER.iter().any(|name| head.has(name)) {
        return false;
    }
    if is_speculative(head) {
        return false;
    }
    if head.has("sec-fetch-mode") || head.has("sec-fetch-dest") {
        return head.only("sec-fetch-mode") == Some(b"navigate") && head.only("sec-fetch-dest") == Some(b"document");
    }
    accepts_html(head)
}

/// Whether a browser asks ahead of a person, who may never come.
pub(crate) fn is_speculative(head: &RequestHead) -> bool {
    let says = |name: &&str| SPECULATIVE.iter().any(|word| head.mentions(name, word));
    ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(says)
}

/// Whether the client would rather show HTML than read JSON (RFC 9110 section 12.5.1). It has to name HTML: `*/*` is what programs say.
pub(crate) fn accepts_html(head: &RequestHead) -> bool {
    let html = quality(head, b"text/html");
    html > 0 && html >= quality(head, b"application/json")
}

/// The weight of a media type that is named, in thousandths; the greatest, if it is named more than once.
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

/// `0.5` is 500. What is no weight is none at all (RFC 9110 section 12.4.2).
fn thousandths(weight: &[u8]) -> u16 {
    let text = std::str::from_utf8(weight).unwrap_or_default();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    match (whole, fraction.len()) {
        ("1", _) => 1000,
        ("0", 0..=3) if fraction.bytes().all(|b| b.is_ascii_digit()) => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

const SPECULATIVE: [&str; 2] = ["prefetch", "preview"];
const NEVER: [&str; 3] = ["authorization", "upgrade", "x-requested-with"];

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
    }

    #[test]
    fn the_weights_of_accept_decide() {
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
    fn what_cannot_follow_a_redirect_to_a_person_is_none() {
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
        for single in [
            ("sec-fetch-mode", "cors"),
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

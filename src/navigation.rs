//! Telling a person who opens a page from everything else that sends requests.

use crate::request::RequestHead;

/// Whether a browser is about to show the answer as a page, so that a redirect to a sign-in page makes sense.
///
/// Browsers say so in Fetch Metadata (`Sec-Fetch-Mode: navigate`, `Sec-Fetch-Dest: document`); a prefetch is no visit. Where
/// there is none of it (old browsers, plain http) an `Accept` with `text/html` decides. A script, a WebSocket, gRPC and whatever
/// brings credentials of its own could do nothing with a redirect.
pub(crate) fn is_navigation(head: &RequestHead) -> bool {
    if head.only(":method") != Some(b"GET") || NEVER.iter().any(|name| head.has(name)) {
        return false;
    }
    if ["sec-purpose", "purpose", "x-purpose", "x-moz"]
        .iter()
        .any(|name| SPECULATIVE.iter().any(|word| head.mentions(name, word)))
    {
        return false;
    }
    if head.has("sec-fetch-mode") || head.has("sec-fetch-dest") {
        return head.only("sec-fetch-mode") == Some(b"navigate") && head.only("sec-fetch-dest") == Some(b"document");
    }
    accepts_html(head)
}

/// Whether the client would show HTML.
pub(crate) fn accepts_html(head: &RequestHead) -> bool {
    head.mentions("accept", "text/html")
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

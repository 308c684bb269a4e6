//! The page that made the browser send a request, as the browser names it: Fetch Metadata
//! (`Sec-Fetch-Site`), or else `Origin`. No page can change these headers.
//!
//! Scenarios: `tests/scenarios/{csrf,logout}.rs`.

use super::request::RequestHead;

/// Whether a page of the origin `own`, or the user alone, made the request. `Sec-Fetch-Site`
/// decides. Without it `Origin` does, which browsers send with every unsafe method and every
/// WebSocket. A request with neither is not one of a page.
pub(crate) fn is_same_origin(head: &RequestHead, own: &str) -> bool {
    if head.has("sec-fetch-site") {
        return matches!(head.only("sec-fetch-site"), Some(b"same-origin" | b"none"));
    }
    !head.has("origin") || head.only("origin") == Some(own.as_bytes())
}

/// Whether the request can have an effect that the page behind it need not see the answer of: its
/// method is not safe (RFC 9110 section 9.2.1), or it opens a connection that the same-origin
/// policy does not cover (`Upgrade`, or `:protocol` of RFC 8441).
pub(crate) fn is_unsafe(head: &RequestHead) -> bool {
    let is_safe = matches!(head.only(":method"), Some(b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE"));
    !is_safe || head.has("upgrade") || head.has(":protocol")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(pairs: &[(&str, &str)]) -> RequestHead {
        RequestHead::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())))
    }

    #[test]
    fn methods_and_upgrades_are_unsafe() {
        for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
            assert!(!is_unsafe(&head(&[(":method", method)])), "{method}");
            assert!(is_unsafe(&head(&[(":method", method), (":method", method)])), "{method}");
        }
        for method in ["POST", "CONNECT", "get", ""] {
            assert!(is_unsafe(&head(&[(":method", method)])), "{method}");
        }
        assert!(is_unsafe(&head(&[])));
        assert!(is_unsafe(&head(&[(":method", "GET"), ("upgrade", "websocket")])));
        assert!(is_unsafe(&head(&[(":method", "GET"), (":protocol", "websocket")])));
    }
}

//! Paths of rules that are none.

use percent_encoding::percent_decode_str;
use tenantgate::tenant::access::PathPattern;

/// The path that `text` probably means.
pub(super) fn meant(text: &str) -> Option<String> {
    let text = text.trim();
    let path =
        text.split_once("://").map_or(text, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"));
    let path = path.trim_start_matches(['^', '~', '=', ' ']);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let mut path = path.trim_end_matches('$').replace("/**", "/*").replace("/.*", "/*");
    while path.contains("//") || path.contains("*/*/*") {
        path = path.replace("//", "/").replace("*/*/*", "*");
    }
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    let is_right = |path: &str| PathPattern::parse(path).is_ok();
    if is_right(&path) {
        return Some(path);
    }
    // A suffix behind a `*` cannot be named: `/static/*.js`.
    let start = path.split('*').next().unwrap_or_default();
    let start = format!("{start}*");
    is_right(&start).then_some(start)
}

//! What the client may not say to the upstream: every spelling of an identity header of any tenant, since they may share an upstream, and of
//! the header of the assertion.

use super::header_edit::HeaderEdit;
use crate::http::header_name::{FoldedNames, fold};
use crate::http::request::RequestHead;
use crate::tenant::{ForwardedAuthorization, without_ours};

/// What has to go out of the trailers of a forwarded request: an upstream that merges them into the head (RFC 9110 section 6.5.1) would
/// take them for its own.
pub(crate) fn strip_trailers(trailers: &RequestHead, protected: &FoldedNames) -> Vec<String> {
    let is_unwanted = |name: &str| is_about_credentials(&fold(name)) || protected.contains(name);
    trailers.pairs().map(|(name, _)| name).filter(|name| is_unwanted(name)).map(str::to_owned).collect()
}

fn is_about_credentials(name: &str) -> bool {
    matches!(name, "authorization" | "cookie" | "connection")
}

/// Takes out every line under a protected name, credentials that are not for the upstream, our cookies, and requests to the next hop to
/// drop a protected header (RFC 9110 section 7.6.1). `verified`: the gate verified what is in `Authorization`.
pub(super) fn strip(
    head: &RequestHead,
    authorization: ForwardedAuthorization,
    verified: bool,
    protected: &FoldedNames,
) -> Vec<HeaderEdit> {
    let protects = |name: &str| protected.contains(name);
    let mut done: Vec<&str> = Vec::new();
    let mut edits = Vec::with_capacity(USUAL);
    for (name, _) in head.pairs() {
        // What a pseudo-header says is not the client's word about who it is.
        let ours = is_about_credentials(name) || (!name.starts_with(':') && protects(name));
        if !ours || done.contains(&name) {
            continue;
        }
        done.push(name);
        match name {
            "authorization" if authorization.stays(verified, protects(name)) => {}
            "cookie" => edits.extend(rewrite(name, head, without_ours)),
            "connection" => edits.extend(rewrite(name, head, |line| without_options(line, protects))),
            name => edits.push(HeaderEdit::Remove(name.to_owned())),
        }
    }
    edits
}

/// As many edits as there usually are, with those that set the identity.
const USUAL: usize = 8;

/// Filters every line under `name`. All lines become one, joined as that header allows; no edit if nothing is to change.
fn rewrite(name: &str, head: &RequestHead, keep: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<HeaderEdit> {
    let separator: &[u8] = if name == "cookie" { b"; " } else { b", " };
    let lines: Vec<&[u8]> = head.all(name).collect();
    let kept: Vec<Vec<u8>> = lines.iter().filter_map(|line| keep(line)).collect();
    if kept == lines {
        return Vec::new();
    }
    let mut edits = vec![HeaderEdit::Remove(name.to_owned())];
    if !kept.is_empty() {
        edits.push(HeaderEdit::Set(name.to_owned(), kept.join(separator)));
    }
    edits
}

/// The connection options of `line` that name no protected header, or `None` if nothing is left.
fn without_options(line: &[u8], protects: impl Fn(&str) -> bool) -> Option<Vec<u8>> {
    let kept: Vec<&[u8]> = line
        .split(|&b| b == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|option| !option.is_empty() && !std::str::from_utf8(option).is_ok_and(&protects))
        .collect();
    (!kept.is_empty()).then(|| kept.join(&b", "[..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::DEFAULT_NAMES;

    #[test]
    fn trailers_say_nothing_under_protected_names() {
        let names = ["grpc-status", "x_auth_request_user", "x-tenantgate-assertion", "Authorization", "cookie", "x-a"];
        let trailers = RequestHead::new(names.map(|name| (name.to_owned(), b"x".to_vec())));
        let gone = strip_trailers(&trailers, &FoldedNames::new(DEFAULT_NAMES));
        assert_eq!(gone, ["x_auth_request_user", "x-tenantgate-assertion", "authorization", "cookie"]);
    }
}

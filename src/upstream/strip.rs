//! Removes what the client must not send to the upstream: every spelling of the protected names,
//! and credentials that are not for the upstream.

use super::protected_names::ProtectedNames;
use crate::http::header_edit::HeaderEdit;
use crate::http::header_name::{FoldedNames, fold};
use crate::http::request::RequestHead;
use crate::tenant::{IdentityHeaders, without_tenantgate_cookies};

/// The names to remove from the trailers of a request. An upstream that merges trailers into the
/// header section (RFC 9110 section 6.5.1) would trust them. What a tenant passes, it passes in the
/// header section only.
pub(crate) fn strip_trailers(trailers: &RequestHead, protected: &ProtectedNames) -> Vec<String> {
    let passed = FoldedNames::default();
    let is_unwanted = |name: &str| is_about_credentials(&fold(name)) || protected.contain(name, &passed);
    trailers.pairs().map(|(name, _)| name).filter(|name| is_unwanted(name)).map(str::to_owned).collect()
}

fn is_about_credentials(name: &str) -> bool {
    matches!(name, "authorization" | "cookie" | "connection")
}

/// Removes every line with a protected name, credentials that are not for the upstream,
/// Tenantgate's cookies, and connection options that would make the next hop remove a protected
/// header (RFC 9110 section 7.6.1). `verified`: Tenantgate verified the token in `Authorization`.
pub(super) fn strip(
    head: &RequestHead,
    headers: &IdentityHeaders,
    verified: bool,
    protected: &ProtectedNames,
) -> Vec<HeaderEdit> {
    let protects = |name: &str| protected.contain(name, &headers.passed);
    let mut done: Vec<&str> = Vec::new();
    let mut edits = Vec::with_capacity(USUAL);
    for (name, _) in head.pairs() {
        // A pseudo-header is not an identity header, even if its name is protected.
        let affected = is_about_credentials(name) || (!name.starts_with(':') && protects(name));
        if !affected || done.contains(&name) {
            continue;
        }
        done.push(name);
        match name {
            "authorization" if headers.authorization.stays(verified, protected.are_written(name)) => {}
            "cookie" => edits.extend(rewrite(name, head, without_tenantgate_cookies)),
            "connection" => edits.extend(rewrite(name, head, |line| without_options(line, protects))),
            name => edits.push(HeaderEdit::Remove(name.to_owned())),
        }
    }
    edits
}

/// The usual number of edits, including those that set the identity.
const USUAL: usize = 8;

/// Filters every line with this name through `keep`. The remaining lines are joined into one, with
/// the separator of that header. No edit if nothing changes.
fn rewrite(name: &str, head: &RequestHead, keep: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<HeaderEdit> {
    let separator: &[u8] = if name == "cookie" { b"; " } else { b", " };
    let lines: Vec<&[u8]> = head.all(name).collect();
    let kept: Vec<Vec<u8>> = lines.iter().filter_map(|line| keep(line)).collect();
    if kept == lines {
        return Vec::new();
    }
    let joined = || HeaderEdit::Set(name.to_owned(), kept.join(separator));
    let remove = || HeaderEdit::Remove(name.to_owned());
    match (kept.is_empty(), lines.len()) {
        (true, _) => vec![remove()],
        // One edit is enough for one line, which is what clients send.
        (false, 1) => vec![joined()],
        (false, _) => vec![remove(), joined()],
    }
}

/// The connection options of `line` that name no protected header, or `None` if none is left.
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
    use std::iter;

    use super::*;
    use crate::testing::{runtime, tenants};

    /// Each edit is a call to the host.
    #[test]
    fn absent_names_cost_no_edit() {
        let names = ["accept", "user-agent", "x-request-id", "x-forwarded-for", "x-forwarded-proto", "cookie", "host"];
        let head = RequestHead::new(names.map(|name| (name.to_owned(), b"x".to_vec())));
        let runtime = runtime(&["k"]);
        let [tenant, _] = tenants(&runtime);
        assert_eq!(strip(&head, &tenant.headers, false, &ProtectedNames::new(&mut iter::empty(), None)), []);
    }

    /// A tenant may have a header whose name is that of a pseudo-header for some server.
    #[test]
    fn pseudo_headers_stay() {
        let runtime = runtime(&["k"]);
        let [tenant, _] = tenants(&runtime);
        let head = RequestHead::new([":path", "_path"].map(|name| (name.to_owned(), b"/".to_vec())));
        let protected = ProtectedNames::new(&mut iter::once("-path"), None);
        assert_eq!(strip(&head, &tenant.headers, false, &protected), [HeaderEdit::Remove("_path".to_owned())]);
    }

    #[test]
    fn a_connection_option_of_a_protected_header_is_removed() {
        let protected = ProtectedNames::new(&mut iter::empty(), None);
        let options =
            |line: &str| without_options(line.as_bytes(), |name| protected.contain(name, &FoldedNames::default()));
        for (line, kept) in [
            ("close, X_Auth_Request_User,, x-other ", Some("close, x-other")),
            ("x-auth-request-user", None),
            (",x.auth.request.user ,\t", None),
            ("close", Some("close")),
        ] {
            assert_eq!(options(line).as_deref(), kept.map(str::as_bytes), "{line}");
        }
    }

    #[test]
    fn protected_names_are_removed_from_trailers() {
        let names = [
            "grpc-status",
            "x_auth_request_user",
            "x-tenantgate-assertion",
            "Authorization",
            "cookie",
            "x-a",
            "SSL_Client_Cert",
        ];
        let trailers = RequestHead::new(names.map(|name| (name.to_owned(), b"x".to_vec())));
        let gone = strip_trailers(&trailers, &ProtectedNames::new(&mut iter::empty(), None));
        assert_eq!(
            gone,
            ["x_auth_request_user", "x-tenantgate-assertion", "authorization", "cookie", "ssl_client_cert"]
        );
    }
}

//! What the client may not say to the upstream.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::{HeaderEdit, fold};
use crate::cookie;
use crate::request::RequestHead;
use crate::tenant::Tenant;
use crate::visit::Visit;

/// The header names under which the client may say nothing to the upstream.
pub struct Protected {
    tenant: Arc<Tenant>,
    /// The header of the assertion, after [`fold`].
    assertion: Option<String>,
}

impl Protected {
    /// The names of the tenant, and that of the assertion.
    pub(super) fn of(visit: &Visit<'_>) -> Self {
        let assertion = visit.gate.assertion().map(|assertion| fold(assertion.header()));
        Self { tenant: visit.tenant.clone(), assertion }
    }

    fn covers(&self, name: &str) -> bool {
        let name = fold(name);
        self.tenant.headers.protects(&name) || self.assertion.as_ref() == Some(&name)
    }

    /// Those names of trailers that have to go: a server may merge them into the head (RFC 9110 section 6.5.2), where credentials
    /// and identities are read.
    pub fn among_trailers<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let goes = |name: &&str| self.covers(name) || ["authorization", "cookie"].contains(&fold(name).as_str());
        names.into_iter().filter(goes).collect()
    }
}

/// Nothing: the tenant is more than a log wants.
impl fmt::Debug for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protected").finish_non_exhaustive()
    }
}

/// Takes out every line under a protected name, credentials that are not for the upstream, our cookies, and requests to the next hop to
/// drop a protected header (RFC 9110 section 7.6.1). With `authorization`, that header stays.
pub(super) fn strip(head: &RequestHead, authorization: bool, protected: &Protected) -> Vec<HeaderEdit> {
    let protects = |name: &str| protected.covers(name);
    let names: BTreeSet<&str> = head.pairs().map(|(name, _)| name).collect();
    let mut edits = Vec::new();
    for name in names {
        match name {
            // What a pseudo-header says is not the client's word about who it is.
            name if name.starts_with(':') => {}
            "authorization" if authorization => {}
            "authorization" => edits.push(HeaderEdit::Remove(name.to_owned())),
            "cookie" => edits.extend(rewrite(name, head, cookie::without_ours)),
            "connection" => edits.extend(rewrite(name, head, |line| without_options(line, protects))),
            name if protects(name) => edits.push(HeaderEdit::Remove(name.to_owned())),
            _ => {}
        }
    }
    edits
}

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

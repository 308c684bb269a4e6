//! What the client may not say to the upstream.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::folded::FoldedNames;
use super::{HeaderEdit, fold};
use crate::cookie;
use crate::gate::Gate;
use crate::request::RequestHead;

/// The header names under which the client may say nothing to the upstream: those of every tenant, since they may share an upstream,
/// and that of the assertion.
pub struct Protected(Arc<FoldedNames>);

impl Protected {
    pub(super) fn by(gate: &Gate) -> Self {
        Self(gate.identity_headers().clone())
    }

    fn covers(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Those names of trailers that have to go: a server may merge them into the head (RFC 9110 section 6.5.2), where credentials
    /// and identities are read.
    pub fn among_trailers<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let goes = |name: &&str| self.covers(name) || ["authorization", "cookie"].contains(&fold(name).as_str());
        names.into_iter().filter(goes).collect()
    }
}

/// Nothing: the names are more than a log wants.
impl fmt::Debug for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protected").finish_non_exhaustive()
    }
}

/// Takes out every line under a protected name, credentials that are not for the upstream, our cookies, and requests to the next hop to
/// drop a protected header (RFC 9110 section 7.6.1). With `authorization`, that header stays.
pub(super) fn strip(head: &RequestHead, authorization: bool, protected: &Protected) -> Vec<HeaderEdit> {
    let protects = |name: &str| protected.covers(name);
    let mut done: Vec<&str> = Vec::new();
    let mut edits = Vec::new();
    for (name, _) in head.pairs() {
        // What a pseudo-header says is not the client's word about who it is.
        let ours =
            matches!(name, "authorization" | "cookie" | "connection") || (!name.starts_with(':') && protects(name));
        if !ours || done.contains(&name) {
            continue;
        }
        done.push(name);
        match name {
            "authorization" if authorization => {}
            "cookie" => edits.extend(rewrite(name, head, cookie::without_ours)),
            "connection" => edits.extend(rewrite(name, head, |line| without_options(line, protects))),
            name => edits.push(HeaderEdit::Remove(name.to_owned())),
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

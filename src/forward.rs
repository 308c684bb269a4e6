//! The one way to the upstream: what a forwarded request carries, and the proof that it may go.

use std::collections::HashMap;
use std::fmt;

use crate::access::{Permitted, Public};
use crate::cookie;
use crate::encode::header_value;
use crate::gate::Gate;
use crate::reply::Note;
use crate::request::RequestHead;

/// The header names under which the upstream receives the identity, in lower case, all different after [`fold`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeaders {
    /// The user name; default `x-auth-request-user`.
    pub user: String,
    /// The e-mail address; default `x-auth-request-email`.
    pub email: String,
    /// The groups, separated by commas; default `x-auth-request-groups`.
    pub groups: String,
    /// The tenant; default `x-auth-request-tenant`.
    pub tenant: String,
}

/// oauth2-proxy's names.
impl Default for IdentityHeaders {
    fn default() -> Self {
        let [user, email, groups, tenant] =
            ["user", "email", "groups", "tenant"].map(|what| format!("x-auth-request-{what}"));
        Self { user, email, groups, tenant }
    }
}

impl IdentityHeaders {
    /// All names.
    pub fn names(&self) -> [&str; 4] {
        [&self.user, &self.email, &self.groups, &self.tenant]
    }
}

/// Permission to send this request on, with what is to be changed in its head first.
///
/// It cannot be made without the proof that the rules of the tenant let this very request go, as somebody ([`Permitted`]) or as anybody
/// ([`Public`]), and it strips before it sets.
#[derive(Debug)]
#[must_use = "the request stands still until the edits are applied and it is resumed"]
pub struct Forward {
    edits: Vec<HeaderEdit>,
    note: Option<Note>,
}

/// One change to the head. They are applied in order, all of them, or the request does not go.
#[derive(Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Every line under this name goes.
    Remove(String),
    /// One line with this value, whatever was there.
    Set(String, Vec<u8>),
}

/// Names only: the values are cookies and personal data.
impl fmt::Debug for HeaderEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remove(name) => f.debug_tuple("Remove").field(name).finish(),
            Self::Set(name, _) => f.debug_tuple("Set").field(name).finish_non_exhaustive(),
        }
    }
}

impl Forward {
    /// Lets the request go as the identity that may make it.
    pub fn authenticated(permitted: &Permitted<'_>, gate: &Gate) -> Self {
        let (head, tenant, identity) = (permitted.head(), permitted.tenant(), permitted.identity());
        let mut edits = strip(head, gate);
        let names = &tenant.headers;
        let mut set = |name: &str, value: String| edits.push(HeaderEdit::Set(name.to_owned(), value.into_bytes()));
        set(&names.tenant, tenant.name.as_str().to_owned());
        set(&names.user, header_value(identity.user(), None));
        if let Some(email) = identity.email() {
            set(&names.email, header_value(email, None));
        }
        if !identity.groups().is_empty() {
            let groups: Vec<String> = identity.groups().iter().map(|group| header_value(group, Some(b','))).collect();
            set(&names.groups, groups.join(","));
        }
        Self { edits, note: None }
    }

    /// Lets a request go that anybody may make, as nobody.
    pub fn anonymous(public: &Public<'_>, gate: &Gate) -> Self {
        Self { edits: strip(public.head(), gate), note: None }
    }

    /// The same with something for the log.
    pub(crate) fn with_note(self, note: Note) -> Self {
        Self { note: Some(note), ..self }
    }

    /// What is to be changed, in order.
    pub fn edits(&self) -> &[HeaderEdit] {
        &self.edits
    }

    /// What is to be logged and counted, if anything is.
    pub fn note(&self) -> Option<&Note> {
        self.note.as_ref()
    }
}

/// What a header name becomes on its way into a CGI or WSGI variable, where `X-A`, `x_a` and `x.a` are one name: lower case,
/// and `-` for everything that is no letter or digit.
pub fn fold(name: &str) -> String {
    folded(name).collect()
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
}

/// Names as they are after [`fold`]. Whether one is among them is asked for every header of every request, so it is found out
/// without making a text of it.
#[derive(Debug, Default)]
pub(crate) struct FoldedNames(HashMap<usize, Vec<String>>);

impl FoldedNames {
    /// The folded names of `names`, each once.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut by_length: HashMap<usize, Vec<String>> = HashMap::new();
        for name in names.into_iter().map(fold) {
            let alike = by_length.entry(name.len()).or_default();
            if !alike.contains(&name) {
                alike.push(name);
            }
        }
        Self(by_length)
    }

    /// Whether `name` is one of them after folding.
    pub(crate) fn contains(&self, name: &str) -> bool {
        let alike = self.0.get(&name.chars().count());
        alike.is_some_and(|alike| alike.iter().any(|own| own.chars().eq(folded(name))))
    }
}

/// Takes out what the client may not say: every spelling of an identity header of any tenant, since they may share an upstream,
/// credentials that are not for the upstream, our cookies, and requests to the next hop to drop an identity header (RFC 9110
/// section 7.6.1).
fn strip(head: &RequestHead, gate: &Gate) -> Vec<HeaderEdit> {
    let is_protected = |name: &str| gate.is_identity_header(name);

    let mut done: Vec<&str> = Vec::new();
    let mut edits = Vec::new();
    for (name, _) in head.pairs() {
        let ours = matches!(name, "authorization" | "cookie" | "connection") || is_protected(name);
        if !ours || done.contains(&name) {
            continue;
        }
        done.push(name);
        match name {
            "authorization" => edits.push(HeaderEdit::Remove(name.to_owned())),
            "cookie" => edits.extend(rewrite(name, head, cookie::without_ours)),
            "connection" => edits.extend(rewrite(name, head, |line| without_options(line, is_protected))),
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
fn without_options(line: &[u8], is_protected: impl Fn(&str) -> bool) -> Option<Vec<u8>> {
    let kept: Vec<&[u8]> = line
        .split(|&b| b == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|option| !option.is_empty() && !std::str::from_utf8(option).is_ok_and(&is_protected))
        .collect();
    (!kept.is_empty()).then(|| kept.join(&b", "[..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_makes_one_name_of_what_a_server_might() {
        for name in ["x-auth-request-user", "X_Auth_Request_User", "x.auth.request.user", "X-AUTH REQUEST/USER"] {
            assert_eq!(fold(name), "x-auth-request-user", "{name}");
        }
    }
}

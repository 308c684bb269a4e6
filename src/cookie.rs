//! Cookies: reading what a client sent, and the one place that writes `Set-Cookie`.

use std::time::Duration;

use crate::request::RequestHead;
use crate::tenant::Tenant;

/// Every cookie that the client sent, over all `cookie` lines (HTTP/2 sends one line for each crumb, RFC 9113
/// section 8.2.3), in order. Bytes are as they came.
pub(crate) fn sent(head: &RequestHead) -> impl Iterator<Item = (&[u8], &[u8])> {
    head.all("cookie").flat_map(crumbs).filter_map(|crumb| {
        let equals = crumb.iter().position(|&b| b == b'=')?;
        let (name, value) = crumb.split_at_checked(equals)?;
        Some((name.trim_ascii(), value.get(1..)?.trim_ascii()))
    })
}

/// The cookies of `line` that are not ours, or `None` if nothing is left. Ours are for the gate alone: the upstream
/// gets none of them, whatever their tenant.
pub(crate) fn without_ours(line: &[u8]) -> Option<Vec<u8>> {
    let kept: Vec<&[u8]> = crumbs(line).filter(|crumb| !is_ours(crumb)).collect();
    (!kept.is_empty()).then(|| kept.join(&b"; "[..]))
}

/// The names and attributes of our cookies at one tenant.
#[derive(Clone, Copy)]
pub(crate) struct Cookies<'t> {
    tenant: &'t Tenant,
}

impl<'t> Cookies<'t> {
    /// The cookies of `tenant`.
    pub(crate) fn of(tenant: &'t Tenant) -> Self {
        Self { tenant }
    }

    /// The name of the cookie that holds a session, or the first piece of it; of the further pieces from 1 on.
    pub(crate) fn session(self, piece: u8) -> String {
        if piece == 0 { self.name("session") } else { self.name(&format!("session-{piece}")) }
    }

    /// The name of the cookie that has the issuer ask at the next login who it is. Its value says nothing: whoever plants it causes a
    /// question and no more.
    pub(crate) fn ask(self) -> String {
        self.name("ask")
    }

    /// The name of the cookie of one login.
    pub(crate) fn login(self, id: &str) -> String {
        format!("{}{id}", self.login_prefix())
    }

    /// What the names of all login cookies begin with.
    pub(crate) fn login_prefix(self) -> String {
        self.name("login-")
    }

    /// The names of all cookies of this tenant that were sent, each once. A name that is not of our making is not repeated in a header of
    /// ours.
    pub(crate) fn sent(self, head: &RequestHead) -> Vec<String> {
        let prefix = self.name("");
        let is_harmless = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let names = sent(head).filter_map(|(name, _)| {
            let rest = name.strip_prefix(prefix.as_bytes())?;
            let is_ours = rest.len() <= MAX_REST && rest.iter().copied().all(is_harmless);
            std::str::from_utf8(name).ok().filter(|_| is_ours)
        });
        names.take(MAX_DELETED).fold(Vec::new(), |mut found, name| {
            if !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
            found
        })
    }

    /// The name of the cookie that counts logins in a row.
    pub(crate) fn circle(self) -> String {
        self.name("circle")
    }

    /// A `Set-Cookie` value that keeps `value` for `lifetime`. `None` if browsers would drop it for its length
    /// (RFC 6265bis section 5.6: name and value together at most 4,096 bytes).
    pub(crate) fn set(self, name: &str, value: &str, lifetime: Duration) -> Option<String> {
        if name.len().saturating_add(value.len()) > MAX_NAME_AND_VALUE {
            return None;
        }
        Some(format!("{name}={value}; Max-Age={}; {}", lifetime.as_secs(), self.attributes()))
    }

    /// A `Set-Cookie` value that deletes the cookie: the same attributes, or a browser would keep a `__Host-` cookie.
    pub(crate) fn delete(self, name: &str) -> String {
        format!("{name}=; Max-Age=0; {}", self.attributes())
    }

    /// `__Host-` ties a cookie to one host over TLS; with a domain of its own a tenant can only have `__Secure-`
    /// (RFC 6265bis section 4.1.3).
    fn name(self, rest: &str) -> String {
        let prefix = if self.tenant.login.cookie_domain.is_some() { SECURE } else { HOST };
        format!("{prefix}{rest}")
    }

    /// `Lax`, since the cookie has to come along when the issuer sends the browser back.
    fn attributes(self) -> String {
        let domain = self.tenant.login.cookie_domain.as_ref().map(|domain| format!("Domain={domain}; "));
        format!("{}Path=/; Secure; HttpOnly; SameSite=Lax", domain.unwrap_or_default())
    }
}

fn crumbs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&b| b == b';').map(<[u8]>::trim_ascii).filter(|crumb| !crumb.is_empty())
}

/// Browsers compare the prefixes without case (RFC 6265bis section 5.4), so an upstream might, too.
fn is_ours(crumb: &[u8]) -> bool {
    [HOST, SECURE].iter().any(|prefix| {
        crumb.split_at_checked(prefix.len()).is_some_and(|(start, _)| start.eq_ignore_ascii_case(prefix.as_bytes()))
    })
}

const HOST: &str = "__Host-tenantgate-";
const SECURE: &str = "__Secure-tenantgate-";
/// What a browser keeps of one cookie.
pub(crate) const MAX_NAME_AND_VALUE: usize = 4096;
/// After the prefix, no name of ours is longer.
const MAX_REST: usize = 64;
/// A browser has a session in five cookies, a count and at most twelve logins under way.
const MAX_DELETED: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[&[u8]]) -> RequestHead {
        RequestHead::new(lines.iter().map(|line| ("cookie".to_owned(), line.to_vec())))
    }

    #[test]
    fn reads_all_lines_and_keeps_duplicates() {
        let head = head(&[b"a=1; b=2", b";;c = x=y ;", b"a=3", b"flag", b"\xff=\xfe"]);
        let read: Vec<_> = sent(&head).collect();
        let expected: [(&[u8], &[u8]); 5] =
            [(b"a", b"1"), (b"b", b"2"), (b"c", b"x=y"), (b"a", b"3"), (b"\xff", b"\xfe")];
        assert_eq!(read, expected);
    }

    #[test]
    fn ours_are_taken_out_and_others_stay_as_they_are() {
        let line = b"a=1; __Host-tenantgate-session=x; b=\xff; __secure-TENANTGATE-login-y=z; __Host-other=1;";
        assert_eq!(without_ours(line).unwrap(), b"a=1; b=\xff; __Host-other=1");
        assert_eq!(without_ours(b"__Host-tenantgate-session=x"), None);
        assert_eq!(without_ours(b" ; "), None);
    }
}

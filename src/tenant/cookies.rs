//! The cookies of Tenantgate at one tenant: their names and attributes. `Set-Cookie` is written here only.

use std::time::Duration;

use super::login::Login;
use crate::http::cookie;
use crate::http::host::Host;
use crate::http::request::RequestHead;

/// The names and attributes of our cookies at one tenant.
#[derive(Clone, Copy)]
pub(crate) struct TenantCookies<'t> {
    domain: Option<&'t Host>,
}

impl<'t> TenantCookies<'t> {
    /// The cookies of the tenant whose logins run like this.
    pub(crate) fn new(login: &'t Login) -> Self {
        Self { domain: login.cookie_domain.as_ref() }
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
        let names = cookie::sent(head).filter_map(|(name, _)| {
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

    /// The name of the cookie that counts logins in a row, to find redirect loops.
    pub(crate) fn redirect_loop(self) -> String {
        self.name("redirect-loop")
    }

    /// A `Set-Cookie` value that keeps `value` for `lifetime`. `None` if browsers would drop it for its length
    /// (RFC 6265bis section 5.6: name and value together at most 4,096 bytes).
    pub(crate) fn set(self, name: &str, value: &str, lifetime: Duration) -> Option<String> {
        if name.len().saturating_add(value.len()) > cookie::MAX_NAME_AND_VALUE {
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
        let prefix = if self.domain.is_some() { SECURE } else { HOST };
        format!("{prefix}{rest}")
    }

    /// `Lax`, since the cookie has to come along when the issuer sends the browser back.
    fn attributes(self) -> String {
        let domain = self.domain.map(|domain| format!("Domain={domain}; "));
        format!("{}Path=/; Secure; HttpOnly; SameSite=Lax", domain.unwrap_or_default())
    }
}

/// The cookies of `line` that are not ours, or `None` if nothing is left. Ours are for the gate alone: the upstream
/// gets none of them, whatever their tenant.
pub(crate) fn without_ours(line: &[u8]) -> Option<Vec<u8>> {
    let kept: Vec<&[u8]> = cookie::pairs(line).filter(|pair| !is_ours(pair)).collect();
    (!kept.is_empty()).then(|| kept.join(&b"; "[..]))
}

/// Browsers compare the prefixes without case (RFC 6265bis section 5.4), so an upstream might, too.
fn is_ours(pair: &[u8]) -> bool {
    [HOST, SECURE].iter().any(|prefix| {
        pair.split_at_checked(prefix.len()).is_some_and(|(start, _)| start.eq_ignore_ascii_case(prefix.as_bytes()))
    })
}

const HOST: &str = "__Host-tenantgate-";
const SECURE: &str = "__Secure-tenantgate-";
/// After the prefix, no name of ours is longer.
const MAX_REST: usize = 64;
/// A browser has a session in five cookies, a count and at most twelve logins under way.
const MAX_DELETED: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_taken_out_and_others_stay_as_they_are() {
        let line = b"a=1; __Host-tenantgate-session=x; b=\xff; __secure-TENANTGATE-login-y=z; __Host-other=1;";
        assert_eq!(without_ours(line).unwrap(), b"a=1; b=\xff; __Host-other=1");
        assert_eq!(without_ours(b"__Host-tenantgate-session=x"), None);
        assert_eq!(without_ours(b" ; "), None);
    }
}

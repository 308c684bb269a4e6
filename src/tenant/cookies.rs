//! The cookies of Tenantgate at one tenant: their names and attributes. Only this file writes
//! `Set-Cookie` values.

use std::time::Duration;

use super::login::{CookieDomain, Login};
use crate::http::cookie;
use crate::http::request::RequestHead;

/// The names and attributes of Tenantgate's cookies at one tenant.
#[derive(Clone, Copy)]
pub(crate) struct TenantCookies<'t> {
    domain: Option<&'t CookieDomain>,
}

impl<'t> TenantCookies<'t> {
    /// The cookies of the tenant with these login settings.
    pub(crate) fn new(login: &'t Login) -> Self {
        Self { domain: login.cookie_domain.as_ref() }
    }

    /// The name of the cookie that holds one piece of a session. Piece 0 is the first or the only
    /// one.
    pub(crate) fn session(self, piece: u8) -> String {
        if piece == 0 { self.name("session") } else { self.name(&format!("session-{piece}")) }
    }

    /// The name of the cookie that makes the issuer ask for credentials at the next login. Its
    /// value is ignored, and a forged one causes a prompt and nothing else.
    pub(crate) fn ask(self) -> String {
        self.name("ask")
    }

    /// The name of the cookie of one login.
    pub(crate) fn login(self, id: &str) -> String {
        format!("{}{id}", self.login_prefix())
    }

    /// The prefix of the names of all login cookies.
    pub(crate) fn login_prefix(self) -> String {
        self.name("login-")
    }

    /// The names of all cookies of this tenant in the request, each once. The list has only names
    /// that Tenantgate can have made, because they are repeated in `Set-Cookie` headers.
    pub(crate) fn sent(self, head: &RequestHead) -> Vec<String> {
        let prefix = self.name("");
        let is_harmless = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let names = cookie::sent(head).filter_map(|(name, _)| {
            let rest = name.strip_prefix(prefix.as_bytes())?;
            let is_known = rest.len() <= MAX_REST && rest.iter().copied().all(is_harmless);
            std::str::from_utf8(name).ok().filter(|_| is_known)
        });
        // A sibling host can plant many cookies for the domain, so the fixed names come first.
        let fixed = self.fixed().filter(|name| cookie::sent(head).any(|(sent, _)| sent == name.as_bytes()));
        names.take(MAX_DELETED).fold(fixed.collect(), |mut found: Vec<String>, name| {
            if !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
            found
        })
    }

    /// The names of all cookies but those of logins.
    fn fixed(self) -> impl Iterator<Item = String> {
        (0..MAX_PIECES).map(move |piece| self.session(piece)).chain([self.ask(), self.redirect_loop()])
    }

    /// The name of the cookie that counts consecutive logins, to detect redirect loops.
    pub(crate) fn redirect_loop(self) -> String {
        self.name("redirect-loop")
    }

    /// The `Set-Cookie` value that stores `value` for `lifetime`. `None` if browsers would drop the
    /// cookie because of its length (RFC 6265bis section 5.6: name and value together at most 4,096
    /// bytes).
    pub(crate) fn set(self, name: &str, value: &str, lifetime: Duration) -> Option<String> {
        if name.len().saturating_add(value.len()) > cookie::MAX_NAME_AND_VALUE {
            return None;
        }
        Some(format!("{name}={value}; Max-Age={}; {}", lifetime.as_secs(), self.attributes()))
    }

    /// The `Set-Cookie` value that deletes the cookie. It has the same attributes, because
    /// otherwise a browser would keep a `__Host-` cookie.
    pub(crate) fn delete(self, name: &str) -> String {
        format!("{name}=; Max-Age=0; {}", self.attributes())
    }

    /// The name of a cookie with its prefix. `__Host-` binds a cookie to one host over TLS. A
    /// cookie with a `Domain` attribute can only have `__Secure-` (RFC 6265bis section 4.1.3). Its
    /// name has that of the tenant in it, and `~`, which no name of a tenant has.
    fn name(self, rest: &str) -> String {
        match self.domain {
            Some(domain) => format!("{SECURE}{}~{rest}", domain.tenant),
            None => format!("{HOST}{rest}"),
        }
    }

    /// The attributes of every cookie. `SameSite` is `Lax`, because the browser has to send the
    /// cookie when the issuer redirects it to the callback.
    fn attributes(self) -> String {
        let domain = self.domain.map(|domain| format!("Domain={}; ", domain.domain));
        format!("{}Path=/; Secure; HttpOnly; SameSite=Lax", domain.unwrap_or_default())
    }
}

/// Removes Tenantgate's cookies from `line`, those of every tenant: the upstream receives none of
/// them. `None` if no cookie is left.
pub(crate) fn without_tenantgate_cookies(line: &[u8]) -> Option<Vec<u8>> {
    let kept: Vec<&[u8]> = cookie::pairs(line).filter(|pair| !is_tenantgate_cookie(pair)).collect();
    (!kept.is_empty()).then(|| kept.join(&b"; "[..]))
}

/// Whether the cookie is one of Tenantgate. The comparison ignores case, as browsers do for the
/// prefixes (RFC 6265bis section 5.4), because an upstream might do the same.
fn is_tenantgate_cookie(pair: &[u8]) -> bool {
    [HOST, SECURE].iter().any(|prefix| {
        pair.split_at_checked(prefix.len()).is_some_and(|(start, _)| start.eq_ignore_ascii_case(prefix.as_bytes()))
    })
}

/// The most cookies that hold one session: some 15 KB of identity. More would exceed the 16 KiB
/// that servers usually allow for all headers.
pub(crate) const MAX_PIECES: u8 = 5;
/// The prefix of the names of cookies for one host.
const HOST: &str = "__Host-tenantgate-";
/// The prefix of the names of cookies for a domain.
const SECURE: &str = "__Secure-tenantgate-";
/// The longest name of a cookie of Tenantgate after the prefix, in bytes.
const MAX_REST: usize = 64;
/// The most cookies that one response deletes. A browser has a session in five cookies, a count of
/// logins and at most twelve unfinished logins.
const MAX_DELETED: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_of_tenantgate_are_removed_and_others_are_unchanged() {
        let line = b"a=1; __Host-tenantgate-session=x; b=\xff; __secure-TENANTGATE-login-y=z; __Host-other=1;";
        assert_eq!(without_tenantgate_cookies(line).unwrap(), b"a=1; b=\xff; __Host-other=1");
        assert_eq!(without_tenantgate_cookies(b"__Host-tenantgate-session=x"), None);
        assert_eq!(without_tenantgate_cookies(b" ; "), None);
    }
}

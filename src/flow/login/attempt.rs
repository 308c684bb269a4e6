//! One login in progress, sealed into a cookie of its own: a browser can have several at once, and
//! any replica can finish each of them.
//!
//! Scenarios: `tests/scenarios/{login,callback}.rs`.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::encoding::{base64url, from_base64url};
use crate::base::secret::Secret;
use crate::base::time::UnixTime;
use crate::env::{Env, NoEntropy};
use crate::http::cookie;
use crate::http::host::Host;
use crate::http::request::RequestHead;
use crate::seal::{KeyRing, Purpose, SealError};
use crate::tenant::{Login, Tenant, TenantCookies};

/// The data that the callback needs. It is sealed, so the browser can read neither the nonce nor
/// the code verifier. A change of its layout requires a new format in `seal`.
#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    /// `state`, `nonce` and `code_verifier` are hashes of the seed, so that none of them reveals
    /// another and the cookie is short.
    seed: [u8; RANDOM_LENGTH],
    /// The host of the request that began the login.
    host: String,
    /// The path and query of that request, or those of the page that a third party named, with its
    /// fragment.
    pub(super) page: String,
    expires: u64,
    /// The number of logins of this browser just before, see [`super::redirect_loop`].
    pub(super) logins_before: u8,
}

/// The reason why there is no attempt for a callback.
pub(super) enum AttemptError {
    /// This browser began the attempt, and it has expired.
    Expired(Box<Attempt>),
    /// The cookie is sealed with an unknown key.
    KeyGone,
    /// The attempt was used, was replaced by newer ones, or was never made in this browser.
    Unknown,
    /// The cookie names a known key, and that key does not open it.
    Unreadable,
}

impl AttemptError {
    /// The reason for the log.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Expired(_) => "the login took longer than `login.timeout`",
            Self::KeyGone => "the cookie of the login has a key that `session.keys` lacks",
            Self::Unknown => {
                "the browser sent no cookie of a login with this `state`: the login was used, another browser or host \
                 began it, or the browser drops cookies, as on a site without TLS"
            }
            Self::Unreadable => {
                "the cookie of the login does not open: replicas have different keys of one `id`, or it is forged"
            }
        }
    }
}

impl fmt::Display for AttemptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

/// Shows no attempt, because its seed is secret.
impl fmt::Debug for AttemptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for AttemptError {}

impl Attempt {
    /// A new attempt with an unpredictable seed.
    ///
    /// # Errors
    /// [`NoEntropy`] if the host gives no random bytes.
    pub(super) fn new(
        host: &Host,
        page: String,
        logins_before: u8,
        expires: UnixTime,
        env: &mut Env<'_>,
    ) -> Result<Self, NoEntropy> {
        Ok(Self { seed: env.random()?, host: host.to_string(), page, expires: expires.0, logins_before })
    }

    /// `state` of the authorization request.
    pub(super) fn state(&self) -> String {
        self.derive("state")
    }

    /// `nonce` of the authorization request.
    pub(super) fn nonce(&self) -> Secret<String> {
        Secret::new(self.derive("nonce"))
    }

    /// The code verifier (RFC 7636 section 4.1).
    pub(super) fn verifier(&self) -> Secret<String> {
        Secret::new(self.derive("code_verifier"))
    }

    fn derive(&self, what: &str) -> String {
        base64url(&Sha256::new_with_prefix(what).chain_update(self.seed).finalize())
    }

    /// The host of the request that began the login, if it is valid.
    pub(super) fn host(&self) -> Option<Host> {
        Host::from_name(&self.host).ok()
    }

    /// The time when the attempt began.
    pub(super) fn began(&self, login: &Login) -> UnixTime {
        UnixTime(self.expires.saturating_sub(login.timeout.as_secs()))
    }

    /// The name of the cookie that holds the attempt.
    pub(super) fn cookie_name(&self, login: &Login) -> String {
        TenantCookies::new(login).login(id_of(&self.state()).unwrap_or_default())
    }

    /// The value of that cookie.
    ///
    /// # Errors
    /// [`SealError`] if the attempt cannot be sealed.
    pub(super) fn seal(&self, tenant: &Tenant, ring: &KeyRing, env: &mut Env<'_>) -> Result<String, SealError> {
        ring.seal(Purpose::Login, tenant, self, env)
    }

    /// The attempt with this `state`, if this browser began it at this tenant and it has not
    /// expired.
    ///
    /// # Errors
    /// [`AttemptError`] if the attempt expired, is sealed with an unknown key, or is unknown.
    pub(super) fn from_state(
        state: &str,
        head: &RequestHead,
        tenant: &Tenant,
        ring: &KeyRing,
        now: UnixTime,
    ) -> Result<Self, AttemptError> {
        let name = TenantCookies::new(&tenant.login).login(id_of(state).ok_or(AttemptError::Unknown)?);
        let sent = || cookie::sent(head).filter(|(sent, _)| *sent == name.as_bytes()).take(MAX_TRIES);
        let found = sent()
            .filter_map(|(_, value)| ring.open::<Self>(Purpose::Login, tenant, value))
            .map(|opened| opened.into_parts().1)
            .find(|attempt| Secret::new(attempt.state()).matches(state));
        match found {
            Some(attempt) if attempt.lives(now) => Ok(attempt),
            Some(attempt) => Err(AttemptError::Expired(Box::new(attempt))),
            None if sent().any(|(_, value)| ring.lacks_key_of(value)) => Err(AttemptError::KeyGone),
            None if sent().next().is_some() => Err(AttemptError::Unreadable),
            None => Err(AttemptError::Unknown),
        }
    }

    fn lives(&self, now: UnixTime) -> bool {
        now.0 < self.expires
    }
}

/// The names of the login cookies to delete before another one of `length` bytes is set: the
/// invalid ones and the oldest of the valid ones. Otherwise unfinished attempts would fill the
/// `Cookie` header.
pub(super) fn surplus(
    head: &RequestHead,
    tenant: &Tenant,
    ring: &KeyRing,
    now: UnixTime,
    length: usize,
) -> Vec<String> {
    let prefix = TenantCookies::new(&tenant.login).login_prefix();
    let login_cookies = cookie::sent(head).filter_map(|(name, value)| {
        let name = std::str::from_utf8(name).ok()?;
        // Only names that Tenantgate can have made are repeated in a `Set-Cookie` header.
        name.strip_prefix(&prefix).filter(|id| is_id(id))?;
        Some((name, value))
    });
    let mut alive: Vec<(u64, &str, usize)> = Vec::new();
    let mut gone = Vec::new();
    for (name, value) in login_cookies.take(MAX_LOOKED_AT) {
        match ring.open::<Attempt>(Purpose::Login, tenant, value) {
            Some(attempt) if attempt.value().lives(now) => {
                alive.push((attempt.value().expires, name, name.len().saturating_add(value.len())));
            }
            _ => gone.push(name.to_owned()),
        }
    }
    let mut room = MAX_BYTES.saturating_sub(length);
    let mut places = MAX_ALIVE.saturating_sub(1);
    // Among attempts that expire in the same second, the last one is the newest: browsers send
    // older cookies first (RFC 6265 section 5.4).
    while let Some((newest, _)) = alive.iter().enumerate().max_by_key(|(_, (expires, ..))| *expires) {
        let (_, name, length) = alive.remove(newest);
        room = room.saturating_sub(length);
        if places == 0 || room == 0 {
            gone.push(name.to_owned());
        }
        places = places.saturating_sub(1);
    }
    gone
}

/// The part of a state that is in the cookie name: 96 of its 256 bits. The name alone does not
/// reveal the state.
fn id_of(state: &str) -> Option<&str> {
    if from_base64url(state)?.len() != RANDOM_LENGTH {
        return None;
    }
    state.get(..ID_LENGTH)
}

fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && from_base64url(text).is_some()
}

/// 256 bits: 43 characters in base64url, which is also the minimum length of a `code_verifier` (RFC
/// 7636 section 4.1).
const RANDOM_LENGTH: usize = 32;
const ID_LENGTH: usize = 16;
/// The most logins that one browser can have in progress.
const MAX_ALIVE: usize = 12;
/// The most bytes of their cookies in the `Cookie` header. With addresses of usual length all of
/// them fit.
const MAX_BYTES: usize = 8 * 1024;
/// The most cookies of the same name that are opened.
const MAX_TRIES: usize = 4;
/// The most login cookies that one request examines. The next request examines further ones.
const MAX_LOOKED_AT: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestHost, runtime, tenants};

    /// As the test of the same name for sessions: a login that begins at a replica of one release
    /// ends at one of the other.
    #[test]
    fn the_layout_belongs_to_the_format() {
        let runtime = runtime(&["k"]);
        let [tenant, _] = tenants(&runtime);
        let (host, page) = ("a.example".to_owned(), "/p".to_owned());
        let attempt = Attempt { seed: [7; RANDOM_LENGTH], host, page, expires: 3, logins_before: 4 };
        let sealed = attempt.seal(tenant, runtime.ring(), &mut TestHost::default().env()).unwrap();
        assert_eq!(
            sealed,
            "k.AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBruYQD3sRvkWbg-okoZUTDRkdda_RcgHWB4E6ASxi2ITlSZi_QHKHAPBo6btVyZNQEZOjC-_jjL-SxASN7s6E"
        );
        assert_eq!(attempt.state(), "C5PwrjvXc1-nt79BQGDtvi7ltYUeSpdBeOZW1mLDq_o");
    }
}

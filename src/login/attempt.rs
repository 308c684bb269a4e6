//! One login that is under way, sealed into a cookie of its own, so that many can be under way at once and any replica can
//! finish each.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::cookie::{self, Cookies};
use crate::encode::{base64url, from_base64url};
use crate::env::{Env, NoEntropy, UnixTime};
use crate::gate::Gate;
use crate::host::Host;
use crate::request::RequestHead;
use crate::seal::{Purpose, SealError};
use crate::secret::Secret;
use crate::tenant::Tenant;

/// What has to be known when the browser comes back. It is sealed, so the browser cannot read the nonce or the verifier.
#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    /// `state`, `nonce` and `code_verifier`, in base64url.
    state: String,
    nonce: String,
    verifier: String,
    /// The host that was asked for.
    host: String,
    /// The path and query that were asked for.
    pub(super) page: String,
    expires: u64,
}

impl Attempt {
    /// A new attempt with values that nobody can guess.
    pub(super) fn new(host: &Host, page: String, expires: UnixTime, env: &mut Env<'_>) -> Result<Self, NoEntropy> {
        let mut random = || Ok(base64url(&env.random::<RANDOM_LENGTH>()?));
        Ok(Self {
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            host: host.to_string(),
            page,
            expires: expires.0,
        })
    }

    pub(super) fn state(&self) -> &str {
        &self.state
    }

    pub(super) fn nonce(&self) -> Secret<String> {
        Secret::new(self.nonce.clone())
    }

    pub(super) fn verifier(&self) -> Secret<String> {
        Secret::new(self.verifier.clone())
    }

    /// The host that was asked for, unless it is none.
    pub(super) fn host(&self) -> Option<Host> {
        Host::from_name(&self.host).ok()
    }

    /// When it began.
    pub(super) fn began(&self, tenant: &Tenant) -> UnixTime {
        UnixTime(self.expires.saturating_sub(tenant.login.timeout.as_secs()))
    }

    /// The name of the cookie that holds it.
    pub(super) fn cookie_name(&self, tenant: &Tenant) -> String {
        Cookies::of(tenant).login(id_of(&self.state).unwrap_or_default())
    }

    /// The value of that cookie.
    pub(super) fn seal(&self, tenant: &Tenant, gate: &Gate, env: &mut Env<'_>) -> Result<String, SealError> {
        gate.ring().seal(Purpose::Login, tenant, self, env)
    }

    /// The attempt that `state` belongs to, if this browser made it at this tenant and it has not expired.
    pub(super) fn of_state(
        state: &str,
        head: &RequestHead,
        tenant: &Tenant,
        gate: &Gate,
        now: UnixTime,
    ) -> Option<Self> {
        let name = Cookies::of(tenant).login(id_of(state)?);
        cookie::sent(head)
            .filter(|(sent, _)| *sent == name.as_bytes())
            .take(MAX_TRIES)
            .filter_map(|(_, value)| gate.ring().open::<Self>(Purpose::Login, tenant, value))
            .map(|opened| opened.into_parts().1)
            .find(|attempt| Secret::new(&attempt.state).matches(state) && attempt.lives(now))
    }

    fn lives(&self, now: UnixTime) -> bool {
        now.0 < self.expires
    }
}

/// The names of the login cookies that have to go before another one is set: what is dead, and the oldest of what lives. So
/// attempts that nobody finishes cannot fill up the `Cookie` header.
pub(super) fn surplus(head: &RequestHead, tenant: &Tenant, gate: &Gate, now: UnixTime) -> Vec<String> {
    let prefix = Cookies::of(tenant).login_prefix();
    let ours = cookie::sent(head).filter_map(|(name, value)| {
        let name = std::str::from_utf8(name).ok()?;
        // A name that is not of our making is not repeated in a header of ours.
        name.strip_prefix(&prefix).filter(|id| is_id(id))?;
        Some((name, value))
    });
    let mut alive: Vec<(u64, &str)> = Vec::new();
    let mut gone = Vec::new();
    for (name, value) in ours.take(MAX_LOOKED_AT) {
        match gate.ring().open::<Attempt>(Purpose::Login, tenant, value) {
            Some(attempt) if attempt.value().lives(now) => alive.push((attempt.value().expires, name)),
            _ => gone.push(name.to_owned()),
        }
    }
    alive.sort_by_key(|&(expires, _)| Reverse(expires));
    gone.extend(alive.into_iter().skip(MAX_ALIVE.saturating_sub(1)).map(|(_, name)| name.to_owned()));
    gone
}

/// The part of a state that names its cookie: 96 of its 256 bits, so that the rest stays unknown to whoever sees the name.
fn id_of(state: &str) -> Option<&str> {
    if from_base64url(state)?.len() != RANDOM_LENGTH {
        return None;
    }
    state.get(..ID_LENGTH)
}

fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && from_base64url(text).is_some()
}

/// 256 bits; 43 characters in base64url, which is also the shortest `code_verifier` (RFC 7636 section 4.1).
const RANDOM_LENGTH: usize = 32;
const ID_LENGTH: usize = 16;
/// Tabs that can wait at the issuer at the same time.
const MAX_ALIVE: usize = 5;
const MAX_TRIES: usize = 4;
/// More cookies than this are only looked at after the first ones are gone.
const MAX_LOOKED_AT: usize = 32;

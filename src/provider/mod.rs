//! The OpenID Provider of a tenant: where it is, and what is fetched from it where the configuration does not say everything.
//!
//! A tenant with `keys` and endpoints fetches nothing, ever. With `discovery` or `jwks_uri`, the [`keeper`](Keeper) fetches now and then
//! ([`fetch`]), once for all VMs of a process ([`record`]); what it learnt last stays in use while the provider is away.

mod call;
mod fetch;
mod keeper;
mod metadata;
mod record;
mod schedule;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use url::Url;

use crate::env::UnixTime;
use crate::keys::KeySet;
use metadata::Metadata;

pub(crate) use call::request_line;
pub use fetch::FetchProblem;
pub(crate) use fetch::{Fetch, Progress};
pub use keeper::{Errands, FetchId, Keeper};
pub(crate) use record::publish;

/// The provider's endpoints and the Envoy cluster that reaches them.
#[derive(Debug)]
pub struct Provider {
    /// The cluster that outbound calls go to; calls go nowhere else.
    pub cluster: String,
    /// The longest that a call may take.
    pub timeout: Duration,
    /// The endpoints that the configuration names. They win over those that were discovered.
    pub endpoints: Endpoints,
    /// Whether the configuration says that every answer of the issuer names it (`iss`, RFC 9207).
    pub authorization_response_iss_parameter_supported: bool,
    /// What is fetched; nothing without it.
    pub source: Option<Source>,
    /// What was fetched.
    pub(crate) fetched: Slot,
}

/// Endpoints, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Where the browser is sent to sign in. May have a query of its own, no fragment.
    pub authorization: Option<Url>,
    /// Where a code is redeemed.
    pub token: Option<Url>,
    /// Where the claims are that an ID token lacks (OpenID Connect Core section 5.3).
    pub userinfo: Option<Url>,
    /// Where the browser is sent to sign out (OpenID Connect RP-Initiated Logout 1.0), if the provider has that.
    pub end_session: Option<Url>,
}

/// What is fetched of a provider, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it begins.
    pub start: Start,
    /// Whether http is permitted, for development.
    pub insecure: bool,
    /// How long after a fetch the next one is due.
    pub interval: Duration,
    /// Keys that were fetched longer ago than this are not used any more. Without it they stay until there are others.
    pub max_age: Option<Duration>,
}

/// Where fetching begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the provider's metadata, which names the rest (OpenID Connect Discovery 1.0 section 4).
    Discovery(Url),
    /// With the JWK Set.
    JwksUri(Url),
}

/// What was fetched of a provider, in one go.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) at: UnixTime,
    /// Those keys that are not configured anyway.
    pub(crate) keys: KeySet,
    /// Keys of the set that are of no use here.
    pub(crate) left_out: usize,
    pub(crate) metadata: Option<Box<Metadata>>,
}

/// The place for what was fetched last. It is a cache: a VM begins with an empty one.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    fetched: Option<Arc<Fetched>>,
    /// Somebody came with a key that is not known.
    wanted: bool,
}

impl Slot {
    pub(crate) fn get(&self) -> Option<Arc<Fetched>> {
        self.0.lock().ok()?.fetched.clone()
    }

    pub(crate) fn put(&self, fetched: Fetched) {
        if let Ok(mut held) = self.0.lock() {
            *held = Held { fetched: Some(Arc::new(fetched)), wanted: false };
        }
    }

    fn want(&self) {
        if let Ok(mut held) = self.0.lock() {
            held.wanted = true;
        }
    }

    fn is_wanted(&self) -> bool {
        self.0.lock().is_ok_and(|held| held.wanted)
    }
}

/// The provider has an endpoint that its metadata would name, and they were not fetched yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undiscovered;

impl Provider {
    /// Where the browser is sent to sign in.
    ///
    /// # Errors
    /// [`Undiscovered`] if that is not known yet.
    pub fn authorization_endpoint(&self) -> Result<Url, Undiscovered> {
        self.endpoint(|endpoints| endpoints.authorization.as_ref()).ok_or(Undiscovered)
    }

    /// Where a code is redeemed.
    ///
    /// # Errors
    /// [`Undiscovered`] if that is not known yet.
    pub fn token_endpoint(&self) -> Result<Url, Undiscovered> {
        self.endpoint(|endpoints| endpoints.token.as_ref()).ok_or(Undiscovered)
    }

    /// Where the claims are that an ID token lacks, if the provider has that and it is known.
    pub fn userinfo_endpoint(&self) -> Option<Url> {
        self.endpoint(|endpoints| endpoints.userinfo.as_ref())
    }

    /// Where the browser is sent to sign out, if the provider has that and it is known.
    pub fn end_session_endpoint(&self) -> Option<Url> {
        self.endpoint(|endpoints| endpoints.end_session.as_ref())
    }

    fn endpoint(&self, read: impl Fn(&Endpoints) -> Option<&Url>) -> Option<Url> {
        let configured = read(&self.endpoints).cloned();
        configured.or_else(|| read(&self.fetched.get()?.metadata.as_ref()?.endpoints).cloned())
    }

    /// Whether every answer of the issuer names it, so that one without is refused (RFC 9207 section 2.4): the configuration says so, or
    /// the metadata do.
    pub fn names_issuer(&self) -> bool {
        let discovered = || self.fetched.get().is_some_and(|it| it.metadata.as_ref().is_some_and(|it| it.names_issuer));
        self.authorization_response_iss_parameter_supported || discovered()
    }

    /// Whether its metadata are fetched.
    pub(crate) fn discovers(&self) -> bool {
        self.source.as_ref().is_some_and(|source| matches!(source.start, Start::Discovery(_)))
    }

    /// What was fetched, unless its keys are too old to be used.
    pub(crate) fn fresh(&self, now: UnixTime) -> Option<Arc<Fetched>> {
        let max_age = self.source.as_ref()?.max_age;
        self.fetched.get().filter(|fetched| max_age.is_none_or(|age| now < fetched.at.plus(age)))
    }

    /// Asks for a fetch ahead of time, because of a key that is not known. It happens at the next tick, if the last one was not
    /// just now.
    pub(crate) fn want_keys(&self) {
        if self.source.is_some() {
            self.fetched.want();
        }
    }
}

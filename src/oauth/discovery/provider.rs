//! The OpenID Provider of a tenant as it is known at this moment.
//!
//! Scenarios: tests/scenarios/keys.rs.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use url::Url;

use super::error::FetchError;
use super::fetched::Fetched;
use crate::base::time::UnixTime;
use crate::jose::{IdTokenAlgorithms, TrustedKeys};
use crate::seal::KeyRing;
use crate::tenant::{Endpoints, OptionalScopes, Scopes, Tenant};

/// The OpenID Provider of a tenant: its configuration and the documents that were fetched last. The
/// documents are a cache, and each VM begins with an empty one.
#[derive(Debug)]
pub struct Provider {
    tenant: Arc<Tenant>,
    /// The keys that seal the documents in the shared data.
    ring: Arc<KeyRing>,
    state: Mutex<ProviderState>,
}

#[derive(Debug, Default)]
struct ProviderState {
    fetched: Option<Arc<Fetched>>,
    /// The number of the documents in the shared schedule; 0 if this VM has none.
    published: u64,
    /// Whether a token named a key that is not known, or a request waits for documents.
    refresh_requested: bool,
    /// What of the metadata was left out when this VM last logged it.
    left_out: Vec<FetchError>,
    /// The age of the documents that this VM last logged.
    warned: Age,
}

/// How old the fetched documents are, measured by `jwks_max_age`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Age {
    /// Less than half of it.
    #[default]
    Young,
    /// Half of it or more.
    Old,
    /// All of it: the keys are no longer used.
    Over,
}

/// What a request needs of the documents that a provider publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NeededDocuments {
    /// The metadata: addresses of endpoints, and the supported scopes.
    Metadata,
    /// A key that verifies tokens.
    Keys,
}

/// An endpoint or the scopes are not configured, and the provider's metadata were not fetched yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataUnavailable;

impl fmt::Display for MetadataUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the metadata of the provider were not fetched yet")
    }
}

impl std::error::Error for MetadataUnavailable {}

impl Provider {
    /// The provider of `tenant`, without fetched documents.
    pub(crate) fn new(tenant: Arc<Tenant>, ring: Arc<KeyRing>) -> Self {
        Self { tenant, ring, state: Mutex::default() }
    }

    /// The tenant of this provider.
    pub(crate) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The keys that seal the documents in the shared data.
    pub(super) fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// When the documents that this VM has were fetched.
    pub(super) fn fetched_at(&self) -> Option<UnixTime> {
        self.fetched().map(|fetched| fetched.at)
    }

    /// The authorization endpoint (RFC 6749 section 3.1).
    ///
    /// # Errors
    /// [`MetadataUnavailable`] if the endpoint is not known yet.
    pub fn authorization_endpoint(&self) -> Result<Url, MetadataUnavailable> {
        self.endpoint(|endpoints| endpoints.authorization.as_ref()).ok_or(MetadataUnavailable)
    }

    /// The token endpoint (RFC 6749 section 3.2).
    ///
    /// # Errors
    /// [`MetadataUnavailable`] if the endpoint is not known yet.
    pub fn token_endpoint(&self) -> Result<Url, MetadataUnavailable> {
        self.endpoint(|endpoints| endpoints.token.as_ref()).ok_or(MetadataUnavailable)
    }

    /// The UserInfo endpoint (OpenID Connect Core section 5.3), if the provider has one and it is
    /// known.
    pub fn userinfo_endpoint(&self) -> Option<Url> {
        self.endpoint(|endpoints| endpoints.userinfo.as_ref())
    }

    /// The end session endpoint (OpenID Connect RP-Initiated Logout 1.0), if the provider has one
    /// and it is known.
    pub fn end_session_endpoint(&self) -> Option<Url> {
        self.endpoint(|endpoints| endpoints.end_session.as_ref())
    }

    /// The revocation endpoint (RFC 7009 section 2), if the provider has one and it is known.
    pub fn revocation_endpoint(&self) -> Option<Url> {
        self.endpoint(|endpoints| endpoints.revocation.as_ref())
    }

    /// The `scope` parameter of the authorization request.
    ///
    /// # Errors
    /// [`MetadataUnavailable`] if it depends on the metadata and they are not known yet.
    pub fn scope(&self) -> Result<String, MetadataUnavailable> {
        let tenant = &self.tenant;
        let has = match tenant.login.scopes {
            Scopes::Default if tenant.provider.discovers() => {
                let fetched = self.fetched().ok_or(MetadataUnavailable)?;
                fetched.metadata.as_ref().ok_or(MetadataUnavailable)?.scopes
            }
            Scopes::Default | Scopes::Configured(_) => OptionalScopes::NOT_DISCOVERED,
        };
        Ok(tenant.login.scopes.parameter(has, tenant.refresh.is_some()))
    }

    fn endpoint(&self, read: impl Fn(&Endpoints) -> Option<&Url>) -> Option<Url> {
        let configured = read(&self.tenant.provider.endpoints).cloned();
        configured.or_else(|| read(&self.fetched()?.metadata.as_ref()?.endpoints).cloned())
    }

    /// Whether every authorization response of the issuer has `iss`, so that one without it is
    /// rejected (RFC 9207 section 2.4). It is set in the configuration or in the metadata.
    pub fn names_issuer(&self) -> bool {
        let discovered = || self.fetched().is_some_and(|it| it.metadata.as_ref().is_some_and(|it| it.names_issuer));
        self.tenant.provider.authorization_response_iss_parameter_supported || discovered()
    }

    /// The keys that may verify a token of the tenant at `now`.
    pub fn trusted_keys(&self, now: UnixTime) -> TrustedKeys<'_> {
        let source = self.tenant.provider.source.as_ref();
        let fetched = source.and_then(|_| self.fetched());
        let published = fetched.as_ref().and_then(|fetched| fetched.metadata.as_ref()?.id_token_algorithms);
        let is_fresh = |fetched: &Arc<Fetched>| source.is_some_and(|source| now < fetched.at.plus(source.max_age));
        let keys = fetched.filter(is_fresh).map(|fetched| fetched.keys.clone());
        TrustedKeys::new(&self.tenant.keys, keys, source.is_some())
            .with_id_token_algorithms(IdTokenAlgorithms { configured: self.tenant.id_token_algorithms, published })
    }

    /// Requests a fetch before the next one is due, because a token named an unknown key or a
    /// request waits. The fetch happens at the next tick, unless the last one was too recent.
    /// Nothing happens for a tenant that fetches no keys.
    pub(crate) fn request_refresh(&self) {
        if self.tenant.provider.source.is_some()
            && let Ok(mut state) = self.state.lock()
        {
            state.refresh_requested = true;
        }
    }

    /// Whether this VM lacks documents that a request needs, so that it cannot go on without them.
    pub(super) fn lacks(&self, needed: NeededDocuments) -> bool {
        let can_do_without = match needed {
            NeededDocuments::Metadata => !self.tenant.provider.discovers(),
            NeededDocuments::Keys => !self.tenant.keys.is_empty(),
        };
        !can_do_without && !self.is_current()
    }

    pub(super) fn is_refresh_requested(&self) -> bool {
        self.state.lock().is_ok_and(|state| state.refresh_requested)
    }

    /// Ends the request for a fetch, because one begins.
    pub(super) fn refresh_begins(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.refresh_requested = false;
        }
    }

    /// Replaces the documents by those of the number `published`, if that is known.
    pub(super) fn replace(&self, fetched: Fetched, published: Option<u64>) {
        if let Ok(mut state) = self.state.lock() {
            let published = published.unwrap_or(state.published);
            (state.fetched, state.published) = (Some(Arc::new(fetched)), published);
            (state.refresh_requested, state.warned) = (false, Age::Young);
        }
    }

    /// The age that the documents have reached since the last call or fetch.
    pub(super) fn age_reached(&self, now: UnixTime) -> Option<Age> {
        let (fetched, source) = (self.fetched()?, self.tenant.provider.source.as_ref()?);
        let passed = Duration::from_secs(now.0.saturating_sub(fetched.at.0));
        let age = match () {
            () if passed >= source.max_age => Age::Over,
            () if passed.saturating_mul(2) >= source.max_age => Age::Old,
            () => Age::Young,
        };
        let mut state = self.state.lock().ok()?;
        (age > state.warned).then(|| {
            state.warned = age;
            age
        })
    }

    /// What of the metadata is left out, if that has changed since the last call.
    pub(super) fn newly_left_out(&self) -> Option<Vec<FetchError>> {
        let fetched = self.fetched()?;
        let left_out = &fetched.metadata.as_ref()?.left_out;
        let mut state = self.state.lock().ok()?;
        if state.left_out == *left_out {
            return None;
        }
        state.left_out.clone_from(left_out);
        (!left_out.is_empty()).then(|| left_out.clone())
    }

    pub(super) fn published(&self) -> u64 {
        self.state.lock().map_or(0, |state| state.published)
    }

    pub(super) fn set_published(&self, published: u64) {
        if let Ok(mut state) = self.state.lock() {
            state.published = published;
        }
    }

    /// Whether this VM has fetched documents, or the tenant fetches none.
    pub(super) fn is_current(&self) -> bool {
        self.tenant.provider.source.is_none() || self.fetched().is_some()
    }

    fn fetched(&self) -> Option<Arc<Fetched>> {
        self.state.lock().ok()?.fetched.clone()
    }
}

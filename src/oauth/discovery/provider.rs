//! The OpenID Provider of a tenant as it is known at this moment.

use std::fmt;
use std::sync::{Arc, Mutex};

use url::Url;

use super::fetched::Fetched;
use crate::base::time::UnixTime;
use crate::jose::TrustedKeys;
use crate::tenant::{Endpoints, Tenant};

/// The OpenID Provider of a tenant: what the configuration says, and what was fetched last. What was fetched is a
/// cache: a VM begins with an empty one.
#[derive(Debug)]
pub struct Provider {
    tenant: Arc<Tenant>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    fetched: Option<Arc<Fetched>>,
    /// A token came whose key is not known.
    refresh_requested: bool,
}

/// The endpoint would be in the provider's metadata, and these were not fetched yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataUnavailable;

impl fmt::Display for MetadataUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the metadata of the provider were not fetched yet")
    }
}

impl std::error::Error for MetadataUnavailable {}

impl Provider {
    /// The provider of `tenant`, before anything was fetched.
    pub(crate) fn new(tenant: Arc<Tenant>) -> Self {
        Self { tenant, held: Mutex::default() }
    }

    /// The tenant whose provider it is.
    pub(crate) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Where the browser is sent to sign in.
    ///
    /// # Errors
    /// [`MetadataUnavailable`] if the endpoint is not known yet.
    pub fn authorization_endpoint(&self) -> Result<Url, MetadataUnavailable> {
        self.endpoint(|endpoints| endpoints.authorization.as_ref()).ok_or(MetadataUnavailable)
    }

    /// Where a code is redeemed.
    ///
    /// # Errors
    /// [`MetadataUnavailable`] if the endpoint is not known yet.
    pub fn token_endpoint(&self) -> Result<Url, MetadataUnavailable> {
        self.endpoint(|endpoints| endpoints.token.as_ref()).ok_or(MetadataUnavailable)
    }

    /// The UserInfo endpoint, if the provider has one and it is known.
    pub fn userinfo_endpoint(&self) -> Option<Url> {
        self.endpoint(|endpoints| endpoints.userinfo.as_ref())
    }

    /// Where the browser is sent to sign out, if the provider has such an endpoint and it is known.
    pub fn end_session_endpoint(&self) -> Option<Url> {
        self.endpoint(|endpoints| endpoints.end_session.as_ref())
    }

    fn endpoint(&self, read: impl Fn(&Endpoints) -> Option<&Url>) -> Option<Url> {
        let configured = read(&self.tenant.provider.endpoints).cloned();
        configured.or_else(|| read(&self.fetched()?.metadata.as_ref()?.endpoints).cloned())
    }

    /// Whether every authorization response of the issuer has `iss`, so that one without it is refused
    /// (RFC 9207 section 2.4). The configuration or the metadata say so.
    pub fn names_issuer(&self) -> bool {
        let discovered = || self.fetched().is_some_and(|it| it.metadata.as_ref().is_some_and(|it| it.names_issuer));
        self.tenant.provider.authorization_response_iss_parameter_supported || discovered()
    }

    /// The keys that the tenant trusts at `now`.
    pub fn trusted_keys(&self, now: UnixTime) -> TrustedKeys<'_> {
        let source = self.tenant.provider.source.as_ref();
        let max_age = source.and_then(|source| source.max_age);
        let fresh = |fetched: &Arc<Fetched>| max_age.is_none_or(|age| now < fetched.at.plus(age));
        let fetched = source.and_then(|_| self.fetched()).filter(fresh);
        TrustedKeys::new(&self.tenant.keys, fetched.map(|fetched| fetched.keys.clone()), source.is_some())
    }

    /// Asks for a fetch ahead of time, because a token came whose key is not known. The fetch happens at the next
    /// tick, unless the last one was a moment ago. Nothing happens where the tenant fetches no keys.
    pub(crate) fn request_refresh(&self) {
        if self.tenant.provider.source.is_some()
            && let Ok(mut held) = self.held.lock()
        {
            held.refresh_requested = true;
        }
    }

    pub(super) fn is_refresh_requested(&self) -> bool {
        self.held.lock().is_ok_and(|held| held.refresh_requested)
    }

    pub(super) fn replace(&self, fetched: Fetched) {
        if let Ok(mut held) = self.held.lock() {
            *held = Held { fetched: Some(Arc::new(fetched)), refresh_requested: false };
        }
    }

    fn fetched(&self) -> Option<Arc<Fetched>> {
        self.held.lock().ok()?.fetched.clone()
    }
}

//! The keys that may have signed a token of one tenant at this moment.

use std::sync::Arc;

use super::algorithm::SignatureAlgorithm;
use super::key_set::KeySet;
use super::signing_key_ref::SigningKeyRef;
use super::verification_key::VerificationKey;

/// The configured keys of a tenant and the fetched ones that are fresh enough.
#[derive(Clone, Debug)]
pub struct TrustedKeys<'a> {
    configured: &'a KeySet,
    fetched: Option<Arc<KeySet>>,
    fetches: bool,
}

impl<'a> TrustedKeys<'a> {
    /// `fetched` are the keys that were fetched last, unless they are too old. `fetches` says whether the
    /// tenant fetches keys at all.
    pub fn new(configured: &'a KeySet, fetched: Option<Arc<KeySet>>, fetches: bool) -> Self {
        Self { configured, fetched, fetches }
    }

    /// The keys of this algorithm and `kid`, configured keys first.
    pub(crate) fn candidates<'k>(
        &'k self,
        algorithm: SignatureAlgorithm,
        kid: Option<&'k str>,
    ) -> impl Iterator<Item = (&'k VerificationKey, SigningKeyRef)> {
        let configured = self.configured.candidates(algorithm, kid);
        let configured = configured.map(|key| (key, SigningKeyRef::Configured(key.thumbprint())));
        let fetched = self.fetched.iter().flat_map(move |keys| keys.candidates(algorithm, kid));
        configured.chain(fetched.map(|key| (key, SigningKeyRef::Fetched(key.thumbprint()))))
    }

    /// Whether the key is still one of them.
    pub(crate) fn contains(&self, key: &SigningKeyRef) -> bool {
        match key {
            SigningKeyRef::Configured(thumbprint) => self.configured.contains(thumbprint),
            SigningKeyRef::Fetched(thumbprint) => self.fetched.as_ref().is_some_and(|keys| keys.contains(thumbprint)),
        }
    }

    /// Whether a fetch may bring a key of this `kid`, which none of the keys has now.
    pub(crate) fn may_be_new(&self, kid: Option<&str>) -> bool {
        let is_known = |kid| self.configured.names(kid) || self.fetched.as_ref().is_some_and(|keys| keys.names(kid));
        self.fetches && !kid.is_some_and(is_known)
    }
}

//! The keys that may have signed a token of one tenant at this moment.
//!
//! Scenarios: tests/scenarios/keys.rs.

use std::sync::Arc;

use super::algorithm::{AlgorithmSet, SignatureAlgorithm};
use super::key_set::KeySet;
use super::signing_key_ref::SigningKeyRef;
use super::verification_key::VerificationKey;

/// The configured keys of a tenant, and the fetched keys if they are fresh enough.
#[derive(Clone, Debug)]
pub struct TrustedKeys<'a> {
    configured: &'a KeySet,
    fetched: Option<Arc<KeySet>>,
    fetches: bool,
    id_tokens: IdTokenAlgorithms,
}

/// The algorithms that sign ID tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdTokenAlgorithms {
    /// Those that the tenant has configured.
    pub configured: Option<AlgorithmSet>,
    /// Those that the metadata of the provider list.
    pub published: Option<AlgorithmSet>,
}

impl<'a> TrustedKeys<'a> {
    /// The keys of a tenant. `fetched` are the keys that were fetched last, unless they are too
    /// old. `fetches` is whether the tenant fetches keys at all.
    pub fn new(configured: &'a KeySet, fetched: Option<Arc<KeySet>>, fetches: bool) -> Self {
        Self { configured, fetched, fetches, id_tokens: IdTokenAlgorithms::default() }
    }

    /// The same keys, where only these algorithms sign ID tokens.
    #[must_use]
    pub fn with_id_token_algorithms(self, id_tokens: IdTokenAlgorithms) -> Self {
        Self { id_tokens, ..self }
    }

    /// Whether an ID token may have a signature with this algorithm by `key`. What is published
    /// does not count for configured keys, each of which has its algorithm from the configuration.
    pub(crate) fn sign_id_tokens(&self, algorithm: SignatureAlgorithm, key: &SigningKeyRef) -> bool {
        let published = match key {
            SigningKeyRef::Configured(_) => None,
            SigningKeyRef::Fetched(_) => self.id_tokens.published,
        };
        self.id_tokens.configured.or(published).is_none_or(|algorithms| algorithms.has(algorithm))
    }

    /// The keys that may have made a signature with this algorithm and `kid`
    /// ([`KeySet::candidates`]), configured keys first. If a key has the `kid`, it is the only one.
    pub(crate) fn candidates<'k>(
        &'k self,
        algorithm: SignatureAlgorithm,
        kid: Option<&'k str>,
    ) -> impl Iterator<Item = (&'k VerificationKey, SigningKeyRef)> {
        let names = |keys: &KeySet| keys.named(algorithm, kid).is_some();
        let fetched = self.fetched.as_deref().filter(|_| !names(self.configured));
        let configured = Some(self.configured).filter(|_| !fetched.is_some_and(names));
        let of = move |keys: Option<&'k KeySet>| keys.into_iter().flat_map(move |keys| keys.candidates(algorithm, kid));
        let configured = of(configured).map(|key| (key, SigningKeyRef::Configured(key.thumbprint())));
        configured.chain(of(fetched).map(|key| (key, SigningKeyRef::Fetched(key.thumbprint()))))
    }

    /// Whether the key is still trusted.
    pub(crate) fn contains(&self, key: &SigningKeyRef) -> bool {
        match key {
            SigningKeyRef::Configured(thumbprint) => self.configured.contains(thumbprint),
            SigningKeyRef::Fetched(thumbprint) => self.fetched.as_ref().is_some_and(|keys| keys.contains(thumbprint)),
        }
    }

    /// The `kid`s of the keys that have one, configured keys first.
    pub(crate) fn kids(&self) -> impl Iterator<Item = &str> {
        self.configured.kids().chain(self.fetched.iter().flat_map(|keys| keys.kids()))
    }

    /// Whether a present key has this `kid`.
    pub(crate) fn names(&self, kid: &str) -> bool {
        self.configured.names(kid) || self.fetched.as_ref().is_some_and(|keys| keys.names(kid))
    }

    /// Whether the tenant fetches keys and no present key has this `kid`, so that a fetch may
    /// return the key. The key of a token without `kid` may always be a new one.
    pub(crate) fn may_be_new(&self, kid: Option<&str>) -> bool {
        self.fetches && !kid.is_some_and(|kid| self.names(kid))
    }
}

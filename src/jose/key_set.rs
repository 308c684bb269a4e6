//! A set of public keys.

use std::collections::HashSet;

use super::algorithm::{AlgorithmSet, SignatureAlgorithm};
use super::key_error::KeySetError;
use super::thumbprint::Thumbprint;
use super::verification_key::VerificationKey;

/// Public keys of one tenant, without duplicates.
#[derive(Debug, Default)]
pub struct KeySet(Box<[VerificationKey]>);

impl KeySet {
    /// A key set of configured keys, in this order.
    ///
    /// # Errors
    /// [`KeySetError`] if two keys have the same `kid`, a key occurs twice, more than
    /// [`MAX_UNNAMED`] keys of an algorithm have no `kid`, or there is no key.
    pub fn new(keys: Vec<VerificationKey>) -> Result<Self, KeySetError> {
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        let mut thumbprints = HashSet::new();
        let mut kids = HashSet::new();
        let is_unnamed = |key: &&VerificationKey| key.kid().is_none();
        for algorithm in keys.iter().filter(is_unnamed).map(VerificationKey::algorithm) {
            if keys.iter().filter(is_unnamed).filter(|key| key.algorithm() == algorithm).count() > MAX_UNNAMED {
                return Err(KeySetError::Unnamed(algorithm));
            }
        }
        // Most tenants have one key.
        for key in keys.iter().filter(|_| keys.len() > 1) {
            if !thumbprints.insert(key.thumbprint()) {
                return Err(KeySetError::DuplicateKey);
            }
            if let Some(kid) = key.kid()
                && !kids.insert(kid)
            {
                return Err(KeySetError::DuplicateKid(kid.to_owned()));
            }
        }
        Ok(Self(keys.into()))
    }

    /// A key set of fetched keys, in this order. Configured keys take precedence: a key that is
    /// also in `configured`, or has the `kid` of a key there, is omitted. A key that occurs twice
    /// in `keys` with the same algorithm is kept once.
    pub fn beside(configured: &Self, keys: Vec<VerificationKey>) -> Self {
        let mut seen = HashSet::new();
        let is_new = |key: &VerificationKey| {
            let named = |other: &VerificationKey| key.kid().is_some() && key.kid() == other.kid();
            !configured.0.iter().any(|other| other.thumbprint() == key.thumbprint() || named(other))
                && seen.insert((key.thumbprint(), key.algorithm()))
        };
        Self(keys.into_iter().filter(is_new).collect())
    }

    /// The same set, in which an RSA key that declares no algorithm verifies the RSA algorithms in
    /// `named`, if there are any. Otherwise it verifies RS256.
    #[must_use]
    pub fn for_each(self, named: AlgorithmSet) -> Self {
        Self(self.0.into_vec().into_iter().flat_map(|key| key.for_each(named)).collect())
    }

    /// Whether a key of the set verifies one of these algorithms.
    pub fn verifies_any(&self, algorithms: AlgorithmSet) -> bool {
        self.0.iter().any(|key| algorithms.has(key.algorithm()))
    }

    /// The keys, in this order.
    pub fn iter(&self) -> impl Iterator<Item = &VerificationKey> {
        self.0.iter()
    }

    /// Whether the set has no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that may have made a signature with this algorithm: the one with the `kid` of the
    /// token, else the first [`MAX_UNNAMED`] of those that have no `kid` or, for a token without
    /// `kid`, of all. The number is limited, because anyone can send a token, and each key costs a
    /// verification. An issuer with several keys names the key in each token (OpenID Connect Core
    /// section 10.1).
    pub fn candidates<'a>(
        &'a self,
        algorithm: SignatureAlgorithm,
        kid: Option<&'a str>,
    ) -> impl Iterator<Item = &'a VerificationKey> {
        let named = self.named(algorithm, kid);
        let is_unnamed = move |key: &&VerificationKey| {
            named.is_none() && key.algorithm() == algorithm && (kid.is_none() || key.kid().is_none())
        };
        named.into_iter().chain(self.0.iter().filter(is_unnamed).take(MAX_UNNAMED))
    }

    /// The first key with this algorithm and `kid`.
    pub(super) fn named(&self, algorithm: SignatureAlgorithm, kid: Option<&str>) -> Option<&VerificationKey> {
        kid.and_then(|kid| self.0.iter().find(|key| key.algorithm() == algorithm && key.kid() == Some(kid)))
    }

    /// The `kid`s of the keys that have one.
    pub(super) fn kids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(VerificationKey::kid)
    }

    /// Whether a key in the set has this `kid`.
    pub fn names(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid() == Some(kid))
    }

    /// Whether a key in the set has this thumbprint.
    pub fn contains(&self, thumbprint: &Thumbprint) -> bool {
        self.0.iter().any(|key| key.thumbprint() == *thumbprint)
    }
}

/// The most keys of a set that are tried for a token that names none of them: the old and the new
/// key during a rotation.
const MAX_UNNAMED: usize = 2;

use std::collections::HashSet;

use super::algorithm::SignatureAlgorithm;
use super::key_error::KeySetError;
use super::thumbprint::Thumbprint;
use super::verification_key::VerificationKey;

/// Keys of one tenant, no two alike.
#[derive(Debug, Default)]
pub struct KeySet(Vec<VerificationKey>);

impl KeySet {
    /// Puts configured keys together, in order.
    ///
    /// # Errors
    /// [`KeySetError`] if a `kid` would not name one key, a key is there twice, or there is none.
    pub fn new(keys: Vec<VerificationKey>) -> Result<Self, KeySetError> {
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        let mut thumbprints = HashSet::new();
        let mut kids = HashSet::new();
        for key in &keys {
            if !thumbprints.insert(key.thumbprint()) {
                return Err(KeySetError::DuplicateKey);
            }
            if let Some(kid) = key.kid()
                && !kids.insert(kid)
            {
                return Err(KeySetError::DuplicateKid(kid.to_owned()));
            }
        }
        Ok(Self(keys))
    }

    /// Puts fetched keys together, in order. Those of `configured` win: one that is there too, or has a `kid` that names one
    /// there, is left out, and so is one that stands in `keys` twice.
    pub fn beside(configured: &Self, keys: Vec<VerificationKey>) -> Self {
        let mut seen = HashSet::new();
        let is_new = |key: &VerificationKey| {
            let named = |other: &VerificationKey| key.kid().is_some() && key.kid() == other.kid();
            !configured.0.iter().any(|other| other.thumbprint() == key.thumbprint() || named(other))
                && seen.insert((key.thumbprint(), key.algorithm()))
        };
        Self(keys.into_iter().filter(is_new).collect())
    }

    /// The keys that may have made a signature: of this algorithm, and of this `kid` where both the token and the key
    /// have one. A PEM key has none unless it is configured.
    pub fn candidates<'a>(
        &'a self,
        algorithm: SignatureAlgorithm,
        kid: Option<&'a str>,
    ) -> impl Iterator<Item = &'a VerificationKey> {
        self.0
            .iter()
            .filter(move |key| key.algorithm() == algorithm)
            .filter(move |key| kid.is_none() || key.kid().is_none() || key.kid() == kid)
    }

    /// Whether a key has this `kid`.
    pub fn names(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid() == Some(kid))
    }

    /// Whether a key of this thumbprint is in the set.
    pub fn contains(&self, thumbprint: &Thumbprint) -> bool {
        self.0.iter().any(|key| key.thumbprint() == *thumbprint)
    }
}

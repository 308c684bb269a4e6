use std::collections::HashSet;

use super::algorithm::SignatureAlgorithm;
use super::key::VerificationKey;
use super::problem::KeySetProblem;
use super::thumbprint::Thumbprint;

/// The keys of one tenant: at least one, no two alike.
#[derive(Debug)]
pub struct KeySet(Vec<VerificationKey>);

impl KeySet {
    /// Puts keys together, in order.
    ///
    /// # Errors
    /// [`KeySetProblem`] if a `kid` would not name one key, a key is there twice, or there is none.
    pub fn new(keys: Vec<VerificationKey>) -> Result<Self, KeySetProblem> {
        if keys.is_empty() {
            return Err(KeySetProblem::Empty);
        }
        let mut thumbprints = HashSet::new();
        let mut kids = HashSet::new();
        for key in &keys {
            if !thumbprints.insert(key.thumbprint()) {
                return Err(KeySetProblem::DuplicateKey);
            }
            if let Some(kid) = key.kid()
                && !kids.insert(kid)
            {
                return Err(KeySetProblem::DuplicateKid(kid.to_owned()));
            }
        }
        Ok(Self(keys))
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

    /// Whether a key of this thumbprint is in the set.
    pub fn contains(&self, thumbprint: &Thumbprint) -> bool {
        self.0.iter().any(|key| key.thumbprint() == *thumbprint)
    }
}

use std::fmt;

use ed25519_compact::PublicKey as Ed25519Key;
use jwt_compact::alg::{Ed25519, Es256, Rsa};
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::{Algorithm, AlgorithmSignature};
use p256::ecdsa::VerifyingKey as P256Key;
use rsa::{BigUint, RsaPublicKey};
use sha2::Sha256;

use super::algorithm::SignatureAlgorithm;
use super::problem::{KeyProblem, MAX_RSA_BITS, MIN_RSA_BITS};
use super::thumbprint::Thumbprint;

/// One public key, with the one algorithm that it verifies.
#[derive(Clone)]
pub struct VerificationKey {
    key: PublicKey,
    kid: Option<String>,
    thumbprint: Thumbprint,
}

#[derive(Clone)]
enum PublicKey {
    Rsa(RsaPublicKey),
    P256(P256Key),
    Ed25519(Ed25519Key),
}

impl VerificationKey {
    /// An RSA key from its big-endian modulus and exponent.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyProblem> {
        let (modulus, exponent) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
        let bits = modulus.bits();
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(KeyProblem::RsaSize(bits));
        }
        if exponent < BigUint::from(3_u8) || exponent.to_bytes_le().first().is_none_or(|low| low & 1 == 0) {
            return Err(KeyProblem::Exponent);
        }
        let key = RsaPublicKey::new_with_max_size(modulus, exponent, MAX_RSA_BITS)
            .map_err(|_| KeyProblem::Malformed("modulus and exponent are no RSA key"))?;
        Ok(Self::new(PublicKey::Rsa(key)))
    }

    /// A P-256 key from its SEC1 point.
    pub(super) fn p256(point: &[u8]) -> Result<Self, KeyProblem> {
        let key = P256Key::from_sec1_bytes(point).map_err(|_| KeyProblem::Malformed("the point is not on P-256"))?;
        Ok(Self::new(PublicKey::P256(key)))
    }

    /// An Ed25519 key from its 32 bytes.
    pub(super) fn ed25519(bytes: &[u8]) -> Result<Self, KeyProblem> {
        let malformed = KeyProblem::Malformed("an Ed25519 key has 32 bytes");
        Ed25519Key::from_slice(bytes).map(|key| Self::new(PublicKey::Ed25519(key))).map_err(|_| malformed)
    }

    fn new(key: PublicKey) -> Self {
        let digest = match &key {
            PublicKey::Rsa(key) => JsonWebKey::from(key).thumbprint::<Sha256>(),
            PublicKey::P256(key) => JsonWebKey::from(key).thumbprint::<Sha256>(),
            PublicKey::Ed25519(key) => JsonWebKey::from(key).thumbprint::<Sha256>(),
        };
        let thumbprint = Thumbprint(digest.into());
        Self { key, kid: None, thumbprint }
    }

    /// The same key under a `kid`.
    #[must_use]
    pub fn with_kid(self, kid: Option<String>) -> Self {
        Self { kid, ..self }
    }

    /// The algorithm that its signatures have.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        match self.key {
            PublicKey::Rsa(_) => SignatureAlgorithm::Rs256,
            PublicKey::P256(_) => SignatureAlgorithm::Es256,
            PublicKey::Ed25519(_) => SignatureAlgorithm::EdDsa,
        }
    }

    /// The Key ID, if it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Its name, whatever its `kid` is.
    pub fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// Whether `signature`, in the form that JWS has it, is one of this key over `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            PublicKey::Rsa(key) => verify_with(&Rsa::rs256(), key, message, signature),
            PublicKey::P256(key) => verify_with(&Es256, key, message, signature),
            PublicKey::Ed25519(key) => verify_with(&Ed25519, key, message, signature),
        }
    }
}

fn verify_with<A: Algorithm>(algorithm: &A, key: &A::VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    // Some implementations panic on another length than their own.
    let fits = A::Signature::LENGTH.is_none_or(|length| signature.len() == length.get());
    fits && A::Signature::try_from_slice(signature)
        .is_ok_and(|signature| algorithm.verify_signature(&signature, key, message))
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationKey")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid)
            .field("thumbprint", &self.thumbprint)
            .finish_non_exhaustive()
    }
}

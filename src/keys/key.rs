use std::borrow::Cow;
use std::fmt;

use ed25519_compact::PublicKey as Ed25519Key;
use jwt_compact::alg::{Ed25519, Es256, Rsa};
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::{Algorithm, AlgorithmSignature};
use p256::ecdsa::VerifyingKey as P256Key;
use rsa::pkcs8::EncodePublicKey;
use rsa::{BigUint, RsaPublicKey};
use sha2::Sha256;

use super::algorithm::SignatureAlgorithm;
use super::der::Curve;
use super::host::{HostAlgorithms, HostVerifier};
use super::problem::{KeyProblem, MAX_RSA_BITS, MIN_RSA_BITS};
use super::thumbprint::Thumbprint;

/// One public key, with the one algorithm that it verifies.
#[derive(Clone)]
pub struct VerificationKey {
    key: PublicKey,
    algorithm: SignatureAlgorithm,
    kid: Option<String>,
    thumbprint: Thumbprint,
    /// DER of the SubjectPublicKeyInfo, for the host.
    der: Vec<u8>,
}

#[derive(Clone)]
enum PublicKey {
    Rsa(RsaPublicKey),
    P256(P256Key),
    /// A key on a curve that only a host knows; whether the point is on it, the host finds out.
    HostOnly(Curve),
    Ed25519(Ed25519Key),
}

impl VerificationKey {
    /// An RSA key from its big-endian modulus and exponent, for RS256.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyProblem> {
        let (modulus, exponent) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
        let bits = modulus.bits();
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(KeyProblem::RsaSize(bits));
        }
        if exponent < BigUint::from(3_u8) || exponent.to_bytes_le().first().is_none_or(|low| low & 1 == 0) {
            return Err(KeyProblem::Exponent);
        }
        let malformed = KeyProblem::Malformed("modulus and exponent are no RSA key");
        let key = RsaPublicKey::new_with_max_size(modulus, exponent, MAX_RSA_BITS).map_err(|_| malformed.clone())?;
        let der = key.to_public_key_der().map_err(|_| malformed)?.into_vec();
        let jwk = JsonWebKey::from(&key);
        Ok(Self::new(&jwk, der, SignatureAlgorithm::Rs256, PublicKey::Rsa(key.clone())))
    }

    /// A key on a curve of NIST, from its coordinates.
    pub(super) fn elliptic(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, KeyProblem> {
        if x.len() != curve.coordinate() || y.len() != curve.coordinate() {
            return Err(KeyProblem::Malformed("`x` and `y` do not have the length that the curve wants"));
        }
        let point = [&[4][..], x, y].concat();
        let (algorithm, key) = match curve {
            Curve::P256 => {
                let key = P256Key::from_sec1_bytes(&point);
                let key = key.map_err(|_| KeyProblem::Malformed("the point is not on P-256"))?;
                (SignatureAlgorithm::Es256, PublicKey::P256(key))
            }
            Curve::P384 => (SignatureAlgorithm::Es384, PublicKey::HostOnly(curve)),
            Curve::P521 => (SignatureAlgorithm::Es512, PublicKey::HostOnly(curve)),
        };
        let (name, x, y) = (Cow::Borrowed(curve.name()), Cow::Borrowed(x), Cow::Borrowed(y));
        let jwk = JsonWebKey::EllipticCurve { curve: name, x, y, secret: None };
        Ok(Self::new(&jwk, curve.subject_public_key_info(&point), algorithm, key))
    }

    /// A key on a curve of NIST, from its uncompressed SEC1 point.
    pub(super) fn elliptic_point(curve: Curve, point: &[u8]) -> Result<Self, KeyProblem> {
        let malformed = KeyProblem::Malformed("the point is not an uncompressed one on its curve");
        match point.split_first() {
            Some((4, coordinates)) => {
                let (x, y) = coordinates.split_at_checked(curve.coordinate()).ok_or(malformed)?;
                Self::elliptic(curve, x, y)
            }
            _ => Err(malformed),
        }
    }

    /// An Ed25519 key from its 32 bytes.
    pub(super) fn ed25519(bytes: &[u8]) -> Result<Self, KeyProblem> {
        let malformed = KeyProblem::Malformed("an Ed25519 key has 32 bytes");
        let key = Ed25519Key::from_slice(bytes).map_err(|_| malformed)?;
        let jwk = JsonWebKey::from(&key);
        // No host verifies it, so none needs its DER.
        Ok(Self::new(&jwk, Vec::new(), SignatureAlgorithm::EdDsa, PublicKey::Ed25519(key)))
    }

    fn new(jwk: &JsonWebKey<'_>, der: Vec<u8>, algorithm: SignatureAlgorithm, key: PublicKey) -> Self {
        let thumbprint = Thumbprint(jwk.thumbprint::<Sha256>().into());
        Self { key, algorithm, kid: None, thumbprint, der }
    }

    /// The same key under a `kid`.
    #[must_use]
    pub fn with_kid(self, kid: Option<String>) -> Self {
        Self { kid, ..self }
    }

    /// The same key for the algorithm of this name. An RSA key can have any of RSA, every other key has just one.
    ///
    /// # Errors
    /// [`KeyProblem`] if the name is not known, or keys of this type do not have the algorithm.
    pub fn for_algorithm(self, name: &str) -> Result<Self, KeyProblem> {
        let mismatch = || KeyProblem::AlgorithmMismatch { declared: name.to_owned(), actual: self.algorithms() };
        let algorithm = SignatureAlgorithm::parse(name).ok_or_else(mismatch)?;
        let fits = algorithm == self.algorithm || (algorithm.is_rsa() && self.algorithm.is_rsa());
        if fits { Ok(Self { algorithm, ..self }) } else { Err(mismatch()) }
    }

    fn algorithms(&self) -> &'static str {
        if self.algorithm.is_rsa() { "RS256, RS384, RS512, PS256, PS384 or PS512" } else { self.algorithm.name() }
    }

    /// The algorithm that its signatures have.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The Key ID, if it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Its name, whatever its `kid` is.
    pub fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// Whether the module cannot verify its signatures by itself.
    pub fn needs_host(&self) -> bool {
        matches!(self.key, PublicKey::HostOnly(_))
    }

    /// Whether `signature`, in the form that JWS has it, is one of this key over `message`. The host is asked if it is trusted with
    /// the algorithm; what it cannot answer, the module finds out.
    pub fn verify(&self, message: &[u8], signature: &[u8], verifier: Verifier<'_>) -> bool {
        if verifier.trusted.has(self.algorithm)
            && let Some(verdict) = self.ask(verifier.host, message, signature)
        {
            return verdict;
        }
        match (&self.key, self.algorithm) {
            (PublicKey::Rsa(key), algorithm) => {
                let Some(rsa) = rsa_of(algorithm) else { return false };
                verify_with(&rsa, key, message, signature)
            }
            (PublicKey::P256(key), _) => verify_with(&Es256, key, message, signature),
            (PublicKey::Ed25519(key), _) => verify_with(&Ed25519, key, message, signature),
            (PublicKey::HostOnly(_), _) => false,
        }
    }

    /// The host's verdict. A signature of the wrong length is none, without asking.
    fn ask(&self, host: &dyn HostVerifier, message: &[u8], signature: &[u8]) -> Option<bool> {
        let curve = match &self.key {
            PublicKey::Rsa(_) => {
                return host.verify_signature(self.algorithm.hash(), &self.der, signature, message);
            }
            PublicKey::P256(_) => Curve::P256,
            PublicKey::HostOnly(curve) => *curve,
            PublicKey::Ed25519(_) => return None,
        };
        let Some(signature) = curve.signature(signature) else { return Some(false) };
        host.verify_signature(self.algorithm.hash(), &self.der, &signature, message)
    }
}

/// What signatures are verified with.
#[derive(Clone, Copy)]
pub struct Verifier<'a> {
    /// The host, for the algorithms that it is trusted with.
    pub host: &'a dyn HostVerifier,
    /// Those algorithms.
    pub trusted: HostAlgorithms,
}

fn rsa_of(algorithm: SignatureAlgorithm) -> Option<Rsa> {
    Some(match algorithm {
        SignatureAlgorithm::Rs256 => Rsa::rs256(),
        SignatureAlgorithm::Rs384 => Rsa::rs384(),
        SignatureAlgorithm::Rs512 => Rsa::rs512(),
        SignatureAlgorithm::Ps256 => Rsa::ps256(),
        SignatureAlgorithm::Ps384 => Rsa::ps384(),
        SignatureAlgorithm::Ps512 => Rsa::ps512(),
        SignatureAlgorithm::Es256
        | SignatureAlgorithm::Es384
        | SignatureAlgorithm::Es512
        | SignatureAlgorithm::EdDsa => {
            return None;
        }
    })
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
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .field("thumbprint", &self.thumbprint)
            .finish_non_exhaustive()
    }
}

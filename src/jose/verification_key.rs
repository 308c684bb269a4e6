//! Public keys and the verification of signatures with them.

use std::fmt;

use ed25519_dalek::VerifyingKey as Ed25519Key;
use jwt_compact::Algorithm as _;
use p256::AffinePoint;
use p256::ecdsa::VerifyingKey as P256Key;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::subtle::CtOption;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, PublicKey as RsaKey};

use super::algorithm::{AlgorithmSet, SignatureAlgorithm};
use super::der::{Curve, rsa_public_key_info, without_zeros};
use super::host_verifier::{HostAlgorithms, HostVerifier};
use super::key_error::{KeyError, MAX_FETCHED_RSA_BYTES, MAX_RSA_BITS, MIN_RSA_BITS};
use super::module_verifier::{ByModule, PublicKey};
use super::thumbprint::Thumbprint;

/// A public key and the one algorithm that it verifies.
#[derive(Clone)]
pub struct VerificationKey {
    key: PublicKey,
    algorithm: SignatureAlgorithm,
    /// Whether the key declares its algorithm, or has the default of its type.
    is_declared: bool,
    kid: Option<String>,
    thumbprint: Thumbprint,
    /// The SubjectPublicKeyInfo in DER, for the host.
    der: Vec<u8>,
}

impl VerificationKey {
    /// An RSA key from its big-endian modulus and exponent, for RS256.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let (modulus, exponent) = (without_zeros(modulus), without_zeros(exponent));
        let bits = bits(modulus);
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(KeyError::RsaSize(bits));
        }
        if matches!(exponent, [] | [1]) || exponent.last().is_none_or(|low| low & 1 == 0) {
            return Err(KeyError::Exponent);
        }
        let malformed = KeyError::Malformed("modulus and exponent are no RSA key");
        let number = BoxedUint::from_be_slice_vartime;
        let key = RsaKey::new_with_size_limits(number(modulus), number(exponent), MIN_RSA_BITS..=MAX_RSA_BITS);
        let key = key.map_err(|_| malformed.clone())?;
        let der = rsa_public_key_info(modulus, exponent).ok_or(malformed)?;
        let thumbprint = Thumbprint::of_rsa(modulus, exponent);
        Ok(Self::new(thumbprint, der, SignatureAlgorithm::Rs256, PublicKey::Rsa(Box::new(key))))
    }

    /// A key on a NIST curve from its coordinates.
    pub(super) fn elliptic(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        if x.len() != curve.coordinate() || y.len() != curve.coordinate() {
            return Err(KeyError::Malformed("`x` and `y` do not have the length that the curve wants"));
        }
        let point = [&[4][..], x, y].concat();
        let (algorithm, key) = match curve {
            Curve::P256 => {
                // The general constructor contains the code for compressed points, too.
                let coordinates = <&[u8; 32]>::try_from(x).ok().zip(<&[u8; 32]>::try_from(y).ok());
                let on_curve = coordinates.map(|(x, y)| AffinePoint::from_coordinates(x.into(), y.into()));
                let key = on_curve.and_then(CtOption::into_option).and_then(|point| P256Key::from_affine(point).ok());
                let key = key.ok_or(KeyError::Malformed("the point is not on P-256"))?;
                (SignatureAlgorithm::Es256, PublicKey::P256(key))
            }
            Curve::P384 => (SignatureAlgorithm::Es384, PublicKey::HostOnly(curve)),
            Curve::P521 => (SignatureAlgorithm::Es512, PublicKey::HostOnly(curve)),
        };
        let thumbprint = Thumbprint::of_elliptic(curve.name(), x, y);
        Ok(Self::new(thumbprint, curve.subject_public_key_info(&point), algorithm, key))
    }

    /// A key on a NIST curve from its uncompressed SEC1 point.
    pub(super) fn elliptic_point(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        let malformed = KeyError::Malformed("the point is not an uncompressed one on its curve");
        match point.split_first() {
            Some((4, coordinates)) => {
                let (x, y) = coordinates.split_at_checked(curve.coordinate()).ok_or(malformed)?;
                Self::elliptic(curve, x, y)
            }
            _ => Err(malformed),
        }
    }

    /// An Ed25519 key from its 32 bytes. A key of small order is rejected, because anyone can make
    /// signatures for it.
    pub(super) fn ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed("an Ed25519 key has 32 bytes");
        let octets: &[u8; 32] = bytes.try_into().map_err(|_| malformed())?;
        let key = Ed25519Key::from_bytes(octets).ok().filter(|key| !key.is_weak());
        let key = key.ok_or(KeyError::Malformed("the point is not on Ed25519 or has a small order"))?;
        let thumbprint = Thumbprint::of_ed25519(octets);
        // No host verifies Ed25519 signatures, so the DER is not needed.
        Ok(Self::new(thumbprint, Vec::new(), SignatureAlgorithm::EdDsa, PublicKey::Ed25519(Box::new(key))))
    }

    fn new(thumbprint: Thumbprint, der: Vec<u8>, algorithm: SignatureAlgorithm, key: PublicKey) -> Self {
        Self { key, algorithm, is_declared: false, kid: None, thumbprint, der }
    }

    /// The same key with this `kid`.
    #[must_use]
    pub fn with_kid(self, kid: Option<String>) -> Self {
        Self { kid, ..self }
    }

    /// The same key for the algorithm of this name. An RSA key can have any RSA algorithm, and
    /// every other key has only one.
    ///
    /// # Errors
    /// [`KeyError`] if the algorithm is not supported, or keys of this type do not allow it.
    pub fn for_algorithm(self, name: &str) -> Result<Self, KeyError> {
        let mismatch = || KeyError::AlgorithmMismatch { declared: name.to_owned(), actual: self.algorithms() };
        let algorithm = SignatureAlgorithm::parse(name).ok_or_else(mismatch)?;
        let fits = algorithm == self.algorithm || (algorithm.is_rsa() && self.algorithm.is_rsa());
        if fits { Ok(Self { algorithm, is_declared: true, ..self }) } else { Err(mismatch()) }
    }

    /// The same key for each of the RSA algorithms in `named`, if it is an RSA key that does not
    /// declare its algorithm; else the key alone. So each key still has one algorithm.
    pub(super) fn for_each(self, named: AlgorithmSet) -> Vec<Self> {
        let fits = |algorithm: &SignatureAlgorithm| algorithm.is_rsa() && named.has(*algorithm);
        if self.is_declared || !self.algorithm.is_rsa() || !SignatureAlgorithm::ALL.iter().any(fits) {
            return vec![self];
        }
        SignatureAlgorithm::ALL.into_iter().filter(fits).map(|algorithm| Self { algorithm, ..self.clone() }).collect()
    }

    /// The names of the algorithms that keys of this type allow.
    fn algorithms(&self) -> &'static str {
        if self.algorithm.is_rsa() { "RS256, RS384, RS512, PS256, PS384 or PS512" } else { self.algorithm.name() }
    }

    /// The algorithm that the key verifies.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The Key ID, if the key has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The thumbprint of the key, which does not depend on its `kid`.
    pub fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// Whether only the host can verify the key's signatures.
    pub fn needs_host(&self) -> bool {
        matches!(self.key, PublicKey::HostOnly(_))
    }

    /// Whether `signature`, in the form that JWS defines, is a valid signature of this key over
    /// `message`. The host verifies it if it is trusted with the algorithm. If the host is not
    /// trusted or cannot answer, the filter itself verifies the signature.
    pub fn verify(&self, message: &[u8], signature: &[u8], verifier: Verifier<'_>) -> bool {
        self.verify_by_host(message, signature, verifier).unwrap_or_else(|| self.verify_by_module(message, signature))
    }

    /// The verdict of the host. `None` if the host is not trusted with the algorithm, or cannot
    /// answer.
    pub(crate) fn verify_by_host(&self, message: &[u8], signature: &[u8], verifier: Verifier<'_>) -> Option<bool> {
        verifier.trusted.has(self.algorithm).then(|| self.ask(verifier.host, message, signature)).flatten()
    }

    /// The verdict of the filter itself, which takes the time that [`cost`](Self::cost) says.
    pub(crate) fn verify_by_module(&self, message: &[u8], signature: &[u8]) -> bool {
        ByModule(self.algorithm).verify_signature(&signature.into(), &self.key, message)
    }

    /// What a verification by the filter itself costs, in units of about 0.4 ms. With an RSA key
    /// the time grows with the square of the size.
    pub(crate) fn cost(&self) -> u32 {
        match &self.key {
            PublicKey::Rsa(key) => {
                let size = u32::try_from(key.size() / 128).unwrap_or(u32::MAX);
                size.saturating_mul(size) / 4
            }
            PublicKey::P256(_) => 2,
            PublicKey::Ed25519(_) => 1,
            PublicKey::HostOnly(_) => 0,
        }
    }

    /// Whether a verification with the key takes much longer than with those that issuers use: it
    /// is an RSA key of more than 4,096 bits, or with an exponent above 65,537.
    pub(super) fn is_costly(&self) -> bool {
        match &self.key {
            PublicKey::Rsa(key) => {
                let exponent = key.e_bytes();
                key.size() > MAX_FETCHED_RSA_BYTES || (exponent.len(), &*exponent) > (3, &[1, 0, 1])
            }
            PublicKey::P256(_) | PublicKey::Ed25519(_) | PublicKey::HostOnly(_) => false,
        }
    }

    /// The answer of the host, or `None` if it cannot verify the signature. An ECDSA signature of
    /// the wrong length is rejected without a call to the host.
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

/// The means to verify signatures: the host, as far as it is trusted.
#[derive(Clone, Copy)]
pub struct Verifier<'a> {
    /// The host, which verifies the algorithms in `trusted`.
    pub host: &'a dyn HostVerifier,
    /// The algorithms that the host is trusted with.
    pub trusted: HostAlgorithms,
}

/// The number of bits of a big-endian number without leading zero bytes.
fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros());
    number.len().saturating_mul(8).saturating_sub(usize::try_from(unused).unwrap_or(0))
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

//! Verification of signatures in the filter itself, with the crates that are fastest in V8. The
//! times are microseconds for one verification; those in parentheses are of the release that
//! jwt-compact uses, or of the alternative crate:
//!
//! - RSA of 2,048 bits: rsa 0.10, 410 (rsa 0.9: 630)
//! - ECDSA on P-256: p256 0.14, 700 (p256 0.13: 1,100)
//! - Ed25519: ed25519-dalek 3.0, 130 (ed25519-compact 2.2: 260)

use std::borrow::Cow;
use std::convert::Infallible;

use ed25519_dalek::{Signature as Ed25519Signature, VerifyingKey as Ed25519Key};
use jwt_compact::{Algorithm, AlgorithmSignature};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature as P256Signature, VerifyingKey as P256Key};
use rsa::traits::SignatureScheme;
use rsa::{Pkcs1v15Sign, Pss, PublicKey as RsaKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::algorithm::SignatureAlgorithm;
use super::der::Curve;

/// A public key in the form that its crate uses. The large ones are boxed, since most keys are not.
#[derive(Clone)]
pub(super) enum PublicKey {
    Rsa(Box<RsaKey>),
    P256(P256Key),
    /// A key on a curve that only the host supports. The host checks that the point is on the
    /// curve.
    HostOnly(Curve),
    Ed25519(Box<Ed25519Key>),
}

/// A signature algorithm in the form that jwt-compact defines. It verifies and cannot sign.
pub(super) struct ByModule(pub(super) SignatureAlgorithm);

impl Algorithm for ByModule {
    type SigningKey = Infallible;
    type VerifyingKey = PublicKey;
    type Signature = Octets;

    fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.0.name())
    }

    fn sign(&self, key: &Infallible, _message: &[u8]) -> Octets {
        match *key {}
    }

    /// A key of another algorithm verifies no signature.
    fn verify_signature(&self, Octets(signature): &Octets, key: &PublicKey, message: &[u8]) -> bool {
        match key {
            PublicKey::Rsa(key) => rsa(self.0, key, message, signature),
            PublicKey::P256(key) => {
                self.0 == SignatureAlgorithm::Es256
                    && P256Signature::from_slice(signature).is_ok_and(|it| key.verify(message, &it).is_ok())
            }
            // Strict verification rejects points of small order and a second signature for the same
            // message (RFC 8032 section 5.1.7).
            PublicKey::Ed25519(key) => {
                self.0 == SignatureAlgorithm::EdDsa
                    && Ed25519Signature::from_slice(signature).is_ok_and(|it| key.verify_strict(message, &it).is_ok())
            }
            PublicKey::HostOnly(_) => false,
        }
    }
}

/// Verifies an RSA signature: PKCS#1 v1.5, or PSS with a salt of the length of the hash and MGF1
/// with the same hash function (RFC 7518 sections 3.3 and 3.5).
fn rsa(algorithm: SignatureAlgorithm, key: &RsaKey, message: &[u8], signature: &[u8]) -> bool {
    fn verify<D: Digest>(scheme: impl SignatureScheme, key: &RsaKey, message: &[u8], signature: &[u8]) -> bool {
        key.verify(scheme, &D::digest(message), signature).is_ok()
    }
    match algorithm {
        SignatureAlgorithm::Rs256 => verify::<Sha256>(Pkcs1v15Sign::new::<Sha256>(), key, message, signature),
        SignatureAlgorithm::Rs384 => verify::<Sha384>(Pkcs1v15Sign::new::<Sha384>(), key, message, signature),
        SignatureAlgorithm::Rs512 => verify::<Sha512>(Pkcs1v15Sign::new::<Sha512>(), key, message, signature),
        SignatureAlgorithm::Ps256 => verify::<Sha256>(Pss::<Sha256>::new(), key, message, signature),
        SignatureAlgorithm::Ps384 => verify::<Sha384>(Pss::<Sha384>::new(), key, message, signature),
        SignatureAlgorithm::Ps512 => verify::<Sha512>(Pss::<Sha512>::new(), key, message, signature),
        SignatureAlgorithm::Es256
        | SignatureAlgorithm::Es384
        | SignatureAlgorithm::Es512
        | SignatureAlgorithm::EdDsa => false,
    }
}

/// A signature in the form that JWS defines, of any length.
pub(super) struct Octets(Vec<u8>);

impl AlgorithmSignature for Octets {
    fn try_from_slice(slice: &[u8]) -> anyhow::Result<Self> {
        Ok(Self(slice.to_vec()))
    }

    fn as_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.0)
    }
}

impl From<&[u8]> for Octets {
    fn from(octets: &[u8]) -> Self {
        Self(octets.to_vec())
    }
}

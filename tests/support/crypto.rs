//! A host that verifies signatures as Envoy does, with real cryptography.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p521::pkcs8::DecodePublicKey;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};
use tenantgate::keys::{Hash, HostVerifier};

/// RSA with PKCS#1 v1.5 and ECDSA on the three curves of NIST.
pub struct RealCrypto;

impl HostVerifier for RealCrypto {
    fn verify_signature(&self, hash: Hash, public_key: &[u8], signature: &[u8], message: &[u8]) -> Option<bool> {
        let (digest, padding) = match hash {
            Hash::Sha256 => (Sha256::digest(message).to_vec(), Pkcs1v15Sign::new::<Sha256>()),
            Hash::Sha384 => (Sha384::digest(message).to_vec(), Pkcs1v15Sign::new::<Sha384>()),
            Hash::Sha512 => (Sha512::digest(message).to_vec(), Pkcs1v15Sign::new::<Sha512>()),
        };
        // A key that cannot be read is an error text and `result: false` in Envoy.
        let good = if let Ok(key) = RsaPublicKey::from_public_key_der(public_key) {
            key.verify(padding, &digest, signature).is_ok()
        } else if let Ok(key) = p256::ecdsa::VerifyingKey::from_public_key_der(public_key) {
            p256::ecdsa::DerSignature::from_bytes(signature)
                .is_ok_and(|signature| key.verify_prehash(&digest, &signature).is_ok())
        } else if let Ok(key) = p384::ecdsa::VerifyingKey::from_public_key_der(public_key) {
            p384::ecdsa::DerSignature::from_bytes(signature)
                .is_ok_and(|signature| key.verify_prehash(&digest, &signature).is_ok())
        } else if let Ok(key) = p521::PublicKey::from_public_key_der(public_key) {
            let key = p521::ecdsa::VerifyingKey::from_affine(*key.as_affine()).unwrap();
            p521::ecdsa::DerSignature::from_bytes(signature)
                .ok()
                .and_then(|signature| p521::ecdsa::Signature::try_from(signature).ok())
                .is_some_and(|signature| key.verify_prehash(&digest, &signature).is_ok())
        } else {
            false
        };
        Some(good)
    }
}

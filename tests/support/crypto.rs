//! The cryptography of Envoy's host functions: BoringSSL's code in `ring`, and for P-521 another
//! crate, since `ring` does not have that curve.

use p521::ecdsa::signature::hazmat::PrehashVerifier;
use ring::rand::SystemRandom;
use ring::signature::{self, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm};
use rsa::pkcs8::der::Decode;
use rsa::pkcs8::der::oid::ObjectIdentifier;
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;
use sha2::{Digest, Sha512};
use tenantgate::jose::{Hash, HostVerifier};

/// RSA with PKCS#1 v1.5, and ECDSA on the three NIST curves.
pub struct RealCrypto;

impl HostVerifier for RealCrypto {
    fn verify_signature(&self, hash: Hash, public_key: &[u8], signature: &[u8], message: &[u8]) -> Option<bool> {
        let by_ring = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
        };
        // For a key that cannot be read, Envoy answers with an error text and `result: false`.
        let Ok(info) = SubjectPublicKeyInfoRef::from_der(public_key) else { return Some(false) };
        let key = info.subject_public_key.raw_bytes();
        let good = match (info.algorithm.parameters_oid(), hash) {
            (Ok(P256), Hash::Sha256) => by_ring(&signature::ECDSA_P256_SHA256_ASN1, key),
            (Ok(P384), Hash::Sha384) => by_ring(&signature::ECDSA_P384_SHA384_ASN1, key),
            (Ok(P521), Hash::Sha512) => p521_verifies(key, signature, message),
            (Ok(_), _) => false,
            (Err(_), Hash::Sha256) => by_ring(&signature::RSA_PKCS1_2048_8192_SHA256, key),
            (Err(_), Hash::Sha384) => by_ring(&signature::RSA_PKCS1_2048_8192_SHA384, key),
            (Err(_), Hash::Sha512) => by_ring(&signature::RSA_PKCS1_2048_8192_SHA512, key),
        };
        Some(good)
    }

    fn sign(&self, hash: Hash, private_key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        assert_eq!(hash, Hash::Sha256);
        let key = RsaKeyPair::from_pkcs8(private_key).ok()?;
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
        Some(signature)
    }
}

fn p521_verifies(point: &[u8], signature: &[u8], message: &[u8]) -> bool {
    let Ok(key) = p521::ecdsa::VerifyingKey::from_sec1_bytes(point) else { return false };
    p521::ecdsa::DerSignature::from_bytes(signature)
        .ok()
        .and_then(|signature| p521::ecdsa::Signature::try_from(signature).ok())
        .is_some_and(|signature| key.verify_prehash(&Sha512::digest(message), &signature).is_ok())
}

const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

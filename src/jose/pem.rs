//! Public keys in PEM (RFC 7468): `PUBLIC KEY` (SubjectPublicKeyInfo) and `RSA PUBLIC KEY`
//! (PKCS#1).

use rsa::pkcs1::{self, der::Decode};
use rsa::pkcs8::der::oid::ObjectIdentifier;
use rsa::pkcs8::der::pem;
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;

use super::der::Curve;
use super::key_error::KeyError;
use super::verification_key::VerificationKey;

/// Reads one public key.
///
/// # Errors
/// [`KeyError`] if the text is not a usable public key. The error contains no part of the text.
pub fn parse_pem(text: &str) -> Result<VerificationKey, KeyError> {
    let text = text.trim();
    // This check comes first, so that a private key is reported as such even if it is damaged.
    if text.contains("PRIVATE KEY-----") {
        return Err(KeyError::Private);
    }
    if text.contains("-----BEGIN CERTIFICATE-----") {
        return Err(KeyError::Certificate);
    }
    match text.matches("-----BEGIN ").count() {
        0 => return Err(KeyError::Malformed("it does not begin with \"-----BEGIN PUBLIC KEY-----\"")),
        1 => {}
        _ => return Err(KeyError::Several),
    }
    let (label, der) = pem::decode_vec(text.as_bytes()).map_err(|_| KeyError::Malformed("damaged PEM"))?;
    match label {
        "PUBLIC KEY" => subject_public_key_info(&der),
        "RSA PUBLIC KEY" => rsa(&der),
        _ => Err(KeyError::Malformed("the PEM label is neither \"PUBLIC KEY\" nor \"RSA PUBLIC KEY\"")),
    }
}

fn subject_public_key_info(der: &[u8]) -> Result<VerificationKey, KeyError> {
    let malformed = KeyError::Malformed("damaged SubjectPublicKeyInfo");
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| malformed.clone())?;
    let key = info.subject_public_key.as_bytes().ok_or(malformed)?;
    match info.algorithm.oid {
        RSA_ENCRYPTION => rsa(key),
        EC_PUBLIC_KEY => match info.algorithm.parameters_oid() {
            Ok(P256) => VerificationKey::elliptic_point(Curve::P256, key),
            Ok(P384) => VerificationKey::elliptic_point(Curve::P384, key),
            Ok(P521) => VerificationKey::elliptic_point(Curve::P521, key),
            _ => Err(KeyError::Unsupported("an elliptic curve other than P-256, P-384 and P-521".to_owned())),
        },
        ED25519 => VerificationKey::ed25519(key),
        other => Err(KeyError::Unsupported(format!("key algorithm {other}"))),
    }
}

fn rsa(der: &[u8]) -> Result<VerificationKey, KeyError> {
    let key = pkcs1::RsaPublicKeyRef::from_der(der).map_err(|_| KeyError::Malformed("damaged RSA public key"))?;
    VerificationKey::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())
}

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

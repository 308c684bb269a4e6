//! Public keys in PEM (RFC 7468): `PUBLIC KEY` (SubjectPublicKeyInfo) and `RSA PUBLIC KEY`
//! (PKCS#1).

use sha2::digest::const_oid::ObjectIdentifier;

use super::der::Curve;
use super::key_error::KeyError;
use super::key_structures;
use super::verification_key::VerificationKey;
use crate::base::encoding::from_base64;

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
    let (label, der) = block(text).ok_or(KeyError::Malformed("damaged PEM"))?;
    match label {
        "PUBLIC KEY" => subject_public_key_info(&der),
        "RSA PUBLIC KEY" => rsa(&der),
        _ => Err(KeyError::Malformed("the PEM label is neither \"PUBLIC KEY\" nor \"RSA PUBLIC KEY\"")),
    }
}

/// The label and the content of a text that is one block of PEM.
pub(super) fn block(text: &str) -> Option<(&str, Vec<u8>)> {
    let (label, rest) = text.trim().strip_prefix("-----BEGIN ")?.split_once("-----")?;
    let (lines, end) = rest.split_once("-----END ")?;
    // Spaces are no line breaks: YAML has folded such a text, which `pem: |` avoids.
    let base64: String = lines.split(['\r', '\n']).collect();
    from_base64(&base64).filter(|_| end.strip_prefix(label) == Some("-----")).map(|content| (label, content))
}

fn subject_public_key_info(der: &[u8]) -> Result<VerificationKey, KeyError> {
    let info = key_structures::subject_public_key_info(der);
    let ((algorithm, curve), key) = info.ok_or(KeyError::Malformed("damaged SubjectPublicKeyInfo"))?;
    match algorithm {
        RSA_ENCRYPTION => rsa(key),
        EC_PUBLIC_KEY => match curve {
            Some(P256) => VerificationKey::elliptic_point(Curve::P256, key),
            Some(P384) => VerificationKey::elliptic_point(Curve::P384, key),
            Some(P521) => VerificationKey::elliptic_point(Curve::P521, key),
            _ => Err(KeyError::Unsupported("an elliptic curve other than P-256, P-384 and P-521".to_owned())),
        },
        ED25519 => VerificationKey::ed25519(key),
        other => Err(KeyError::Unsupported(format!("key algorithm {other}"))),
    }
}

fn rsa(der: &[u8]) -> Result<VerificationKey, KeyError> {
    let key = key_structures::rsa_public_key(der);
    let (modulus, exponent) = key.ok_or(KeyError::Malformed("damaged RSA public key"))?;
    VerificationKey::rsa(modulus, exponent)
}

pub(super) const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(super) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(super) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

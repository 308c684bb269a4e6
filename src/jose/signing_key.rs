//! Private keys and their signatures.
//!
//! The filter itself makes ES256 (deterministic, RFC 6979) and EdDSA signatures. The host makes
//! RS256 signatures, because the duration of the private key operations in the `rsa` crate depends
//! on the key (RUSTSEC-2023-0071), and that of BoringSSL does not.

use std::fmt;

use ed25519_dalek::SigningKey as Ed25519Key;
use p256::ecdsa::SigningKey as P256Key;
use p256::ecdsa::signature::Signer;
use serde_json::{Map, Value};

use super::algorithm::{Hash, SignatureAlgorithm};
use super::der::without_zeros;
use super::host_verifier::HostVerifier;
use super::jwk::parse_jwk;
use super::key_structures;
use super::pem::{self, EC_PUBLIC_KEY, ED25519, P256, RSA_ENCRYPTION};
use crate::base::encoding::{base64url, from_base64url};
use crate::base::json;
use crate::base::secret::Secret;

/// A private key and the one algorithm that it signs with.
pub struct SigningKey {
    key: PrivateKey,
    kid: Option<String>,
}

enum PrivateKey {
    P256(P256Key),
    Ed25519(Ed25519Key),
    /// The PKCS#8 in DER, for the host.
    Rsa(Secret<Vec<u8>>),
}

/// The reason why a text is not a usable private key. It contains no part of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningKeyError(&'static str);

impl SigningKey {
    /// Reads a key in PEM: PKCS#8, not encrypted.
    ///
    /// # Errors
    /// [`SigningKeyError`] if the text is not such a key.
    pub fn from_pem(text: &str) -> Result<Self, SigningKeyError> {
        if text.contains("-----BEGIN PUBLIC KEY-----") {
            return Err(SigningKeyError("it is a public key"));
        }
        if !text.contains("-----BEGIN PRIVATE KEY-----") {
            return Err(SigningKeyError("its PEM is not PKCS#8; convert it (openssl pkcs8 -topk8 -nocrypt)"));
        }
        let damaged = SigningKeyError("damaged PKCS#8");
        let (_, der) = pem::block(text).ok_or(damaged)?;
        let ((algorithm, curve), private) = key_structures::private_key_info(&der).ok_or(damaged)?;
        let key = match algorithm {
            EC_PUBLIC_KEY => {
                let key = if curve == Some(P256) { p256(private) } else { None };
                PrivateKey::P256(key.ok_or(SigningKeyError("the curve is not P-256, or the key is damaged"))?)
            }
            // The seed is in a nested OCTET STRING (RFC 8410 section 7).
            ED25519 => match private {
                [4, 32, seed @ ..] => PrivateKey::Ed25519(ed25519(seed)?),
                _ => return Err(damaged),
            },
            RSA_ENCRYPTION => {
                let (modulus, _) = key_structures::rsa_private_key(private).ok_or(damaged)?;
                if without_zeros(modulus).len() < MIN_RSA_BYTES {
                    return Err(SigningKeyError("an RSA modulus has to have at least 2048 bits"));
                }
                PrivateKey::Rsa(Secret::new(der))
            }
            _ => return Err(SigningKeyError("it is neither on P-256 nor for Ed25519 nor RSA")),
        };
        Ok(Self { key, kid: None })
    }

    /// Reads a JWK (RFC 7518 section 6.2.2, RFC 8037 section 2) with its `kid`.
    ///
    /// # Errors
    /// [`SigningKeyError`] if the text is not such a key.
    pub fn from_jwk(text: &str) -> Result<Self, SigningKeyError> {
        let jwk = json::parse_object(text.as_bytes()).map_err(|_| SigningKeyError("it is not one JSON object"))?;
        let member = |name| jwk.get(name).and_then(Value::as_str);
        let bad_length = SigningKeyError("`d` is missing or of the wrong length");
        let private = || member("d").and_then(from_base64url).ok_or(bad_length);
        let key = match (member("kty"), member("crv")) {
            (Some("EC"), Some("P-256")) => {
                let key = P256Key::from_slice(&private()?).map_err(|_| bad_length)?;
                let point = key.verifying_key().to_sec1_point(false);
                same(&jwk, "x", point.x().map(AsRef::as_ref))?;
                same(&jwk, "y", point.y().map(AsRef::as_ref))?;
                PrivateKey::P256(key)
            }
            (Some("OKP"), Some("Ed25519")) => {
                let key = ed25519(&private()?).map_err(|_| bad_length)?;
                same(&jwk, "x", Some(key.verifying_key().as_bytes()))?;
                PrivateKey::Ed25519(key)
            }
            _ => return Err(SigningKeyError("a JWK has to be for P-256 or Ed25519; give an RSA key as PEM")),
        };
        Ok(Self { key, kid: member("kid").map(str::to_owned) })
    }

    /// The same key with this `kid`.
    #[must_use]
    pub fn with_kid(self, kid: String) -> Self {
        Self { kid: Some(kid), ..self }
    }

    /// The Key ID, if the key has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithm that the key signs with.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        match self.key {
            PrivateKey::P256(_) => SignatureAlgorithm::Es256,
            PrivateKey::Ed25519(_) => SignatureAlgorithm::EdDsa,
            PrivateKey::Rsa(_) => SignatureAlgorithm::Rs256,
        }
    }

    /// The public part as a JWK with `alg`, `use` and `kid`, which is the thumbprint if the key has
    /// none. `None` for an RSA key, because Tenantgate does not publish RSA keys.
    pub fn public_jwk(&self) -> Option<Map<String, Value>> {
        let mut jwk = Map::new();
        let mut member = |name: &str, value: &str| drop(jwk.insert(name.to_owned(), value.into()));
        match &self.key {
            PrivateKey::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                member("kty", "EC");
                member("crv", "P-256");
                member("x", &base64url(point.x()?));
                member("y", &base64url(point.y()?));
            }
            PrivateKey::Ed25519(key) => {
                member("kty", "OKP");
                member("crv", "Ed25519");
                member("x", &base64url(key.verifying_key().as_bytes()));
            }
            PrivateKey::Rsa(_) => return None,
        }
        let thumbprint = parse_jwk(&jwk).ok()?.thumbprint().to_string();
        for (name, value) in
            [("alg", self.algorithm().name()), ("use", "sig"), ("kid", self.kid().unwrap_or(&thumbprint))]
        {
            jwk.insert(name.to_owned(), value.into());
        }
        Some(jwk)
    }

    /// Signs `message` and returns the signature in the form that JWS defines. `None` if the host
    /// has to sign and cannot.
    pub fn sign(&self, message: &[u8], host: &dyn HostVerifier) -> Option<Vec<u8>> {
        match &self.key {
            PrivateKey::P256(key) => {
                let signature: p256::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(signature.to_bytes().to_vec())
            }
            PrivateKey::Ed25519(key) => Some(key.sign(message).to_bytes().into()),
            PrivateKey::Rsa(der) => host.sign(Hash::Sha256, der.expose_secret(), message),
        }
    }
}

/// A key on P-256 from its ECPrivateKey. A public key in it has to be that of the private key.
fn p256(der: &[u8]) -> Option<P256Key> {
    let (private, public) = key_structures::ec_private_key(der)?;
    let key = P256Key::from_slice(private).ok()?;
    let is_own = |point: &[u8]| key.verifying_key().to_sec1_point(point.len() < 64).as_bytes() == point;
    public.is_none_or(is_own).then_some(key)
}

/// An Ed25519 key from its seed.
fn ed25519(seed: &[u8]) -> Result<Ed25519Key, SigningKeyError> {
    let seed = seed.try_into().map_err(|_| SigningKeyError("an Ed25519 key has 32 bytes"))?;
    Ok(Ed25519Key::from_bytes(seed))
}

/// Verifies that a public member, if it is present, belongs to the private key.
fn same(jwk: &Map<String, Value>, name: &str, bytes: Option<&[u8]>) -> Result<(), SigningKeyError> {
    match jwk.get(name) {
        None => Ok(()),
        Some(value) if value.as_str().and_then(from_base64url).as_deref() == bytes => Ok(()),
        Some(_) => Err(SigningKeyError("its public part belongs to another key")),
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for SigningKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is not a private key that can sign: {}", self.0)
    }
}

impl std::error::Error for SigningKeyError {}

const MIN_RSA_BYTES: usize = 256;

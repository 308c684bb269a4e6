//! Signing as an issuer does, with the keys of tests/vectors/keys.

use ed25519_compact::SecretKey;
use jwt_compact::alg::{Ed25519, Es256, Rsa};
use jwt_compact::{Algorithm, AlgorithmSignature};
use p256::ecdsa::SigningKey as P256Key;
use rsa::RsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey as _;
use serde_json::{Value, json};

use super::http::base64url;

/// A private key with its algorithm.
#[derive(Clone)]
pub enum Signer {
    Rs256(Box<RsaPrivateKey>),
    Es256(Box<P256Key>),
    EdDsa(Box<SecretKey>),
}

impl Signer {
    pub fn rs256() -> Self {
        Self::Rs256(Box::new(RsaPrivateKey::from_pkcs8_pem(include_str!("../vectors/keys/rsa.private.pem")).unwrap()))
    }

    pub fn es256() -> Self {
        Self::Es256(Box::new(P256Key::from_pkcs8_pem(include_str!("../vectors/keys/ec.private.pem")).unwrap()))
    }

    pub fn eddsa() -> Self {
        Self::EdDsa(Box::new(SecretKey::from_pem(include_str!("../vectors/keys/ed.private.pem")).unwrap()))
    }

    pub fn alg(&self) -> &'static str {
        match self {
            Self::Rs256(_) => "RS256",
            Self::Es256(_) => "ES256",
            Self::EdDsa(_) => "EdDSA",
        }
    }

    /// The public part as an entry of `keys` in a configuration.
    pub fn configured(&self) -> Value {
        json!({ "pem": match self {
            Self::Rs256(_) => include_str!("../vectors/keys/rsa.public.pem"),
            Self::Es256(_) => include_str!("../vectors/keys/ec.public.pem"),
            Self::EdDsa(_) => include_str!("../vectors/keys/ed.public.pem"),
        } })
    }

    /// A signature in the form of JWS.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rs256(key) => Rsa::rs256().sign(key, message).as_bytes().into_owned(),
            Self::Es256(key) => Es256.sign(key, message).as_bytes().into_owned(),
            Self::EdDsa(key) => Ed25519.sign(key, message).as_bytes().into_owned(),
        }
    }

    /// A JWS in compact serialization.
    pub fn jws(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let signature = self.sign(input.as_bytes());
        format!("{input}.{}", base64url(signature))
    }
}

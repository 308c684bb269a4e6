//! Signing as an issuer does, with the keys of tests/vectors/keys.

use ed25519_compact::SecretKey;
use jwt_compact::alg::{Ed25519, Es256, Rsa};
use jwt_compact::{Algorithm, AlgorithmSignature};
use p256::ecdsa::SigningKey as P256Key;
use p256::ecdsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::RsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::http::{base64url, from_base64url};

/// A private key with its algorithm.
#[derive(Clone)]
pub enum Signer {
    Rsa(Box<RsaPrivateKey>, &'static str),
    Es256(Box<P256Key>),
    Es384(Box<p384::ecdsa::SigningKey>),
    Es512(Box<p521::SecretKey>),
    EdDsa(Box<SecretKey>),
}

impl Signer {
    /// One of `RS256` to `PS512`.
    pub fn rsa(alg: &'static str) -> Self {
        let key = RsaPrivateKey::from_pkcs8_pem(include_str!("../vectors/keys/rsa.private.pem"));
        Self::Rsa(Box::new(key.unwrap()), alg)
    }

    pub fn rs256() -> Self {
        Self::rsa("RS256")
    }

    pub fn es256() -> Self {
        Self::Es256(Box::new(P256Key::from_pkcs8_pem(include_str!("../vectors/keys/ec.private.pem")).unwrap()))
    }

    pub fn es384() -> Self {
        let key = p384::SecretKey::from_pkcs8_pem(include_str!("../vectors/keys/p384.private.pem")).unwrap();
        Self::Es384(Box::new(key.into()))
    }

    pub fn es512() -> Self {
        Self::Es512(Box::new(
            p521::SecretKey::from_pkcs8_pem(include_str!("../vectors/keys/p521.private.pem")).unwrap(),
        ))
    }

    pub fn eddsa() -> Self {
        Self::EdDsa(Box::new(SecretKey::from_pem(include_str!("../vectors/keys/ed.private.pem")).unwrap()))
    }

    /// One of each algorithm.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map(Self::rsa).into();
        all.extend([Self::es256(), Self::es384(), Self::es512(), Self::eddsa()]);
        all
    }

    pub fn alg(&self) -> &'static str {
        match self {
            Self::Rsa(_, alg) => alg,
            Self::Es256(_) => "ES256",
            Self::Es384(_) => "ES384",
            Self::Es512(_) => "ES512",
            Self::EdDsa(_) => "EdDSA",
        }
    }

    /// The public part as an entry of `keys` in a configuration.
    pub fn configured(&self) -> Value {
        let pem = match self {
            Self::Rsa(..) => include_str!("../vectors/keys/rsa.public.pem"),
            Self::Es256(_) => include_str!("../vectors/keys/ec.public.pem"),
            Self::Es384(_) => include_str!("../vectors/keys/p384.public.pem"),
            Self::Es512(_) => include_str!("../vectors/keys/p521.public.pem"),
            Self::EdDsa(_) => include_str!("../vectors/keys/ed.public.pem"),
        };
        json!({ "pem": pem, "alg": self.alg() })
    }

    /// The key itself, in PEM.
    pub fn private_pem(&self) -> &'static str {
        match self {
            Self::Rsa(..) => include_str!("../vectors/keys/rsa.private.pem"),
            Self::Es256(_) => include_str!("../vectors/keys/ec.private.pem"),
            Self::Es384(_) => include_str!("../vectors/keys/p384.private.pem"),
            Self::Es512(_) => include_str!("../vectors/keys/p521.private.pem"),
            Self::EdDsa(_) => include_str!("../vectors/keys/ed.private.pem"),
        }
    }

    /// Whether a JWS in compact serialization is one of this key.
    pub fn verifies(&self, token: &str) -> bool {
        let (input, signature) = token.rsplit_once('.').unwrap();
        let configured = self.configured();
        let key = tenantgate::keys::parse_pem(configured["pem"].as_str().unwrap()).unwrap();
        let key = key.for_algorithm(self.alg()).unwrap();
        key.verify(input.as_bytes(), &from_base64url(signature), super::core_rig::VERIFIER)
    }

    /// A signature in the form of JWS.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(key, alg) => Rsa::with_name(alg).sign(key, message).as_bytes().into_owned(),
            Self::Es256(key) => Es256.sign(key, message).as_bytes().into_owned(),
            Self::Es384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_vec()
            }
            Self::Es512(key) => {
                let signature: p521::ecdsa::Signature =
                    p521::ecdsa::SigningKey::from_slice(&key.to_bytes()).unwrap().sign(message);
                signature.to_vec()
            }
            Self::EdDsa(key) => Ed25519.sign(key, message).as_bytes().into_owned(),
        }
    }

    /// `at_hash` of OpenID Connect Core section 3.1.3.6: the left half of the hash that the algorithm has.
    pub fn half_hash(&self, token: &str) -> String {
        let hash = match &self.alg()[2..] {
            "256" => Sha256::digest(token).to_vec(),
            "384" => Sha384::digest(token).to_vec(),
            _ => Sha512::digest(token).to_vec(),
        };
        base64url(&hash[..hash.len() / 2])
    }

    /// A JWS in compact serialization.
    pub fn jws(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let signature = self.sign(input.as_bytes());
        format!("{input}.{}", base64url(signature))
    }
}

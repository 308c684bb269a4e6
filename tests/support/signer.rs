//! Signs tokens with the keys of tests/vectors/keys.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p521::ecdsa::signature::Signer as _;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use rsa::pkcs8::DecodePrivateKey as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::http::{base64url, from_base64url};

/// The PEM of the private and of the public key in tests/vectors/keys.
macro_rules! pem {
    ($name:literal) => {
        [
            include_str!(concat!("../vectors/keys/", $name, ".private.pem")),
            include_str!(concat!("../vectors/keys/", $name, ".public.pem")),
        ]
    };
}

/// A private key with its algorithm, and the PEM of both keys.
#[derive(Clone)]
pub struct Signer {
    key: Arc<PrivateKey>,
    alg: &'static str,
    private: &'static str,
    public: &'static str,
}

enum PrivateKey {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    P521(Box<p521::ecdsa::SigningKey>),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    fn new(key: PrivateKey, alg: &'static str, private: &'static str, public: &'static str) -> Self {
        Self { key: Arc::new(key), alg, private, public }
    }

    /// One of `RS256` to `PS512`.
    pub fn rsa(alg: &'static str) -> Self {
        let [private, public] = pem!("rsa");
        let key = RsaKeyPair::from_pkcs8(&der(private)).unwrap();
        Self::new(PrivateKey::Rsa(key), alg, private, public)
    }

    pub fn rs256() -> Self {
        Self::rsa("RS256")
    }

    pub fn es256() -> Self {
        let [private, public] = pem!("ec");
        let key = ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, private);
        Self::new(key, "ES256", private, public)
    }

    /// As [`es256`](Self::es256), with another key.
    pub fn other_es256() -> Self {
        let [private, public] = pem!("ec2");
        let key = ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, private);
        Self::new(key, "ES256", private, public)
    }

    pub fn es384() -> Self {
        let [private, public] = pem!("p384");
        let key = ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, private);
        Self::new(key, "ES384", private, public)
    }

    pub fn es512() -> Self {
        let [private, public] = pem!("p521");
        let key = p521::SecretKey::from_pkcs8_der(&der(private)).unwrap();
        let key = PrivateKey::P521(Box::new(key.into()));
        Self::new(key, "ES512", private, public)
    }

    pub fn eddsa() -> Self {
        let [private, public] = pem!("ed");
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der(private));
        Self::new(PrivateKey::Ed25519(key.unwrap()), "EdDSA", private, public)
    }

    /// One signer for each algorithm.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map(Self::rsa).into();
        all.extend([Self::es256(), Self::es384(), Self::es512(), Self::eddsa()]);
        all
    }

    pub fn alg(&self) -> &'static str {
        self.alg
    }

    /// The public key as an entry of `keys` in a configuration.
    pub fn configured(&self) -> Value {
        json!({ "pem": self.public, "alg": self.alg })
    }

    /// The public key as a JWK, for RSA and elliptic curves, without `alg`.
    pub fn jwk(&self) -> Value {
        if let PrivateKey::Rsa(key) = &*self.key {
            let PublicKeyComponents::<Vec<u8>> { n, e } = key.public().into();
            return json!({ "kty": "RSA", "n": base64url(n), "e": base64url(e) });
        }
        let der = der(self.public);
        let last = |count: usize| &der[der.len() - count..];
        match self.alg {
            "ES256" => {
                let (x, y) = last(64).split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y) })
            }
            "EdDSA" => json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(last(32)) }),
            alg => panic!("no test publishes a key for {alg}"),
        }
    }

    /// The private key in PEM.
    pub fn private_pem(&self) -> &'static str {
        self.private
    }

    /// Whether this key signed the JWS.
    pub fn verifies(&self, token: &str) -> bool {
        let (input, signature) = token.rsplit_once('.').unwrap();
        let configured = self.configured();
        let key = tenantgate::jose::parse_pem(configured["pem"].as_str().unwrap()).unwrap();
        let key = key.for_algorithm(self.alg()).unwrap();
        key.verify(input.as_bytes(), &from_base64url(signature), super::core_harness::VERIFIER)
    }

    /// A signature in the format of JWS.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &*self.key {
            PrivateKey::Rsa(key) => {
                let encoding: &'static dyn RsaEncoding = match self.alg {
                    "RS256" => &RSA_PKCS1_SHA256,
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    alg => panic!("{alg} is not of RSA"),
                };
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
            PrivateKey::Ecdsa(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            PrivateKey::P521(key) => {
                let signature: p521::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            PrivateKey::Ed25519(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    /// `at_hash` (OpenID Connect Core section 3.1.3.6): the left half of the hash of the token.
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

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, pem: &str) -> PrivateKey {
    PrivateKey::Ecdsa(EcdsaKeyPair::from_pkcs8(algorithm, &der(pem), &SystemRandom::new()).unwrap())
}

/// The DER inside the PEM.
fn der(pem: &str) -> Vec<u8> {
    STANDARD.decode(pem.lines().filter(|line| !line.starts_with("--")).collect::<String>()).unwrap()
}

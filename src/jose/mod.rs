//! JOSE: signature algorithms, keys, signatures, and unverified tokens in compact form. Each key
//! has exactly one algorithm, so a token cannot choose another one.
//!
//! This room knows what Tenantgate needs of RFC 7515, 7517, 7518 and 8037. It does not know
//! tenants, claims or time.

mod algorithm;
mod compact;
mod der;
mod der_reader;
mod header;
mod host_verifier;
mod jwk;
mod key_error;
mod key_set;
mod key_structures;
mod module_verifier;
mod pem;
mod signing_key;
mod signing_key_ref;
#[cfg(test)]
mod tests;
mod thumbprint;
mod token_error;
mod trusted_keys;
mod verification_key;

pub use algorithm::{AlgorithmSet, Hash, SignatureAlgorithm};
pub(crate) use compact::UntrustedToken;
pub(crate) use header::JoseHeader;
pub use header::KnownHeaders;
pub use host_verifier::{HostAlgorithms, HostVerifier, NoHostVerifier};
pub use jwk::{parse_jwk, parse_jwks, read_jwks};
pub use key_error::{KeyError, KeySetError};
pub use key_set::KeySet;
pub use pem::parse_pem;
pub use signing_key::{SigningKey, SigningKeyError};
pub use signing_key_ref::SigningKeyRef;
pub use thumbprint::Thumbprint;
pub use token_error::TokenError;
pub use trusted_keys::{IdTokenAlgorithms, TrustedKeys};
pub use verification_key::{VerificationKey, Verifier};

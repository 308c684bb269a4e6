//! The public keys of an issuer. A key carries its one algorithm, so a token cannot choose another.

mod algorithm;
mod der;
mod host;
mod jwk;
mod key;
mod module;
mod pem;
mod problem;
mod set;
mod signing;
#[cfg(test)]
mod tests;
mod thumbprint;
mod voucher;

pub use algorithm::{Hash, SignatureAlgorithm};
pub use host::{HostAlgorithms, HostVerifier, NoHostVerifier};
pub use jwk::{parse_jwk, parse_jwks, read_jwks};
pub use key::{VerificationKey, Verifier};
pub use pem::parse_pem;
pub use problem::{KeyProblem, KeySetProblem};
pub use set::KeySet;
pub use signing::{NoSigningKey, SigningKey};
pub use thumbprint::Thumbprint;
pub use voucher::Voucher;

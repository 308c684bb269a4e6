//! The reasons why a public key or a key set is not accepted.

use std::fmt;

use super::algorithm::SignatureAlgorithm;

/// The reason why a value is not a usable public key. It contains only sizes and names, and no key
/// material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The key declares an algorithm (`alg`) that its type does not allow.
    AlgorithmMismatch {
        /// The `alg` of the key.
        declared: String,
        /// The algorithms that its type allows.
        actual: &'static str,
    },
    /// The value is a certificate.
    Certificate,
    /// The RSA exponent is even or less than 3.
    Exponent,
    /// The text has no key in the expected form, or its numbers are not a valid key of the type.
    /// The description says which part is wrong.
    Malformed(&'static str),
    /// The text has more than one PEM block.
    Several,
    /// The key has its private part.
    Private,
    /// The modulus of an RSA key has this number of bits, which is too small or too large.
    RsaSize(usize),
    /// The key is symmetric.
    Symmetric,
    /// The key type, curve or algorithm is not supported.
    Unsupported(String),
    /// The key is not for signatures (`use`, `key_ops`).
    NotForSignatures,
}

impl KeyError {
    /// Whether the key is only for another purpose: an encryption key, or a key of an
    /// unsupported algorithm. The key sets of issuers contain such keys, and they are omitted. Any
    /// other error is a mistake in the configuration.
    pub(super) fn is_foreign(&self) -> bool {
        matches!(self, Self::Unsupported(_) | Self::NotForSignatures)
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlgorithmMismatch { declared, actual } => {
                write!(f, "`alg` is {declared:?}, but a key of this type verifies {actual}")
            }
            Self::Certificate => {
                f.write_str("is a certificate; give its public key (openssl x509 -in cert.pem -pubkey -noout)")
            }
            Self::Exponent => f.write_str("RSA exponent is even or under 3"),
            Self::Malformed(what) => write!(f, "is not a public key: {what}"),
            Self::Several => f.write_str("holds more than one block; list each key on its own"),
            Self::Private => {
                f.write_str("is a private key; give the public key only (openssl pkey -in key.pem -pubout), and replace the private one if others saw it")
            }
            Self::RsaSize(bits) if *bits < MIN_RSA_BITS => {
                write!(f, "RSA modulus has {bits} bits; at least {MIN_RSA_BITS} are required")
            }
            Self::RsaSize(bits) => write!(f, "RSA modulus has {bits} bits; at most {MAX_RSA_BITS} are accepted"),
            Self::Symmetric => f.write_str("is a symmetric key; tokens are verified with public keys only"),
            Self::Unsupported(what) => {
                write!(f, "{what} is not supported; keys are RSA, EC (P-256, P-384, P-521) or Ed25519")
            }
            Self::NotForSignatures => f.write_str("is not for signatures (`use` or `key_ops`)"),
        }
    }
}

impl std::error::Error for KeyError {}

/// The reason why keys that are valid separately do not form a key set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySetError {
    /// Two keys have the same `kid`.
    DuplicateKid(String),
    /// The set has the same key twice.
    DuplicateKey,
    /// The set has no key.
    Empty,
    /// More keys of this algorithm than are tried for a token have no `kid`.
    Unnamed(SignatureAlgorithm),
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateKid(kid) => write!(f, "two keys have the `kid` {kid:?}; a `kid` names one key"),
            Self::DuplicateKey => f.write_str("the same key is listed twice"),
            Self::Empty => {
                f.write_str("there is no key that could verify a token; give at least one public key of the issuer")
            }
            Self::Unnamed(algorithm) => write!(
                f,
                "more than two keys for {algorithm} have no `kid`, and only two are tried for a token; give each its `kid`"
            ),
        }
    }
}

impl std::error::Error for KeySetError {}

/// The smallest RSA modulus that is accepted, in bits (NIST SP 800-131A; RFC 7518 section 3.3).
pub(super) const MIN_RSA_BITS: usize = 2048;
/// The largest RSA modulus that is accepted, in bits. It is limited because the time of a
/// verification grows with the square of the size.
pub(super) const MAX_RSA_BITS: usize = 8192;
/// The largest RSA modulus of a fetched key, in bytes.
pub(super) const MAX_FETCHED_RSA_BYTES: usize = 512;

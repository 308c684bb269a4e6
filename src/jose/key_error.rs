//! Why a key, or a set of them, is not accepted.

use std::fmt;

/// Why something is no public key that can be used. It holds nothing of the key but sizes and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The key says one algorithm (`alg`), its type allows only another.
    AlgorithmMismatch {
        /// What the key says.
        declared: String,
        /// What its type allows.
        actual: &'static str,
    },
    /// A certificate, not a key.
    Certificate,
    /// The RSA exponent is even or under 3.
    Exponent,
    /// The text is none, or the numbers in it are no key of the type.
    Malformed(&'static str),
    /// More than one block.
    Several,
    /// The private part is there, too.
    Private,
    /// The modulus of an RSA key is too short or too long.
    RsaSize(usize),
    /// A symmetric key.
    Symmetric,
    /// A key type or algorithm that is not known here.
    Unsupported(String),
    /// A key that is not for signatures (`use`, `key_ops`).
    NotForSignatures,
}

impl KeyError {
    /// Whether it is merely a key for something else, as sets of real issuers hold them: an encryption key, or an algorithm
    /// that is not known here. It is left out; anything else is a mistake that somebody has to mend.
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
            Self::Malformed(what) => write!(f, "is no public key: {what}"),
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

/// Why keys that are good one by one are no good set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySetError {
    /// Two keys have the same `kid`.
    DuplicateKid(String),
    /// The same key stands there twice.
    DuplicateKey,
    /// There is no key.
    Empty,
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateKid(kid) => write!(f, "two keys have the `kid` {kid:?}; a `kid` names one key"),
            Self::DuplicateKey => f.write_str("the same key is listed twice"),
            Self::Empty => {
                f.write_str("there is no key that could verify a token; give at least one public key of the issuer")
            }
        }
    }
}

impl std::error::Error for KeySetError {}

/// NIST SP 800-131A; RFC 7518 section 3.3.
pub(super) const MIN_RSA_BITS: usize = 2048;
/// Verification takes time that grows with the square of the size.
pub(super) const MAX_RSA_BITS: usize = 8192;

//! The JWK Thumbprint, which identifies a key (RFC 7638).

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::encoding::base64url;

/// The JWK SHA-256 Thumbprint of a key (RFC 7638), displayed in base64url. It is the same for every
/// form in which the key can be given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Thumbprint(pub(super) [u8; 32]);

impl Thumbprint {
    /// The thumbprint of an RSA key (RFC 7638 section 3.1).
    pub(super) fn of_rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        Self::of(&[("e", &base64url(exponent)), ("kty", "RSA"), ("n", &base64url(modulus))])
    }

    /// The thumbprint of a key on a NIST curve.
    pub(super) fn of_elliptic(curve: &str, x: &[u8], y: &[u8]) -> Self {
        Self::of(&[("crv", curve), ("kty", "EC"), ("x", &base64url(x)), ("y", &base64url(y))])
    }

    /// The thumbprint of an Ed25519 key (RFC 8037 section 2).
    pub(super) fn of_ed25519(x: &[u8]) -> Self {
        Self::of(&[("crv", "Ed25519"), ("kty", "OKP"), ("x", &base64url(x))])
    }

    /// The thumbprint of a key with these required members. They are in lexicographic order, and
    /// their values need no escape in JSON (RFC 7638 section 3).
    fn of(members: &[(&str, &str)]) -> Self {
        let mut text = String::with_capacity(256);
        for (name, value) in members {
            text.push_str(if text.is_empty() { "{\"" } else { ",\"" });
            for part in [name, "\":\"", value, "\""] {
                text.push_str(part);
            }
        }
        text.push('}');
        Self(Sha256::digest(text).into())
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url(&self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

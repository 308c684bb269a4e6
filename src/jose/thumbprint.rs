//! The JWK Thumbprint, which identifies a key (RFC 7638).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::encoding::base64url;

/// The JWK SHA-256 Thumbprint of a key (RFC 7638), displayed in base64url. It is the same for every
/// form in which the key can be given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Thumbprint(pub(super) [u8; 32]);

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

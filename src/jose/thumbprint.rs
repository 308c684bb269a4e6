use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::encoding::base64url;

/// The JWK SHA-256 Thumbprint of a key (RFC 7638), written in base64url. It names a key whatever form it was given in.
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

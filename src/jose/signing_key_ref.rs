//! A reference to the key that signed a token.

use serde::{Deserialize, Serialize};

use super::thumbprint::Thumbprint;

/// The key that signed the token of an identity, and whether it was a configured or a fetched key
/// at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SigningKeyRef {
    /// A configured key.
    Configured(Thumbprint),
    /// A fetched key.
    Fetched(Thumbprint),
}

//! A reference to the key that verified a token.

use serde::{Deserialize, Serialize};

use super::thumbprint::Thumbprint;

/// The key that verified the token of an identity, and whether it was a configured or a fetched key
/// at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SigningKeyRef {
    /// A configured key.
    Configured(Thumbprint),
    /// A fetched key.
    Fetched(Thumbprint),
}

use serde::{Deserialize, Serialize};

use super::thumbprint::Thumbprint;

/// The key that vouched for an identity, and where it was when it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SigningKeyRef {
    /// Among the configured keys.
    Configured(Thumbprint),
    /// Among those that were fetched.
    Fetched(Thumbprint),
}

//! The identifier of a session.

use serde::{Deserialize, Serialize};

use crate::env::{Env, NoEntropy};

/// Identifies one session. Only Tenantgate can read it: it is stored in the sealed cookie only.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionId(pub(crate) [u8; Self::LENGTH]);

impl SessionId {
    /// Length in bytes.
    pub(crate) const LENGTH: usize = 16;

    /// A new random identifier.
    ///
    /// # Errors
    /// [`NoEntropy`] if the host provides no randomness.
    pub(crate) fn new(env: &mut Env<'_>) -> Result<Self, NoEntropy> {
        env.random().map(Self)
    }
}

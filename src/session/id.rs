use serde::{Deserialize, Serialize};

use crate::env::{Env, NoEntropy};

/// Names one session. Nobody but the gate knows it: it stands in the sealed cookie only.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionId(pub(crate) [u8; Self::LENGTH]);

impl SessionId {
    /// Length in bytes.
    pub(crate) const LENGTH: usize = 16;

    /// One that was never there before.
    pub(crate) fn new(env: &mut Env<'_>) -> Result<Self, NoEntropy> {
        env.random().map(Self)
    }
}

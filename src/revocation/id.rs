use serde::{Deserialize, Serialize};

use crate::encode::{base64url, from_base64url};
use crate::env::{Env, NoEntropy};

/// Names one session. Nobody but the gate knows it: it stands in the sealed cookie only.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct SessionId(pub(crate) [u8; Self::LENGTH]);

impl SessionId {
    /// Length in bytes.
    pub(crate) const LENGTH: usize = 16;

    /// One that was never there before.
    pub(crate) fn new(env: &mut Env<'_>) -> Result<Self, NoEntropy> {
        env.random().map(Self)
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        base64url(&id.0)
    }
}

impl TryFrom<String> for SessionId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        from_base64url(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or("not the id of a session")
    }
}

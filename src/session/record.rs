//! What the session cookies hold.

use serde::{Deserialize, Serialize};

use super::id::SessionId;
use super::retained_tokens::RetainedTokens;
use super::revocation::RevocableSession;
use crate::base::time::UnixTime;
use crate::identity::{IdentityError, IdentityRecord, Tokens, VerifiedIdentity};
use crate::tenant::Tenant;
use crate::token::VerifiedIdToken;

/// What the session cookies hold. A change of the layout needs another format in `seal`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    /// Who signed in.
    pub(crate) identity: IdentityRecord,
    /// When the session began, in seconds.
    pub(crate) signed_in: u64,
    /// When the session was last in use, in seconds; exact to a tenth of `session.idle`.
    pub(crate) seen: u64,
    /// The second from which the ID token is refused.
    pub(crate) token_expires: u64,
    /// The name by which this one session is revoked.
    pub(crate) id: SessionId,
    /// The subject at the issuer (`sub`).
    pub(crate) sub: String,
    /// The session at the issuer (`sid`), if the issuer names its sessions.
    pub(crate) sid: Option<String>,
    /// The tokens that the session needs.
    pub(crate) tokens: RetainedTokens,
}

impl SessionRecord {
    /// A session that begins at `now`.
    pub(super) fn new(
        token: &VerifiedIdToken,
        tenant: &Tenant,
        id: SessionId,
        tokens: RetainedTokens,
        now: UnixTime,
    ) -> Result<Self, IdentityError> {
        let identity = VerifiedIdentity::from_id_token(token, &tenant.identity)?;
        Ok(Self {
            identity: identity.to_record(),
            signed_in: now.0,
            seen: now.0,
            token_expires: token.signed().expires().0,
            id,
            sub: token.subject().to_owned(),
            sid: token.session_id().map(str::to_owned),
            tokens,
        })
    }

    /// Replaces the identity by that of a later ID token of the same person. The session keeps its id and its
    /// beginning.
    pub(crate) fn update(&mut self, token: &VerifiedIdToken, tenant: &Tenant) -> Result<(), IdentityError> {
        let later = Self::new(token, tenant, self.id, self.tokens.clone(), UnixTime(self.signed_in))?;
        *self = Self { seen: self.seen, sid: later.sid.or_else(|| self.sid.take()), ..later };
        Ok(())
    }
}

impl From<SessionRecord> for (IdentityRecord, Tokens) {
    fn from(record: SessionRecord) -> Self {
        (record.identity, record.tokens.into_forwarded())
    }
}

impl<'a> From<&'a SessionRecord> for RevocableSession<'a> {
    fn from(record: &'a SessionRecord) -> Self {
        let SessionRecord { id, sub, sid, signed_in, .. } = record;
        Self { id: *id, sub, sid: sid.as_deref(), signed_in: UnixTime(*signed_in) }
    }
}

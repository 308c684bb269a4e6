//! The content of the session cookies.

use serde::{Deserialize, Serialize};

use super::id::SessionId;
use super::retained_tokens::RetainedTokens;
use super::revocation::RevocableSession;
use crate::base::time::UnixTime;
use crate::identity::{IdentityError, IdentityRecord, Tokens, VerifiedIdentity};
use crate::tenant::Tenant;
use crate::token::VerifiedIdToken;

/// The content of the session cookies. A change of its layout requires a new format in `seal`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    /// The identity of the user who signed in.
    pub(crate) identity: IdentityRecord,
    /// When the session began, in seconds since the Unix epoch.
    pub(crate) signed_in: u64,
    /// When the session was last used, in seconds since the Unix epoch. It is updated after a tenth
    /// of `session.idle`.
    pub(crate) seen: u64,
    /// When the ID token expires, including the leeway, in seconds since the Unix epoch.
    pub(crate) token_expires: u64,
    /// Identifies this session when it is revoked.
    pub(crate) id: SessionId,
    /// The subject at the issuer (`sub`).
    pub(crate) sub: String,
    /// The session at the issuer (`sid`, Front-Channel Logout 1.0 section 3), if it sent one.
    pub(crate) sid: Option<String>,
    /// The tokens that the session retains.
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

    /// Replaces the identity by that of a later ID token of the same user. The session keeps its
    /// identifier and the time at which it began.
    ///
    /// # Errors
    /// [`IdentityError`] if the claims of the token give no identity.
    pub(crate) fn update(&mut self, token: &VerifiedIdToken, tenant: &Tenant) -> Result<(), IdentityError> {
        let later = Self::new(token, tenant, self.id, self.tokens.clone(), UnixTime(self.signed_in))?;
        *self = Self { seen: self.seen, sid: later.sid.or_else(|| self.sid.take()), ..later };
        Ok(())
    }
}

impl From<SessionRecord> for (IdentityRecord, String, Tokens) {
    fn from(record: SessionRecord) -> Self {
        (record.identity, record.sub, record.tokens.into_forwarded())
    }
}

impl<'a> From<&'a SessionRecord> for RevocableSession<'a> {
    fn from(record: &'a SessionRecord) -> Self {
        let SessionRecord { identity, id, sub, sid, signed_in, .. } = record;
        Self { id: *id, user: &identity.user, sub, sid: sid.as_deref(), signed_in: UnixTime(*signed_in) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Purpose;
    use crate::session::RefreshGrant;
    use crate::testing::{TestHost, runtime, session, tenants};

    /// Replicas of two releases serve the same browsers during an upgrade. If this test fails, the
    /// layout has changed, which takes a new format in `seal` and two releases: see "Upgrade" in
    /// docs/operations.md.
    #[test]
    fn the_layout_belongs_to_the_format() {
        let runtime = runtime(&["k"]);
        let [tenant, _] = tenants(&runtime);
        // Every field has a value of its own, so that a change of their order is noticed, too.
        let grant = RefreshGrant {
            refresh_token: "r".to_owned(),
            nonce: "n".to_owned(),
            auth_time: Some(5),
            renewed: 6,
            expires_in: Some(7),
            omitted: postcard::from_bytes(&[1, 0, 0, 1, 1, 1, b'c']).unwrap(),
        };
        let (id_token, access_token) = (Some("i".to_owned()), Some("a".to_owned()));
        let tokens = RetainedTokens { id_token, access_token, grant: Some(grant) };
        let session = session(2);
        let identity = IdentityRecord {
            user: "u".to_owned(),
            email: Some("e".to_owned()),
            email_verified: true,
            groups: vec!["g".to_owned(), "h".to_owned()],
            ..session.identity
        };
        let (sub, sid) = ("ada".to_owned(), Some("s".to_owned()));
        let record = SessionRecord { identity, seen: 3, token_expires: 4, sub, sid, tokens, ..session };
        let sealed = runtime.ring().seal(Purpose::Session, tenant, &record, &mut TestHost::default().env()).unwrap();
        assert_eq!(
            sealed,
            "k.AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBqJQWCRkXu0P7hYUjppIUCh4acqjWdQbRAIY9Bitl34PsKLbaOBPqcJwN\
             65QlyJRB9ELXBRiP06yg6bCiToZDJr4tRbpa2lOQN1MQiKcUcishBtFKNgCe-sxIUOPdv0r9Vx8_iRNifQhT6cBed_U"
        );
    }
}

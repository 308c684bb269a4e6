//! Reading and writing the sessions of one tenant.

use std::time::Duration;

use super::cookies::{self, SentCookies};
use super::error::SessionError;
use super::id::SessionId;
use super::record::SessionRecord;
use super::refresh_grant::RefreshGrant;
use super::retained_tokens::RetainedTokens;
use super::revocation::Revocations;
use crate::base::time::UnixTime;
use crate::env::{Env, HostFailure};
use crate::http::request::RequestHead;
use crate::identity::VerifiedIdentity;
use crate::seal::{KeyRing, Opened, Purpose};
use crate::tenant::{SessionPolicy, Tenant};
use crate::token::VerifiedIdToken;

/// Reads and writes the sessions of one tenant at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Sessions<'a> {
    /// The tenant.
    pub(crate) tenant: &'a Tenant,
    /// The keys that seal and open.
    pub(crate) ring: &'a KeyRing,
    /// How long sessions last.
    pub(crate) policy: SessionPolicy,
    /// Sessions that ended before their time.
    pub(crate) revocations: &'a Revocations,
    /// The time.
    pub(crate) now: UnixTime,
}

/// A session that is valid under the configuration and at the time at which it was read.
pub(crate) struct Session(Opened<SessionRecord>);

/// A session on its way into the browser.
pub(crate) struct WrittenSession {
    sealed: String,
    cookies: Vec<String>,
}

impl Sessions<'_> {
    /// The session that came with the request, if one is valid.
    pub(crate) fn find(&self, head: &RequestHead) -> Option<Session> {
        cookies::read(head, &self.tenant.login).find_map(|sealed| self.open(&sealed))
    }

    /// The session in `sealed`, if it is valid: sealed for this tenant, its issuer and its client, not over, verified
    /// with a key that the tenant still has, and with a verified e-mail address where that is the user name.
    pub(crate) fn open(&self, sealed: &[u8]) -> Option<Session> {
        let session = self.ring.open::<SessionRecord>(Purpose::Session, self.tenant, sealed)?;
        self.is_valid(session.value()).then_some(Session(session))
    }

    /// Starts a session and gives its `Set-Cookie` values. It takes an ID token, so no bearer token becomes a session.
    pub(crate) fn start(
        &self,
        token: &VerifiedIdToken,
        tokens: RetainedTokens,
        sent: &SentCookies,
        env: &mut Env<'_>,
    ) -> Result<Vec<String>, SessionError> {
        let id = SessionId::new(env).map_err(HostFailure::from)?;
        let record = SessionRecord::new(token, self.tenant, id, tokens, self.now)?;
        Ok(self.write(&record, sent, env)?.cookies)
    }

    /// Seals a session into cookies that live as long as the session may.
    pub(crate) fn write(
        &self,
        record: &SessionRecord,
        sent: &SentCookies,
        env: &mut Env<'_>,
    ) -> Result<WrittenSession, SessionError> {
        match self.write_whole(record, sent, env) {
            // A session without its ID token is better than a login that ends without a session.
            Err(SessionError::TooLarge)
                if record.tokens.id_token.is_some() && self.tenant.headers.id_token.is_none() =>
            {
                let mut without = record.clone();
                without.tokens.id_token = None;
                self.write_whole(&without, sent, env)
            }
            outcome => outcome,
        }
    }

    /// The `Set-Cookie` values of a session that is sealed already.
    pub(crate) fn write_sealed(&self, session: &Session, sealed: &str, sent: &SentCookies) -> Option<Vec<String>> {
        cookies::write(sealed, sent, &self.tenant.login, self.remaining_lifetime(session.record()))
    }

    /// The `Set-Cookie` values that record that the session is in use, where `session.idle` would end it otherwise.
    /// They come only after a tenth of `session.idle` (at least a minute), since sealing costs time. If the host cannot
    /// seal, the session ends sooner.
    pub(crate) fn keep_alive(&self, session: &Session, head: &RequestHead, env: &mut Env<'_>) -> Vec<String> {
        let record = session.record();
        let Some(idle) = self.policy.idle else { return Vec::new() };
        let step = Duration::from_secs(idle.as_secs() / 10).max(MIN_KEEP_ALIVE);
        if self.now < UnixTime(record.seen).plus(step) {
            return Vec::new();
        }
        let seen = SessionRecord { seen: self.now.0, ..record.clone() };
        let written = self.write(&seen, &SentCookies::new(head, &self.tenant.login), env);
        written.map(WrittenSession::into_cookies).unwrap_or_default()
    }

    fn write_whole(
        &self,
        record: &SessionRecord,
        sent: &SentCookies,
        env: &mut Env<'_>,
    ) -> Result<WrittenSession, SessionError> {
        let sealed = self.ring.seal(Purpose::Session, self.tenant, record, env).map_err(HostFailure::from)?;
        let lifetime = self.remaining_lifetime(record);
        let cookies = cookies::write(&sealed, sent, &self.tenant.login, lifetime).ok_or(SessionError::TooLarge)?;
        Ok(WrittenSession { sealed, cookies })
    }

    fn remaining_lifetime(&self, record: &SessionRecord) -> Duration {
        let end = UnixTime(record.signed_in).plus(self.policy.lifetime);
        Duration::from_secs(end.0.saturating_sub(self.now.0))
    }

    fn is_valid(&self, record: &SessionRecord) -> bool {
        let Self { tenant, policy, now, .. } = *self;
        let signed_in = UnixTime(record.signed_in);
        let over = now >= signed_in.plus(policy.lifetime)
            || policy.idle.is_some_and(|idle| now >= UnixTime(record.seen).plus(idle))
            || (policy.end_with_id_token && now >= UnixTime(record.token_expires));
        // A clock that was set back must not make a session longer.
        let not_yet = signed_in > now.plus(CLOCK_SKEW);
        let claims = &tenant.identity;
        let unverified = claims.require_email_verified && claims.user_is_email() && !record.identity.email_verified;
        !over
            && !not_yet
            && !unverified
            && tenant.keeps_sessions_of(&record.identity.verified_with)
            && !self.revocations.contain(&record.into(), now)
    }
}

impl Session {
    /// What the session holds.
    pub(crate) fn record(&self) -> &SessionRecord {
        self.0.value()
    }

    /// What a refresh needs.
    pub(crate) fn grant(&self) -> Option<&RefreshGrant> {
        self.record().tokens.grant.as_ref()
    }

    /// The identity of the session.
    pub(crate) fn into_identity(self) -> VerifiedIdentity {
        VerifiedIdentity::from_sealed(self.0)
    }

    /// What the session holds, to end it.
    pub(crate) fn into_record(self) -> SessionRecord {
        self.0.into_parts().1
    }
}

impl WrittenSession {
    /// The whole session as one sealed text.
    pub(crate) fn sealed(&self) -> &str {
        &self.sealed
    }

    /// The `Set-Cookie` values that keep it.
    pub(crate) fn into_cookies(self) -> Vec<String> {
        self.cookies
    }
}

/// The most that the clocks of two replicas may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
const MIN_KEEP_ALIVE: Duration = Duration::from_secs(60);

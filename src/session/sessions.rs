//! Reads and writes the sessions of one tenant.
//!
//! Scenarios: tests/scenarios/session.rs.

use std::sync::Arc;
use std::time::Duration;

use super::cookies::{self, SentCookies};
use super::end::SessionEnd;
use super::error::SessionError;
use super::id::SessionId;
use super::record::SessionRecord;
use super::refresh_grant::RefreshGrant;
use super::refresh_store::{RefreshKey, RefreshState, RefreshStore};
use super::retained_tokens::RetainedTokens;
use super::revocation::Revocations;
use super::session::{OpenedSession, Session, SessionCache};
use crate::base::time::UnixTime;
use crate::env::shared::SharedData;
use crate::env::{Env, HostFailure};
use crate::http::request::RequestHead;
use crate::seal::{KeyRing, Purpose};
use crate::tenant::{IdTokenHint, MAX_PIECES, SessionPolicy, Tenant, WithoutToken};
use crate::token::VerifiedIdToken;

/// Reads and writes the sessions of one tenant at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Sessions<'a> {
    /// The tenant of the sessions.
    pub(crate) tenant: &'a Tenant,
    /// The keys that seal and open sessions.
    pub(crate) ring: &'a KeyRing,
    /// How long sessions last.
    pub(crate) policy: SessionPolicy,
    /// The sessions that were revoked.
    pub(crate) revocations: &'a Revocations,
    /// The current time.
    pub(crate) now: UnixTime,
    /// The sessions that were opened before.
    pub(crate) cache: &'a SessionCache,
    /// Identifies the settings of the tenant.
    pub(crate) settings: u64,
}

/// A sealed session with the `Set-Cookie` values that store it.
pub(crate) struct WrittenSession {
    sealed: String,
    /// The `Set-Cookie` values.
    pub(crate) cookies: Vec<String>,
}

impl Sessions<'_> {
    /// The session in `sealed`, if it is valid: sealed for this tenant, its issuer and its client;
    /// neither expired nor revoked; verified with a key that the tenant still trusts; and with a
    /// verified e-mail address if that is required for the user name.
    ///
    /// # Errors
    /// [`SessionEnd`] if it is not, for the log and the counters.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<Session, SessionEnd> {
        if let Some(known) = self.cache.find((&self.tenant.name, self.settings), sealed, self.now, |_| true) {
            return self.end_of(known.record()).map_or_else(|| Ok(Session::new(known)), Err);
        }
        let Some(opened) = self.ring.open::<SessionRecord>(Purpose::Session, self.tenant, sealed) else {
            let is_of_other_key = self.ring.lacks_key_of(sealed);
            return Err(if is_of_other_key { SessionEnd::KeyUnknown } else { SessionEnd::Unreadable });
        };
        if let Some(end) = self.end_of(opened.value()) {
            return Err(end);
        }
        let end = self.identity_end(opened.value());
        let session = Arc::new(OpenedSession::new(opened, sealed.len(), end));
        self.cache.insert(sealed, (&session, self.settings), self.end(session.record()), self.now);
        Ok(Session::new(session))
    }

    fn refreshes(&self) -> RefreshStore<'_> {
        RefreshStore::new(self.ring, self.tenant)
    }

    /// The newest session that the refreshes of this process have made of `session`, which may be
    /// `session` itself.
    ///
    /// # Errors
    /// [`SessionEnd`] if the issuer rejected its refresh token, or a newer one is not valid.
    pub(crate) fn newest(&self, session: Session, shared: &dyn SharedData) -> Result<Session, SessionEnd> {
        let mut session = session;
        for _ in 0..MAX_BEHIND {
            let Some(grant) = session.grant() else { return Ok(session) };
            match self.refreshes().state(RefreshKey::new(&self.tenant.name, grant), shared, self.now) {
                Some(RefreshState::Renewed(sealed)) => session = self.open(sealed.as_bytes())?,
                Some(RefreshState::Rejected) => break,
                Some(RefreshState::Called(_) | RefreshState::Failed(_)) | None => return Ok(session),
            }
        }
        Err(SessionEnd::Unconfirmed)
    }

    /// The grant with the newest refresh token that the refreshes of this process have brought to
    /// the session, even if it is over. `None` if the session never had one. The issuer may have
    /// rejected the last one.
    pub(crate) fn newest_grant(&self, session: &SessionRecord, shared: &dyn SharedData) -> Option<RefreshGrant> {
        let mut grant = session.tokens.grant.clone()?;
        for _ in 0..MAX_BEHIND {
            let state = self.refreshes().state(RefreshKey::new(&self.tenant.name, &grant), shared, self.now);
            let Some(RefreshState::Renewed(sealed)) = state else { break };
            let newer = self.ring.open::<SessionRecord>(Purpose::Session, self.tenant, sealed.as_bytes());
            let newer = newer.map(|opened| opened.into_parts().1).filter(|newer| newer.id == session.id);
            let Some(newer) = newer.and_then(|newer| newer.tokens.grant) else { break };
            grant = newer;
        }
        Some(grant)
    }

    /// The sessions of the request that a sign-out has to revoke, the valid ones first. They
    /// include sessions that `session.idle` ended here, because a copy of their cookies may have
    /// been kept in use.
    pub(crate) fn revocable(&self, head: &RequestHead) -> Vec<SessionRecord> {
        let opened = cookies::read(head, &self.tenant.login)
            .filter_map(|sealed| self.ring.open::<SessionRecord>(Purpose::Session, self.tenant, &sealed));
        let records = opened.map(|opened| opened.into_parts().1);
        let is_within = |record: &SessionRecord| self.now < UnixTime(record.signed_in).plus(self.policy.lifetime);
        let (mut sessions, ended): (Vec<_>, Vec<_>) =
            records.filter(is_within).partition(|record| self.end_of(record).is_none());
        sessions.extend(ended);
        sessions
    }

    /// Begins a session, which [`write`](Self::write) seals. It requires an ID token, so a bearer
    /// token never becomes a session.
    ///
    /// # Errors
    /// [`SessionError`].
    pub(crate) fn start(
        &self,
        token: &VerifiedIdToken,
        tokens: RetainedTokens,
        env: &mut Env<'_>,
    ) -> Result<SessionRecord, SessionError> {
        let id = SessionId::new(env).map_err(HostFailure::from)?;
        Ok(SessionRecord::new(token, self.tenant, id, tokens, self.now)?)
    }

    /// Seals a session into cookies whose `Max-Age` is the remaining lifetime of the session. An ID
    /// token that the tenant does not forward is omitted if the session is too large with it, for
    /// the cookies or for what the tenant spends on the hint.
    ///
    /// # Errors
    /// [`SessionError`].
    pub(crate) fn write(
        &self,
        record: &SessionRecord,
        sent: &SentCookies,
        env: &mut Env<'_>,
    ) -> Result<WrittenSession, SessionError> {
        if record.tokens.id_token.is_none() || self.tenant.headers.id_token.is_some() {
            return self.write_into(MAX_PIECES, record, sent, env);
        }
        let pieces = match self.tenant.login.id_token_hint {
            IdTokenHint::Never => 0,
            IdTokenHint::InOneCookie => 1,
            IdTokenHint::InAllCookies => MAX_PIECES,
        };
        match self.write_into(pieces, record, sent, env) {
            // A session without its ID token is better than a login that ends without a session.
            Err(SessionError::TooLarge) => {
                let mut without = record.clone();
                without.tokens.id_token = None;
                self.write_into(MAX_PIECES, &without, sent, env)
            }
            outcome => outcome,
        }
    }

    /// Seals a session as [`write`](Self::write) does, for a browser that gets it later.
    ///
    /// # Errors
    /// [`SessionError`], also if the cookies that a browser stores are too small for it.
    pub(crate) fn seal(&self, record: &SessionRecord, env: &mut Env<'_>) -> Result<String, SessionError> {
        Ok(self.write(record, &SentCookies::default(), env)?.sealed)
    }

    /// The `Set-Cookie` values of a session that is already sealed. `None` if it is too large.
    pub(crate) fn write_sealed(&self, session: &Session, sealed: &str, sent: &SentCookies) -> Option<Vec<String>> {
        cookies::write(sealed, MAX_PIECES, sent, &self.tenant.login, self.remaining_lifetime(session.record()))
    }

    /// The `Set-Cookie` values that record the use of the session, if `session.idle` limits it.
    /// There are none before a tenth of `session.idle` (at least a minute) has passed, because
    /// sealing takes time. If the host cannot seal, there are none, and the session ends sooner.
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

    /// Seals a session into at most so many cookies.
    fn write_into(
        &self,
        pieces: u8,
        record: &SessionRecord,
        sent: &SentCookies,
        env: &mut Env<'_>,
    ) -> Result<WrittenSession, SessionError> {
        let sealed = self.ring.seal(Purpose::Session, self.tenant, record, env).map_err(HostFailure::from)?;
        let lifetime = self.remaining_lifetime(record);
        let cookies = cookies::write(&sealed, pieces, sent, &self.tenant.login, lifetime);
        let cookies = cookies.ok_or(SessionError::TooLarge)?;
        Ok(WrittenSession { sealed, cookies })
    }

    fn remaining_lifetime(&self, record: &SessionRecord) -> Duration {
        let end = UnixTime(record.signed_in).plus(self.policy.lifetime);
        Duration::from_secs(end.0.saturating_sub(self.now.0))
    }

    /// When the session ends, unless it is used before, renewed, or revoked.
    pub(crate) fn end(&self, record: &SessionRecord) -> UnixTime {
        let end = UnixTime(record.signed_in).plus(self.policy.lifetime);
        let idle = self.policy.idle.map(|idle| UnixTime(record.seen).plus(idle));
        let token = self.policy.end_with_id_token.then_some(UnixTime(record.token_expires));
        [idle, token].into_iter().flatten().fold(end, UnixTime::min)
    }

    /// When the identity of the session is no longer relied on, unless it is refreshed before.
    pub(crate) fn identity_end(&self, record: &SessionRecord) -> UnixTime {
        self.confirmed_until(record).into_iter().fold(self.end(record), UnixTime::min)
    }

    /// When the session ends because the issuer has not confirmed the identity for too long. `None`
    /// if the tenant does not ask for that.
    pub(crate) fn confirmed_until(&self, record: &SessionRecord) -> Option<UnixTime> {
        let refresh = self.tenant.refresh.as_ref()?;
        match &record.tokens.grant {
            Some(grant) => Some(grant.stale(refresh)),
            None if refresh.without_token == WithoutToken::Keep => None,
            None => Some(UnixTime(record.signed_in).plus(refresh.interval)),
        }
    }

    /// The reason why the session is over, if it is. What ends every session in time comes first,
    /// so that the other reasons count what they ended early.
    fn end_of(&self, record: &SessionRecord) -> Option<SessionEnd> {
        let Self { tenant, now, policy, revocations, .. } = *self;
        let claims = &tenant.identity;
        let is_idle = policy.idle.is_some_and(|idle| now >= UnixTime(record.seen).plus(idle));
        if now >= UnixTime(record.signed_in).plus(policy.lifetime) {
            Some(SessionEnd::Expired)
        } else if is_idle {
            Some(SessionEnd::Idle)
        } else if now >= self.end(record) {
            Some(SessionEnd::Expired)
        } else if UnixTime(record.signed_in) > now.plus(CLOCK_SKEW) {
            // If the clock was set back, the session must not last longer.
            Some(SessionEnd::InFuture)
        } else if claims.require_email_verified && claims.user_is_email() && !record.identity.email_verified {
            Some(SessionEnd::EmailUnverified)
        } else if !tenant.keeps_sessions_of(&record.identity.verified_with) {
            Some(SessionEnd::KeyRemoved)
        } else if revocations.not_before(UnixTime(record.signed_in), now) {
            Some(SessionEnd::NotBefore)
        } else {
            revocations.contain(&record.into(), now).then_some(SessionEnd::Revoked)
        }
    }
}

impl WrittenSession {
    /// The `Set-Cookie` values that store it.
    pub(crate) fn into_cookies(self) -> Vec<String> {
        self.cookies
    }
}

/// The most refreshes that a cookie may be behind.
pub(crate) const MAX_BEHIND: usize = 8;
/// The largest difference that is expected between the clocks of two replicas.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
const MIN_KEEP_ALIVE: Duration = Duration::from_secs(60);

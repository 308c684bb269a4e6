//! Sessions: the verified identity, sealed into a cookie or a few. Nothing of it is kept in the gate.

mod cookies;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::env::{Env, UnixTime};
use crate::gate::Gate;
use crate::identity::{NoIdentity, VerifiedIdentity};
use crate::keys::Voucher;
use crate::request::RequestHead;
use crate::revocation::{SessionId, has_ended};
use crate::seal::{Opened, Purpose, SealError};
use crate::secret::Secret;
use crate::tenant::Tenant;
use crate::token::VerifiedIdToken;

pub(crate) use cookies::Brought;

/// What the session cookies hold.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    pub(crate) user: String,
    pub(crate) email: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) vouched_by: Voucher,
    /// When the person signed in.
    pub(crate) signed_in: u64,
    /// When the session was last in use, to some minutes.
    pub(crate) seen: u64,
    /// The moment from which the ID token is refused.
    pub(crate) token_expires: u64,
    /// By which this one session is ended.
    pub(crate) id: SessionId,
    /// Who it is at the issuer, and in which session there (`sub` and `sid`).
    pub(crate) sub: String,
    pub(crate) sid: Option<String>,
    /// The ID token, where the tenant keeps it for the sign-out. It was verified when the session began.
    pub(crate) id_token: Option<String>,
}

/// A session that is good under the configuration of this moment.
pub(crate) struct Session(Opened<SessionRecord>);

/// Why no session could be made of a good login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoSession {
    /// The token does not say who it is.
    Anonymous(NoIdentity),
    /// Browsers would not keep the cookies.
    TooLarge,
    /// It could not be sealed.
    Unsealed(SealError),
}

/// Starts a session of whoever signed in and gives its `Set-Cookie` values. It takes an ID token, so that no bearer token becomes a
/// session. `text` is that token as it came.
pub(crate) fn start(
    token: &VerifiedIdToken,
    text: &Secret<String>,
    tenant: &Tenant,
    gate: &Gate,
    now: UnixTime,
    brought: &Brought,
    env: &mut Env<'_>,
) -> Result<Vec<String>, NoSession> {
    let identity = VerifiedIdentity::from_id_token(token, &tenant.identity).map_err(NoSession::Anonymous)?;
    let record = SessionRecord {
        user: identity.user().to_owned(),
        email: identity.email().map(str::to_owned),
        groups: identity.groups().to_vec(),
        vouched_by: identity.vouched_by(),
        signed_in: now.0,
        seen: now.0,
        token_expires: token.signed().expires().0,
        id: SessionId::new(env).map_err(|no_entropy| NoSession::Unsealed(no_entropy.into()))?,
        sub: token.subject().to_owned(),
        sid: token.session_id().map(str::to_owned),
        id_token: tenant.login.keep_id_token.then(|| text.expose_secret().clone()),
    };
    // The ID token is worth having, but not worth a login that ends without a session.
    match record.write(tenant, gate, now, brought, env) {
        Err(NoSession::TooLarge) if record.id_token.is_some() => {
            SessionRecord { id_token: None, ..record }.write(tenant, gate, now, brought, env)
        }
        outcome => outcome,
    }
}

impl Session {
    /// The session that came with the request, if there is one that is still good: sealed for this tenant, its issuer and its client,
    /// not over, and vouched for by a key that the tenant still has.
    pub(crate) fn of(head: &RequestHead, tenant: &Tenant, gate: &Gate, now: UnixTime) -> Option<Self> {
        cookies::read(head, tenant)
            .filter_map(|sealed| gate.ring().open::<SessionRecord>(Purpose::Session, tenant, &sealed))
            .find(|session| session.value().is_good(tenant, gate, now))
            .map(Self)
    }

    /// Whose session it is.
    pub(crate) fn into_identity(self) -> VerifiedIdentity {
        VerifiedIdentity::from_session(self.0)
    }

    /// What it holds, to end it.
    pub(crate) fn into_record(self) -> SessionRecord {
        self.0.into_parts().1
    }

    /// The `Set-Cookie` values by which the session is seen to be in use, where it would end otherwise. Not each time: sealing
    /// costs a little, and a browser has to keep it. A host that cannot seal has the session end sooner, and is no reason to refuse it.
    pub(crate) fn keep_alive(
        &self,
        head: &RequestHead,
        tenant: &Tenant,
        gate: &Gate,
        env: &mut Env<'_>,
    ) -> Vec<String> {
        let record = self.0.value();
        let (Some(idle), Ok(now)) = (gate.policy().idle, env.now()) else { return Vec::new() };
        let step = Duration::from_secs(idle.as_secs() / 10).max(LEAST_STEP);
        if now < UnixTime(record.seen).plus(step) {
            return Vec::new();
        }
        let seen = SessionRecord { seen: now.0, ..record.clone() };
        seen.write(tenant, gate, now, &Brought::by(head, tenant), env).unwrap_or_default()
    }
}

impl SessionRecord {
    /// Seals it into cookies that live as long as the session may.
    fn write(
        &self,
        tenant: &Tenant,
        gate: &Gate,
        now: UnixTime,
        brought: &Brought,
        env: &mut Env<'_>,
    ) -> Result<Vec<String>, NoSession> {
        let sealed = gate.ring().seal(Purpose::Session, tenant, self, env).map_err(NoSession::Unsealed)?;
        let end = UnixTime(self.signed_in).plus(gate.policy().lifetime);
        let rest = Duration::from_secs(end.0.saturating_sub(now.0));
        cookies::write(&sealed, brought, tenant, rest).ok_or(NoSession::TooLarge)
    }

    fn is_good(&self, tenant: &Tenant, gate: &Gate, now: UnixTime) -> bool {
        let policy = gate.policy();
        let signed_in = UnixTime(self.signed_in);
        let over = now >= signed_in.plus(policy.lifetime)
            || policy.idle.is_some_and(|idle| now >= UnixTime(self.seen).plus(idle))
            || (policy.end_with_id_token && now >= UnixTime(self.token_expires));
        // A clock that was put back must not make a session longer.
        let not_yet = signed_in > now.plus(CLOCK_SKEW);
        !over && !not_yet && tenant.keeps_sessions_of(&self.vouched_by) && !has_ended(self, tenant, now)
    }
}

/// How far the clocks of two replicas may be apart.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
const LEAST_STEP: Duration = Duration::from_secs(60);

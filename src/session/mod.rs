//! Sessions: the verified identity, sealed into a cookie or a few. Nothing of it is kept in the gate.

mod cookies;
mod further_claims;
mod grant;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::env::{Env, UnixTime};
use crate::gate::Gate;
use crate::identity::{self, NoIdentity, VerifiedIdentity};
use crate::keys::Voucher;
use crate::login::TokenResponse;
use crate::request::RequestHead;
use crate::revocation::{SessionId, has_ended};
use crate::seal::{Opened, Purpose, SealError};
use crate::secret::Secret;
use crate::tenant::Tenant;
use crate::token::{Claims, VerifiedIdToken};

pub(crate) use cookies::Brought;
pub(crate) use further_claims::FurtherClaims;
pub(crate) use grant::{Age, Grant, LeftOut};

/// What the session cookies hold.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    pub(crate) user: String,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) groups: Vec<String>,
    /// What rules and headers of the tenant are about.
    pub(crate) claims: FurtherClaims,
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
    pub(crate) kept: Kept,
}

/// What a session keeps of the tokens that came at the sign-in.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The ID token, where the tenant keeps it for the sign-out or forwards it. It was verified when it came.
    pub(crate) id_token: Option<String>,
    /// The access token, where the tenant forwards it.
    pub(crate) access_token: Option<String>,
    /// Where the tenant refreshes sessions, and the issuer gave a refresh token.
    pub(crate) grant: Option<Grant>,
}

impl Kept {
    /// What is kept of these tokens; an ID token among them was verified.
    pub(crate) fn of(tokens: &TokenResponse, tenant: &Tenant) -> Self {
        let text = |token: &Secret<String>| token.expose_secret().clone();
        let keeps_id_token = tenant.login.keep_id_token || tenant.headers.id_token.is_some();
        Self {
            id_token: tokens.id_token.as_ref().filter(|_| keeps_id_token).map(text),
            access_token: tenant.headers.access_token.as_ref().map(|_| text(&tokens.access_token)),
            grant: None,
        }
    }

    /// Takes what came with a refresh.
    pub(crate) fn renew(&mut self, tokens: &TokenResponse, tenant: &Tenant, grant: Grant) {
        let newer = Self::of(tokens, tenant);
        self.id_token = newer.id_token.or_else(|| self.id_token.take());
        self.access_token = newer.access_token;
        self.grant = Some(grant);
    }
}

/// A session on its way into the browser.
pub(crate) struct WrittenSession {
    sealed: String,
    cookies: Vec<String>,
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
/// session.
pub(crate) fn start(
    token: &VerifiedIdToken,
    kept: Kept,
    tenant: &Tenant,
    gate: &Gate,
    now: UnixTime,
    brought: &Brought,
    env: &mut Env<'_>,
) -> Result<Vec<String>, NoSession> {
    let id = SessionId::new(env).map_err(|no_entropy| NoSession::Unsealed(no_entropy.into()))?;
    let record = SessionRecord::new(token, tenant, id, kept, now).map_err(NoSession::Anonymous)?;
    Ok(record.write(tenant, gate, now, brought, env)?.cookies)
}

impl Session {
    /// The session that came with the request, if there is one that is still good: sealed for this tenant, its issuer and its client,
    /// not over, vouched for by a key that the tenant still has, and not of an e-mail address that nobody verified where that is the user
    /// name.
    pub(crate) fn of(head: &RequestHead, tenant: &Tenant, gate: &Gate, now: UnixTime) -> Option<Self> {
        cookies::read(head, tenant)
            .filter_map(|sealed| gate.ring().open::<SessionRecord>(Purpose::Session, tenant, &sealed))
            .find(|session| session.value().is_good(tenant, gate, now))
            .map(Self)
    }

    /// The session that this worker sealed a moment ago, if it is still good.
    pub(crate) fn sealed_as(sealed: &str, tenant: &Tenant, gate: &Gate, now: UnixTime) -> Option<Self> {
        let session = gate.ring().open::<SessionRecord>(Purpose::Session, tenant, sealed.as_bytes())?;
        session.value().is_good(tenant, gate, now).then_some(Self(session))
    }

    /// The `Set-Cookie` values of this session, which is sealed already.
    pub(crate) fn write_again(
        &self,
        sealed: &str,
        brought: &Brought,
        tenant: &Tenant,
        gate: &Gate,
        now: UnixTime,
    ) -> Option<Vec<String>> {
        cookies::write(sealed, brought, tenant, self.record().rest(gate, now))
    }

    /// What it holds.
    pub(crate) fn record(&self) -> &SessionRecord {
        self.0.value()
    }

    /// What it can be refreshed with.
    pub(crate) fn grant(&self) -> Option<&Grant> {
        self.record().kept.grant.as_ref()
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
        let written = seen.write(tenant, gate, now, &Brought::by(head, tenant), env);
        written.map(|session| session.cookies).unwrap_or_default()
    }
}

impl SessionRecord {
    /// A session that begins now.
    fn new(
        token: &VerifiedIdToken,
        tenant: &Tenant,
        id: SessionId,
        kept: Kept,
        now: UnixTime,
    ) -> Result<Self, NoIdentity> {
        let identity = VerifiedIdentity::from_id_token(token, &tenant.identity)?;
        Ok(Self {
            user: identity.user().to_owned(),
            email: identity.email().map(str::to_owned),
            email_verified: identity.email_verified(),
            groups: identity.groups().to_vec(),
            claims: FurtherClaims::of(identity.claims()),
            vouched_by: identity.vouched_by(),
            signed_in: now.0,
            seen: now.0,
            token_expires: token.signed().expires().0,
            id,
            sub: token.subject().to_owned(),
            sid: token.session_id().map(str::to_owned),
            kept,
        })
    }

    /// Takes the identity of a later ID token of the same person. Which session it is and when it began does not change.
    pub(crate) fn take(&mut self, token: &VerifiedIdToken, tenant: &Tenant) -> Result<(), NoIdentity> {
        let later = Self::new(token, tenant, self.id, self.kept.clone(), UnixTime(self.signed_in))?;
        *self = Self { seen: self.seen, sid: later.sid.or_else(|| self.sid.take()), ..later };
        Ok(())
    }

    /// Takes what the UserInfo endpoint says now of what the last ID token left out, where no later one came. The rest stays.
    pub(crate) fn supplement(
        &mut self,
        userinfo: &Claims,
        left_out: &LeftOut,
        tenant: &Tenant,
    ) -> Result<(), NoIdentity> {
        let names = &tenant.identity;
        if left_out.user {
            self.user = identity::user(userinfo, names)?;
        }
        if left_out.email {
            self.email = identity::email(userinfo, names)?;
            self.email_verified = userinfo.email_verified();
        } else if left_out.email_verified {
            let same = self.email.is_some() && self.email == identity::email(userinfo, names)?;
            self.email_verified = same && userinfo.email_verified();
        }
        if left_out.groups {
            self.groups = identity::groups(userinfo, names)?;
        }
        let mut claims = self.claims.read();
        for path in &names.further.claims {
            let name = path.to_string();
            if left_out.claims.contains(&name) {
                match path.find(userinfo) {
                    Some(value) => drop(claims.insert(name, value.clone())),
                    None => drop(claims.remove(&name)),
                }
            }
        }
        self.claims = FurtherClaims::of(&claims);
        Ok(())
    }

    /// Seals it into cookies that live as long as the session may.
    pub(crate) fn write(
        &self,
        tenant: &Tenant,
        gate: &Gate,
        now: UnixTime,
        brought: &Brought,
        env: &mut Env<'_>,
    ) -> Result<WrittenSession, NoSession> {
        match self.write_whole(tenant, gate, now, brought, env) {
            // The ID token is worth having, but not worth a login that ends without a session.
            Err(NoSession::TooLarge) if self.kept.id_token.is_some() && tenant.headers.id_token.is_none() => {
                let mut without = self.clone();
                without.kept.id_token = None;
                without.write_whole(tenant, gate, now, brought, env)
            }
            outcome => outcome,
        }
    }

    fn write_whole(
        &self,
        tenant: &Tenant,
        gate: &Gate,
        now: UnixTime,
        brought: &Brought,
        env: &mut Env<'_>,
    ) -> Result<WrittenSession, NoSession> {
        let sealed = gate.ring().seal(Purpose::Session, tenant, self, env).map_err(NoSession::Unsealed)?;
        let cookies = cookies::write(&sealed, brought, tenant, self.rest(gate, now)).ok_or(NoSession::TooLarge)?;
        Ok(WrittenSession { sealed, cookies })
    }

    /// How much of its lifetime is left.
    fn rest(&self, gate: &Gate, now: UnixTime) -> Duration {
        let end = UnixTime(self.signed_in).plus(gate.policy().lifetime);
        Duration::from_secs(end.0.saturating_sub(now.0))
    }

    fn is_good(&self, tenant: &Tenant, gate: &Gate, now: UnixTime) -> bool {
        let policy = gate.policy();
        let signed_in = UnixTime(self.signed_in);
        let over = now >= signed_in.plus(policy.lifetime)
            || policy.idle.is_some_and(|idle| now >= UnixTime(self.seen).plus(idle))
            || (policy.end_with_id_token && now >= UnixTime(self.token_expires));
        // A clock that was put back must not make a session longer.
        let not_yet = signed_in > now.plus(CLOCK_SKEW);
        let named = &tenant.identity;
        let unverified = named.require_email_verified && named.user_is_email() && !self.email_verified;
        !over && !not_yet && !unverified && tenant.keeps_sessions_of(&self.vouched_by) && !has_ended(self, tenant, now)
    }
}

impl WrittenSession {
    /// The whole of it, as one text.
    pub(crate) fn sealed(&self) -> &str {
        &self.sealed
    }

    /// The `Set-Cookie` values that keep it.
    pub(crate) fn into_cookies(self) -> Vec<String> {
        self.cookies
    }
}

/// How far the clocks of two replicas may be apart.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
const LEAST_STEP: Duration = Duration::from_secs(60);

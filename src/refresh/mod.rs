//! Refreshing a session (RFC 6749 section 6, OpenID Connect Core section 12): the issuer is asked whether it still stands by the identity, and
//! what it is now.
//!
//! It is asked ahead of time, beside a request that goes on at once; a request that comes too late waits for it.

mod memory;

use std::sync::Arc;
use std::time::Duration;

use crate::asker::Asker;
use crate::call::{CallFailure, CallResponse, HttpCall};
use crate::denial::Denial;
use crate::env::{Env, UnixTime};
use crate::gate::Gate;
use crate::login::{self, TokenResponse};
use crate::reply::{Level, Note};
use crate::secret::Secret;
use crate::session::{Age, Brought, Grant, Session, SessionRecord, WrittenSession};
use crate::tenant::Tenant;
use crate::token::{RefreshedToken, TokenRejection, VerifiedIdToken};
use crate::visit::Visit;
use memory::{Key, Turn};

pub(crate) use memory::Refreshes;

/// How a session stands before a request goes on with it.
pub(crate) enum Standing {
    /// As it is.
    Current(Session),
    /// It was refreshed a moment ago, and this browser does not know yet.
    Renewed(Session, Vec<String>),
    /// It goes on, and is refreshed beside.
    Due(Session, Box<Refreshing>, HttpCall),
    /// It has to be refreshed first.
    Overdue(Box<Refreshing>, HttpCall),
    /// The issuer does not stand by it any more.
    Ended,
}

/// A refresh that waits for the token endpoint.
pub(crate) struct Refreshing {
    gate: Arc<Gate>,
    tenant: Arc<Tenant>,
    record: SessionRecord,
    grant: Grant,
    brought: Brought,
    asker: Asker,
    overdue: UnixTime,
}

/// What came of it.
pub(crate) enum Outcome {
    /// The issuer stands by it: the session as it is now.
    Renewed(WrittenSession, Note),
    /// The issuer could not be asked, or there is time left until it has to stand by it: the session stays as it is.
    Kept(Note),
    /// It is over.
    Ended(Note),
}

/// Finds out how `session` stands at the tenant of this visit.
pub(crate) fn standing(visit: &Visit<'_>, session: Session, now: UnixTime, env: &mut Env<'_>) -> Standing {
    let Visit { head, gate, tenant, .. } = visit;
    let Some(refresh) = &tenant.refresh else { return Standing::Current(session) };
    let mut session = session;
    let mut renewed = None;
    // A browser may be some refreshes behind.
    for _ in 0..MAX_BEHIND {
        let Some(grant) = session.grant() else { break };
        let age = grant.age(refresh, now);
        if age == Age::Young {
            break;
        }
        let overdue = age == Age::Overdue;
        match gate.refreshes().turn(Key::of(&tenant.name, grant), overdue, tenant.provider.timeout, now) {
            Turn::Call => {
                let Ok(call) = login::refresh_request(tenant, &grant.refresh_token, env) else {
                    gate.refreshes().failed(Key::of(&tenant.name, grant), now.plus(BACK_OFF));
                    break;
                };
                let refreshing = Box::new(Refreshing::of(visit, &session, grant, grant.overdue(refresh)));
                return if overdue {
                    Standing::Overdue(refreshing, call)
                } else {
                    Standing::Due(session, refreshing, call)
                };
            }
            Turn::Leave => break,
            Turn::Refused => return Standing::Ended,
            Turn::Renewed(sealed) => match Session::sealed_as(&sealed, tenant, gate, now) {
                Some(newer) => {
                    session = newer;
                    renewed = Some(sealed);
                }
                None => return Standing::Ended,
            },
        }
    }
    match renewed.and_then(|sealed| session.write_again(&sealed, &Brought::by(head, tenant), tenant, gate, now)) {
        Some(cookies) => Standing::Renewed(session, cookies),
        None => Standing::Current(session),
    }
}

impl Refreshing {
    fn of(visit: &Visit<'_>, session: &Session, grant: &Grant, overdue: UnixTime) -> Self {
        Self {
            gate: visit.gate.clone(),
            tenant: visit.tenant.clone(),
            record: session.record().clone(),
            grant: grant.clone(),
            brought: Brought::by(visit.head, &visit.tenant),
            asker: visit.asker.clone(),
            overdue,
        }
    }

    /// The issuer is not asked after all: the next request may.
    pub(crate) fn leave(self) {
        self.gate.refreshes().failed(Key::of(&self.tenant.name, &self.grant), UnixTime(0));
    }

    /// Reads the answer of the token endpoint. Whatever it is, this worker remembers it.
    pub(crate) fn finish(self, result: Result<CallResponse, CallFailure>, env: &mut Env<'_>) -> Outcome {
        let key = Key::of(&self.tenant.name, &self.grant);
        let refreshes = self.gate.refreshes();
        let now = env.now().unwrap_or(self.overdue);
        let tokens = result.map_err(Denial::ProviderUnreachable).and_then(|answer| Ok(TokenResponse::read(&answer)?));
        let outcome = tokens.and_then(|tokens| match self.renew(&tokens, env) {
            Err(denial) if self.may_be_a_new_key(&denial) => {
                Ok((self.postpone(&tokens, now, env)?, (Level::Warn, "refresh_failed", reason(&denial))))
            }
            outcome => {
                let said = (Level::Debug, "session_refreshed", "the issuer stands by the identity".to_owned());
                Ok((outcome?, said))
            }
        });
        match outcome {
            Ok((session, (level, event, what))) => {
                refreshes.renewed(key, session.sealed());
                Outcome::Renewed(session, self.asker.note(level, event, &what))
            }
            Err(denial) if !is_refusal(&denial) || self.may_be_a_new_key(&denial) => {
                refreshes.failed(key, now.plus(BACK_OFF));
                Outcome::Kept(self.asker.note(Level::Warn, "refresh_failed", &reason(&denial)))
            }
            // Another worker may have been faster, and this browser may have its session by now.
            Err(denial) if now < self.overdue => {
                refreshes.failed(key, self.overdue);
                Outcome::Kept(self.asker.note(Level::Info, "refresh_refused", &reason(&denial)))
            }
            Err(denial) => {
                refreshes.refused(key);
                Outcome::Ended(self.asker.note(Level::Info, "refresh_refused", &reason(&denial)))
            }
        }
    }

    /// The session as it is from now on. Without an ID token (section 12.2 leaves it to the issuer) the identity stays.
    fn renew(&self, tokens: &TokenResponse, env: &mut Env<'_>) -> Result<WrittenSession, Denial> {
        let Self { gate, tenant, grant, .. } = self;
        let now = env.now()?;
        let mut record = SessionRecord { seen: now.0, ..self.record.clone() };
        if let Some(token) = &tokens.id_token {
            let expected =
                RefreshedToken { subject: &self.record.sub, nonce: &grant.nonce, access_token: &tokens.access_token };
            let token =
                VerifiedIdToken::verify_refreshed(token.expose_secret(), tenant, &expected, now, env.verifier())?;
            record.take(&token, tenant)?;
        }
        let refresh_token = tokens.refresh_token.as_ref().map(|token| token.expose_secret().clone());
        let grant = Grant {
            refresh_token: refresh_token.unwrap_or_else(|| grant.refresh_token.clone()),
            renewed: now.0,
            expires_in: tokens.expires_in,
            ..grant.clone()
        };
        record.kept.renew(tokens, tenant, grant);
        Ok(record.write(tenant, gate, now, &self.brought, env)?)
    }

    /// Whether the issuer may have begun to use another key, which is fetched.
    fn may_be_a_new_key(&self, denial: &Denial) -> bool {
        *denial == TokenRejection::UnknownKey.into() && self.tenant.provider.source.is_some()
    }

    /// Has the keys fetched, and leaves the identity as it is until the next try. That goes with the refresh token that came: an issuer
    /// that takes one once does not take the old one again.
    fn postpone(&self, tokens: &TokenResponse, now: UnixTime, env: &mut Env<'_>) -> Result<WrittenSession, Denial> {
        let Self { gate, tenant, grant, .. } = self;
        tenant.provider.want_keys();
        let newer = tokens.refresh_token.as_ref().map(Secret::expose_secret);
        let newer = newer.filter(|token| **token != grant.refresh_token).ok_or(TokenRejection::UnknownKey)?;
        let grant = Grant { refresh_token: newer.clone(), ..grant.clone() };
        let mut record = self.record.clone();
        record.kept.grant = Some(grant.clone());
        let session = record.write(tenant, gate, now, &self.brought, env)?;
        gate.refreshes().failed(Key::of(&tenant.name, &grant), now.plus(BACK_OFF));
        Ok(session)
    }
}

/// Whether the issuer said no, or something that cannot be believed.
fn is_refusal(denial: &Denial) -> bool {
    matches!(denial, Denial::CodeRefused | Denial::IdToken(_) | Denial::NoIdentity(_) | Denial::SessionTooLarge)
}

fn reason(denial: &Denial) -> String {
    if *denial == Denial::CodeRefused {
        return "the token endpoint refused the refresh token (`invalid_grant`)".to_owned();
    }
    denial.to_string()
}

const MAX_BEHIND: usize = 8;
/// Between two tries at an issuer that does not answer as it should.
const BACK_OFF: Duration = Duration::from_secs(30);

//! A refresh that is under way: what the provider answers becomes the session as it is from now on, or its end.

use std::mem;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::BACK_OFF;
use super::memory::Key;
use crate::asker::Asker;
use crate::call::{CallFailure, CallResponse, HttpCall};
use crate::denial::Denial;
use crate::env::{Env, UnixTime};
use crate::gate::Gate;
use crate::login::{TokenResponse, UserinfoProblem, read_userinfo, userinfo_request};
use crate::reply::{Level, Note};
use crate::secret::Secret;
use crate::session::{Brought, Grant, LeftOut, Session, SessionRecord, WrittenSession};
use crate::tenant::Tenant;
use crate::token::{Claims, RefreshedToken, TokenRejection, VerifiedIdToken};
use crate::visit::Visit;

/// A refresh that waits for the provider.
pub(crate) struct Refreshing {
    gate: Arc<Gate>,
    tenant: Arc<Tenant>,
    record: SessionRecord,
    grant: Grant,
    brought: Brought,
    asker: Asker,
    overdue: UnixTime,
    stage: Stage,
}

/// What it waits for.
enum Stage {
    /// The tokens.
    Tokens,
    /// What the UserInfo endpoint says now. The ID token, if one came, is verified already.
    Userinfo(Box<(TokenResponse, Option<VerifiedIdToken>)>),
}

/// What comes after an answer of the provider.
pub(crate) enum Leg {
    /// Another call.
    Call(Box<Refreshing>, HttpCall),
    /// The end of the refresh, well or not.
    End(Outcome),
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

impl Refreshing {
    pub(super) fn of(visit: &Visit<'_>, session: &Session, grant: &Grant, overdue: UnixTime) -> Self {
        Self {
            gate: visit.gate.clone(),
            tenant: visit.tenant.clone(),
            record: session.record().clone(),
            grant: grant.clone(),
            brought: Brought::by(visit.head, &visit.tenant),
            asker: visit.asker(),
            overdue,
            stage: Stage::Tokens,
        }
    }

    /// The issuer is not asked after all: the next request may.
    pub(crate) fn leave(&self) {
        self.gate.refreshes().failed(Key::of(&self.tenant.name, &self.grant), UnixTime(0));
    }

    /// Takes the answer of the provider. Whatever comes of it in the end, this worker remembers it.
    pub(crate) fn proceed(mut self: Box<Self>, result: Result<CallResponse, CallFailure>, env: &mut Env<'_>) -> Leg {
        let answer = result.map_err(Denial::ProviderUnreachable);
        match mem::replace(&mut self.stage, Stage::Tokens) {
            Stage::Tokens => match answer.and_then(|answer| Ok(TokenResponse::read(&answer)?)) {
                Ok(tokens) => self.tokens(tokens, env),
                Err(denial) => Leg::End(self.end(Err(denial), None, env)),
            },
            Stage::Userinfo(verified) => {
                let (tokens, token) = *verified;
                let renewed = answer
                    .and_then(|answer| Ok(read_userinfo(&answer)?))
                    .and_then(|userinfo| self.renew(token, Some(userinfo), &tokens, env));
                Leg::End(self.end(renewed, Some(&tokens), env))
            }
        }
    }

    /// Goes on after the tokens came: to the UserInfo endpoint where the tenant wants that, and to the end otherwise.
    fn tokens(mut self: Box<Self>, tokens: TokenResponse, env: &mut Env<'_>) -> Leg {
        let renewed = match self.verify(&tokens, env) {
            Ok(token) if self.tenant.login.userinfo => match userinfo_request(&self.tenant, &tokens.access_token) {
                Ok(call) => {
                    self.stage = Stage::Userinfo(Box::new((tokens, token)));
                    return Leg::Call(self, call);
                }
                Err(problem) => Err(problem.into()),
            },
            verdict => verdict.and_then(|token| self.renew(token, None, &tokens, env)),
        };
        Leg::End(self.end(renewed, Some(&tokens), env))
    }

    /// The ID token, verified, if one came: section 12.2 leaves that to the issuer.
    fn verify(&self, tokens: &TokenResponse, env: &Env<'_>) -> Result<Option<VerifiedIdToken>, Denial> {
        let Some(token) = &tokens.id_token else { return Ok(None) };
        let Self { tenant, record, grant, .. } = self;
        let expected = RefreshedToken {
            subject: &record.sub,
            nonce: &grant.nonce,
            auth_time: grant.auth_time.map(UnixTime),
            signed_in: UnixTime(record.signed_in),
            access_token: &tokens.access_token,
        };
        let token = token.expose_secret();
        Ok(Some(VerifiedIdToken::verify_refreshed(token, tenant, &expected, env.now()?, env.verifier())?))
    }

    /// The session as it is from now on. What neither an ID token nor the UserInfo endpoint says anew stays.
    fn renew(
        &self,
        token: Option<VerifiedIdToken>,
        userinfo: Option<Map<String, Value>>,
        tokens: &TokenResponse,
        env: &mut Env<'_>,
    ) -> Result<WrittenSession, Denial> {
        let Self { gate, tenant, grant, .. } = self;
        let now = env.now()?;
        let mut record = SessionRecord { seen: now.0, ..self.record.clone() };
        let (mut left_out, mut auth_time) = (grant.left_out.clone(), grant.auth_time);
        match (token, userinfo) {
            (Some(token), userinfo) => {
                let token = match userinfo {
                    Some(userinfo) => token.with_userinfo(userinfo)?,
                    None => token,
                };
                record.take(&token, tenant)?;
                left_out = LeftOut::by(&token, tenant);
                auth_time = auth_time.or_else(|| token.auth_time().map(|time| time.0));
            }
            (None, Some(userinfo)) => {
                let userinfo = Claims::of_userinfo(userinfo, &record.sub)?;
                record.supplement(&userinfo, &left_out, tenant)?;
            }
            (None, None) => {}
        }
        let newer = tokens.refresh_token.as_ref().map(|token| token.expose_secret().clone());
        let refresh_token = newer.unwrap_or_else(|| grant.refresh_token.clone());
        let (renewed, expires_in) = (now.0, tokens.expires_in);
        let grant = Grant { refresh_token, auth_time, renewed, expires_in, left_out, ..grant.clone() };
        record.kept.renew(tokens, tenant, grant);
        Ok(record.write(tenant, gate, now, &self.brought, env)?)
    }

    /// What is remembered of it, and what becomes of the session. `tokens` are there if the issuer gave any.
    fn end(
        &self,
        renewed: Result<WrittenSession, Denial>,
        tokens: Option<&TokenResponse>,
        env: &mut Env<'_>,
    ) -> Outcome {
        let key = Key::of(&self.tenant.name, &self.grant);
        let refreshes = self.gate.refreshes();
        let now = env.now().unwrap_or(self.overdue);
        match renewed {
            Ok(session) => {
                refreshes.renewed(key, session.sealed());
                let said = "the issuer stands by the identity";
                Outcome::Renewed(session, self.asker.note(Level::Debug, "session_refreshed", said))
            }
            Err(denial) if !is_refusal(&denial) || self.may_be_a_new_key(&denial) => {
                if self.may_be_a_new_key(&denial) {
                    self.tenant.provider.want_keys();
                }
                let note = self.asker.note(Level::Warn, "refresh_failed", &reason(&denial));
                match tokens.and_then(|tokens| self.postpone(tokens, now, env)) {
                    Some(session) => {
                        refreshes.renewed(key, session.sealed());
                        Outcome::Renewed(session, note)
                    }
                    None => {
                        refreshes.failed(key, now.plus(BACK_OFF));
                        Outcome::Kept(note)
                    }
                }
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

    /// Whether the issuer may have begun to use another key, which is fetched.
    fn may_be_a_new_key(&self, denial: &Denial) -> bool {
        *denial == TokenRejection::UnknownKey.into() && self.tenant.provider.source.is_some()
    }

    /// The session with the identity and the age that it had, and the refresh token that came: an issuer that takes one once does not take
    /// the old one again. Nothing without such a token.
    fn postpone(&self, tokens: &TokenResponse, now: UnixTime, env: &mut Env<'_>) -> Option<WrittenSession> {
        let Self { gate, tenant, grant, .. } = self;
        let newer = tokens.refresh_token.as_ref().map(Secret::expose_secret);
        let newer = newer.filter(|token| **token != grant.refresh_token)?;
        let grant = Grant { refresh_token: newer.clone(), ..grant.clone() };
        let mut record = self.record.clone();
        record.kept.grant = Some(grant.clone());
        let session = record.write(tenant, gate, now, &self.brought, env).ok()?;
        gate.refreshes().failed(Key::of(&tenant.name, &grant), now.plus(BACK_OFF));
        Some(session)
    }
}

/// Whether the issuer said no, or something that cannot be believed. A UserInfo endpoint that does not take the access token which the issuer
/// gave a moment ago (RFC 6750 section 3.1) says no, too.
fn is_refusal(denial: &Denial) -> bool {
    matches!(
        denial,
        Denial::CodeRefused
            | Denial::IdToken(_)
            | Denial::NoIdentity(_)
            | Denial::OtherSubject
            | Denial::SessionTooLarge
            | Denial::UserinfoUnusable(UserinfoProblem::Status(401))
    )
}

fn reason(denial: &Denial) -> String {
    if *denial == Denial::CodeRefused {
        return "the token endpoint refused the refresh token (`invalid_grant`)".to_owned();
    }
    denial.to_string()
}

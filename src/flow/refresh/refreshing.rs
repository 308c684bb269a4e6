//! A refresh in progress: the responses of the provider renew the session, end it, or leave it
//! unchanged.
//!
//! Scenarios: `tests/scenarios/{refresh,userinfo}.rs`.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::RefreshError;
use crate::base::event::{Event, Level, LogLine};
use crate::base::secret::Secret;
use crate::base::time::UnixTime;
use crate::env::{Env, HostFailure};
use crate::error::ReplyContext;
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::identity::OmittedClaims;
use crate::jose::TokenError;
use crate::oauth::{TokenResponse, read_userinfo, userinfo_request};
use crate::runtime::{RequestContext, Runtime, ServedTenant};
use crate::session::{RefreshGrant, RefreshKey, RetainedTokens, SentCookies, Session, SessionRecord, WrittenSession};
use crate::tenant::Refresh;
use crate::token::{Claims, RefreshExpectation, VerifiedIdToken};

/// A refresh that waits for a response of the provider.
pub(crate) struct Refreshing {
    runtime: Arc<Runtime>,
    served: Arc<ServedTenant>,
    record: SessionRecord,
    grant: RefreshGrant,
    sent: SentCookies,
    reply_context: ReplyContext,
    overdue: UnixTime,
    stale: UnixTime,
    awaited: Awaited,
}

/// The response that the refresh waits for.
enum Awaited {
    /// The token response.
    Tokens,
    /// The UserInfo response. The ID token is verified, if the token response had one.
    Userinfo(Box<(TokenResponse, Option<VerifiedIdToken>)>),
}

/// The next step of a refresh.
pub(crate) enum RefreshStep {
    /// Make another call.
    Call(Box<Refreshing>, HttpCall),
    /// End the refresh with this outcome.
    End(RefreshOutcome),
}

/// The outcome of a refresh.
pub(crate) enum RefreshOutcome {
    /// The session with new content. Usually the issuer confirmed the identity; after a failure
    /// with a new refresh token only that token is new.
    Renewed(WrittenSession, LogLine),
    /// The session continues as it is: the refresh failed, or the issuer rejected it before the
    /// identity was too old.
    Unchanged(LogLine),
    /// The session ends: the issuer rejected the refresh, and the identity is too old.
    Ended(LogLine),
}

impl Refreshing {
    /// A refresh of `session` with `grant`, which waits for the token response.
    pub(super) fn new(context: &RequestContext, session: &Session, grant: &RefreshGrant, refresh: &Refresh) -> Self {
        Self {
            runtime: context.runtime.clone(),
            served: context.served.clone(),
            record: session.record().clone(),
            grant: grant.clone(),
            sent: SentCookies::new(&context.head, &context.tenant().login),
            reply_context: context.reply_context(),
            overdue: grant.overdue(refresh),
            stale: grant.stale(refresh),
            awaited: Awaited::Tokens,
        }
    }

    /// Gives up before the call is made. The next request may refresh.
    pub(crate) fn abandon(&self) {
        self.runtime.refresh_memory().failed(self.key(&self.grant), UnixTime(0));
    }

    /// Takes a response of the provider. This VM remembers the outcome.
    pub(crate) fn proceed(
        mut self: Box<Self>,
        result: Result<CallResponse, CallFailure>,
        env: &mut Env<'_>,
    ) -> RefreshStep {
        let response = result.map_err(RefreshError::ProviderUnreachable);
        match mem::replace(&mut self.awaited, Awaited::Tokens) {
            Awaited::Tokens => match response.and_then(|response| Ok(TokenResponse::read(&response)?)) {
                Ok(tokens) => self.tokens(tokens, env),
                Err(error) => RefreshStep::End(self.end(Err(error), None, env)),
            },
            Awaited::Userinfo(verified) => {
                let (tokens, token) = *verified;
                let renewed = response
                    .and_then(|response| Ok(read_userinfo(&response)?))
                    .and_then(|userinfo| self.renew(token, Some(userinfo), &tokens, env));
                RefreshStep::End(self.end(renewed, Some(&tokens), env))
            }
        }
    }

    /// Continues with the token response: with the UserInfo request if the tenant wants it, else
    /// with the new session.
    fn tokens(mut self: Box<Self>, tokens: TokenResponse, env: &mut Env<'_>) -> RefreshStep {
        let renewed = match self.verify(&tokens, env) {
            Ok(token) if self.served.model.login.userinfo => {
                match userinfo_request(&self.served.provider, &tokens.access_token) {
                    Ok(call) => {
                        self.awaited = Awaited::Userinfo(Box::new((tokens, token)));
                        return RefreshStep::Call(self, call);
                    }
                    Err(error) => Err(error.into()),
                }
            }
            verified => verified.and_then(|token| self.renew(token, None, &tokens, env)),
        };
        RefreshStep::End(self.end(renewed, Some(&tokens), env))
    }

    /// Verifies the ID token if the response has one: it is optional in a refresh (OpenID Connect
    /// Core section 12.2).
    fn verify(&self, tokens: &TokenResponse, env: &Env<'_>) -> Result<Option<VerifiedIdToken>, RefreshError> {
        let Some(token) = &tokens.id_token else { return Ok(None) };
        let Self { served, record, grant, .. } = self;
        let expected = RefreshExpectation {
            subject: &record.sub,
            nonce: &grant.nonce,
            auth_time: grant.auth_time.map(UnixTime),
            signed_in: UnixTime(record.signed_in),
            access_token: &tokens.access_token,
        };
        let now = env.now().map_err(HostFailure::from)?;
        let keys = served.provider.trusted_keys(now);
        let context = served.token_context(&keys, now, env.verifier());
        Ok(Some(VerifiedIdToken::verify_refreshed(token.expose_secret(), &expected, &context)?))
    }

    /// Makes the new session. A claim that neither a new ID token nor the UserInfo response
    /// contains keeps its value.
    fn renew(
        &self,
        token: Option<VerifiedIdToken>,
        userinfo: Option<Map<String, Value>>,
        tokens: &TokenResponse,
        env: &mut Env<'_>,
    ) -> Result<WrittenSession, RefreshError> {
        let Self { runtime, served, grant, .. } = self;
        let tenant = &served.model;
        let now = env.now().map_err(HostFailure::from)?;
        let mut record = SessionRecord { seen: now.0, ..self.record.clone() };
        let (mut omitted, mut auth_time) = (grant.omitted.clone(), grant.auth_time);
        match (token, userinfo) {
            (Some(token), userinfo) => {
                let token = match userinfo {
                    Some(userinfo) => token.with_userinfo(userinfo)?,
                    None => token,
                };
                record.update(&token, tenant)?;
                omitted = OmittedClaims::new(&token, tenant);
                auth_time = auth_time.or_else(|| token.auth_time().map(|time| time.0));
            }
            (None, Some(userinfo)) => {
                let userinfo = Claims::from_userinfo(userinfo, &record.sub)?;
                record.identity.supplement(&userinfo, &omitted, &tenant.identity)?;
            }
            (None, None) => {}
        }
        let newer = tokens.refresh_token.as_ref().map(|token| token.expose_secret().clone());
        let refresh_token = newer.unwrap_or_else(|| grant.refresh_token.clone());
        let (renewed, expires_in) = (now.0, tokens.expires_in);
        let grant = RefreshGrant { refresh_token, auth_time, renewed, expires_in, omitted, ..grant.clone() };
        let retained = RetainedTokens::new(&tokens.access_token, tokens.id_token.as_ref(), tenant);
        record.tokens.renew(retained, grant);
        Ok(runtime.sessions(served, now).write(&record, &self.sent, env)?)
    }

    /// Records the outcome in the memory of this VM. `tokens` is the token response, if there was
    /// one.
    fn end(
        &self,
        renewed: Result<WrittenSession, RefreshError>,
        tokens: Option<&TokenResponse>,
        env: &mut Env<'_>,
    ) -> RefreshOutcome {
        let key = self.key(&self.grant);
        let memory = self.runtime.refresh_memory();
        let now = env.now().unwrap_or(self.overdue);
        match renewed {
            Ok(session) => {
                memory.renewed(key, session.sealed());
                let reason = "the issuer confirmed the identity";
                RefreshOutcome::Renewed(session, self.log(Level::Debug, Event::SessionRefreshed, reason))
            }
            Err(error) if !error.is_rejection() || self.may_be_a_new_key(&error) => {
                if self.may_be_a_new_key(&error) {
                    self.served.provider.request_refresh();
                }
                let postponed = tokens.and_then(|tokens| self.postpone(tokens, now, env));
                match &postponed {
                    Some(session) => memory.renewed(key, session.sealed()),
                    None => memory.failed(key, now.plus(BACK_OFF)),
                }
                let log = |reason: &str| self.log(error.level(), Event::RefreshFailed, reason);
                if now >= self.stale {
                    return RefreshOutcome::Ended(log(&format!(
                        "{error}; the identity is older than `refresh.max_stale`, so the session ends"
                    )));
                }
                match postponed {
                    Some(session) => RefreshOutcome::Renewed(session, log(&error.to_string())),
                    None => RefreshOutcome::Unchanged(log(&error.to_string())),
                }
            }
            // Another worker may have used the refresh token first. The browser may have its
            // session already.
            Err(error) if now < self.overdue => {
                memory.failed(key, self.overdue);
                RefreshOutcome::Unchanged(self.log(Level::Info, Event::RefreshRejected, &error.to_string()))
            }
            Err(error) => {
                memory.rejected(key);
                RefreshOutcome::Ended(self.log(Level::Info, Event::RefreshRejected, &error.to_string()))
            }
        }
    }

    /// Whether the ID token was signed with an unknown key that a fetch may bring.
    fn may_be_a_new_key(&self, error: &RefreshError) -> bool {
        *error == RefreshError::Token(TokenError::UnknownKey) && self.served.model.provider.source.is_some()
    }

    /// The session with its old identity and its old time of refresh, but with the new refresh
    /// token: many issuers accept the old one only once. `None` if the response has no new refresh
    /// token.
    fn postpone(&self, tokens: &TokenResponse, now: UnixTime, env: &mut Env<'_>) -> Option<WrittenSession> {
        let Self { runtime, served, grant, .. } = self;
        let newer = tokens.refresh_token.as_ref().map(Secret::expose_secret);
        let newer = newer.filter(|token| **token != grant.refresh_token)?;
        let grant = RefreshGrant { refresh_token: newer.clone(), ..grant.clone() };
        let mut record = self.record.clone();
        record.tokens.grant = Some(grant.clone());
        let session = runtime.sessions(served, now).write(&record, &self.sent, env).ok()?;
        runtime.refresh_memory().failed(self.key(&grant), now.plus(BACK_OFF));
        Some(session)
    }

    fn key(&self, grant: &RefreshGrant) -> RefreshKey {
        RefreshKey::new(&self.served.model.name, grant)
    }

    fn log(&self, level: Level, event: Event, reason: &str) -> LogLine {
        self.reply_context.log(level, event, reason)
    }
}

/// The time between two attempts after a failure.
pub(super) const BACK_OFF: Duration = Duration::from_secs(30);

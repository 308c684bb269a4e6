//! A refresh in progress: the responses of the provider renew the session, end it, or leave it
//! unchanged.
//!
//! Scenarios: `tests/scenarios/{refresh,userinfo}.rs`.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::RefreshError;
use super::time_limit::longest_refresh;
use crate::base::event::{Event, Level, LogLine};
use crate::base::secret::Secret;
use crate::base::time::UnixTime;
use crate::env::{Env, HostFailure};
use crate::error::ReplyContext;
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::identity::OmittedClaims;
use crate::jose::TokenError;
use crate::oauth::{
    ClientRequest, PAUSE, ProviderAvailability, ProviderUnreachable, SentSecrets, TokenResponse, read_userinfo,
    userinfo_request,
};
use crate::runtime::{RequestContext, Runtime, ServedTenant};
use crate::session::store::{Claim, ClaimCall, ClaimStep};
use crate::session::{RefreshGrant, RefreshKey, RefreshState, RefreshStore, RetainedTokens, Session, SessionRecord};
use crate::tenant::Refresh;
use crate::token::{Claims, RefreshExpectation, TokenDetail, VerifiedIdToken};

/// A refresh in progress, which waits for a response of the provider. It belongs to the plugin, so
/// it goes on if the client of its request disconnects.
pub(crate) struct Refreshing {
    runtime: Arc<Runtime>,
    served: Arc<ServedTenant>,
    record: SessionRecord,
    grant: RefreshGrant,
    reply_context: ReplyContext,
    overdue: UnixTime,
    stale: UnixTime,
    /// The claim of the refresh, if there is a store.
    claim: Option<Claim>,
    /// How often the store was asked.
    asked: u8,
    awaited: Awaited,
}

/// The response that the refresh waits for.
enum Awaited {
    /// The answer of the store to the claim. Then the token request with these secrets is made.
    Claim(ClaimCall, Box<ClientRequest>),
    /// The pause before the store is asked again.
    Pause(Box<ClientRequest>),
    /// The answer of the store to the result. Then the refresh ends with this line and token.
    Told(ClaimCall, Box<(LogLine, Option<Box<UnusedToken>>)>),
    /// The token response to a request with these secrets.
    Tokens(SentSecrets),
    /// The UserInfo response. The ID token is verified, if the token response had one.
    Userinfo(Box<(TokenResponse, Option<VerifiedIdToken>)>),
}

/// While a response is taken, nothing is awaited.
impl Default for Awaited {
    fn default() -> Self {
        Self::Tokens(SentSecrets::default())
    }
}

/// A refresh with its first call, which is to be made.
pub(crate) struct StartRefresh {
    /// The refresh.
    pub(crate) refreshing: Box<Refreshing>,
    /// The call. Its result goes to [`Refreshing::called`].
    pub(crate) call: HttpCall,
}

/// The next step of a refresh.
pub(crate) enum RefreshStep {
    /// Make another call.
    Call(StartRefresh),
    /// Go on with [`Refreshing::again`] soon. Another replica makes the refresh.
    Later(Box<Refreshing>, Duration),
    /// The refresh with this key has ended, and the shared data have its result. Log this line,
    /// tell the streams that wait for it, and revoke the token, if there is one.
    End(RefreshKey, LogLine, Option<Box<UnusedToken>>),
}

/// The new refresh token of a session that has ended in the meantime.
pub(crate) struct UnusedToken {
    /// The tenant of the session.
    pub(crate) served: Arc<ServedTenant>,
    /// The request that began the refresh, for the log.
    pub(crate) reply_context: ReplyContext,
    /// The token.
    pub(crate) refresh_token: Secret<String>,
}

impl Refreshing {
    /// A refresh of `session` with `grant`, which begins with this token request, or with this
    /// claim before it.
    pub(super) fn begin(
        context: &RequestContext,
        session: &Session,
        grant: &RefreshGrant,
        refresh: &Refresh,
        request: ClientRequest,
        claim: Option<Claim>,
        now: UnixTime,
    ) -> StartRefresh {
        let reply_context = context.reply_context().about(&session.record().identity.user);
        let request = ClientRequest { call: reply_context.traced(request.call), ..request };
        let (awaited, call) = match &claim {
            Some(claim) => {
                let (call, http) = claim.ask(now);
                (Awaited::Claim(call, Box::new(request)), http)
            }
            None => (Awaited::Tokens(request.sent), request.call),
        };
        let refreshing = Self {
            runtime: context.runtime.clone(),
            served: context.served.clone(),
            record: session.record().clone(),
            grant: grant.clone(),
            reply_context,
            overdue: grant.overdue(refresh),
            stale: grant.stale(refresh),
            claim,
            asked: 0,
            awaited,
        };
        StartRefresh { refreshing: Box::new(refreshing), call }
    }

    /// Identifies the refresh.
    pub(crate) fn key(&self) -> RefreshKey {
        RefreshKey::new(&self.served.model.name, &self.grant)
    }

    fn store(&self) -> RefreshStore<'_> {
        RefreshStore::new(self.runtime.ring(), &self.served.model)
    }

    /// Gives up before the call is made. The next request may refresh.
    pub(crate) fn abandon(&self, env: &Env<'_>) {
        RefreshStore::fail(self.key(), UnixTime(0), env.shared());
    }

    /// Takes a response of the provider.
    pub(crate) fn called(
        mut self: Box<Self>,
        result: Result<CallResponse, CallFailure>,
        env: &mut Env<'_>,
    ) -> RefreshStep {
        let result = match (mem::take(&mut self.awaited), self.claim.clone()) {
            (Awaited::Claim(call, request), Some(claim)) => {
                return self.claimed(claim.called(call, result), request, env);
            }
            (Awaited::Told(call, end), Some(claim)) => return self.told(claim.called(call, result), *end),
            (awaited, _) => {
                self.awaited = awaited;
                result
            }
        };
        let unreachable = |failure| ProviderUnreachable::new(&self.served.model.provider.cluster, failure);
        let response = result.map_err(|failure| RefreshError::ProviderUnreachable(unreachable(failure)));
        match mem::take(&mut self.awaited) {
            Awaited::Tokens(sent) => match response.and_then(|response| Ok(TokenResponse::read(&response, &sent)?)) {
                Ok(tokens) => self.tokens(tokens, env),
                Err(error) => self.end(Err(error), None, env),
            },
            Awaited::Userinfo(verified) => {
                let (tokens, token) = *verified;
                let renewed = response
                    .and_then(|response| Ok(read_userinfo(&response)?))
                    .and_then(|userinfo| self.renew(token, Some(userinfo), &tokens, env));
                self.end(renewed, Some(&tokens), env)
            }
            // Those are taken above, and a pause awaits no response.
            Awaited::Claim(..) | Awaited::Told(..) | Awaited::Pause(_) => {
                self.end(Err(HostFailure("an answer came that nothing waits for").into()), None, env)
            }
        }
    }

    /// Takes what the store says to the claim.
    fn claimed(mut self: Box<Self>, step: ClaimStep, request: Box<ClientRequest>, env: &mut Env<'_>) -> RefreshStep {
        match step {
            ClaimStep::Call(next) => {
                let (call, http) = *next;
                // A claim of several calls may take longer than was thought. One that waits for
                // another replica may not.
                if self.asked == 0 {
                    let until = env.now().unwrap_or_default().plus(longest_refresh(&self.served.model));
                    self.store().end(self.key(), &RefreshState::Called(until.0), env);
                }
                self.awaited = Awaited::Claim(call, request);
                RefreshStep::Call(StartRefresh { refreshing: self, call: http })
            }
            ClaimStep::Granted => self.ask_provider(*request),
            ClaimStep::Failed => {
                // The refresh is made as without a store.
                self.claim = None;
                self.ask_provider(*request)
            }
            ClaimStep::Busy => {
                self.awaited = Awaited::Pause(request);
                self.asked = self.asked.saturating_add(1);
                let pause = if self.asked < ASKED_OFTEN { Duration::ZERO } else { Duration::from_secs(1) };
                RefreshStep::Later(self, pause)
            }
            ClaimStep::Ended(result) => {
                let reason = "another replica has made the refresh";
                let line = self.log(Level::Debug, Event::SessionRefreshed, reason);
                self.store().end(self.key(), &result, env);
                RefreshStep::End(self.key(), line, None)
            }
        }
    }

    /// Goes on after a pause: asks the store again, until the wait for a provider would be over.
    pub(crate) fn again(mut self: Box<Self>, env: &mut Env<'_>) -> RefreshStep {
        let Awaited::Pause(request) = mem::take(&mut self.awaited) else {
            return self.end(Err(HostFailure("a pause ended that nothing waits for").into()), None, env);
        };
        let now = env.now().unwrap_or_default();
        let state = self.store().state(self.key(), env.shared(), now);
        match (&self.claim, state) {
            (Some(claim), Some(RefreshState::Called(_))) => {
                let (call, http) = claim.ask(now);
                self.awaited = Awaited::Claim(call, request);
                RefreshStep::Call(StartRefresh { refreshing: self, call: http })
            }
            // The claim in this process is over.
            _ => {
                let line =
                    self.log(Level::Warn, Event::RefreshFailed, "another replica has not made the refresh in time");
                RefreshStep::End(self.key(), line, None)
            }
        }
    }

    fn ask_provider(mut self: Box<Self>, ClientRequest { call, sent }: ClientRequest) -> RefreshStep {
        self.awaited = Awaited::Tokens(sent);
        RefreshStep::Call(StartRefresh { refreshing: self, call })
    }

    /// The store has the result, or not. The shared data have it in any case.
    fn told(mut self: Box<Self>, step: ClaimStep, end: (LogLine, Option<Box<UnusedToken>>)) -> RefreshStep {
        match step {
            ClaimStep::Call(next) => {
                let (call, http) = *next;
                self.awaited = Awaited::Told(call, Box::new(end));
                RefreshStep::Call(StartRefresh { refreshing: self, call: http })
            }
            ClaimStep::Granted | ClaimStep::Busy | ClaimStep::Ended(_) | ClaimStep::Failed => {
                RefreshStep::End(self.key(), end.0, end.1)
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
                        let call = self.reply_context.traced(call);
                        return RefreshStep::Call(StartRefresh { refreshing: self, call });
                    }
                    Err(error) => Err(error.into()),
                }
            }
            verified => verified.and_then(|token| self.renew(token, None, &tokens, env)),
        };
        self.end(renewed, Some(&tokens), env)
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
        let token = token.expose_secret();
        VerifiedIdToken::verify_refreshed(token, &expected, &context).map(Some).map_err(|error| {
            let audience = std::slice::from_ref(&context.tenant.client.id);
            RefreshError::Token(error, TokenDetail::new(error, token, audience, &context))
        })
    }

    /// Makes the new session. A claim that neither a new ID token nor the UserInfo response
    /// contains keeps its value.
    fn renew(
        &self,
        token: Option<VerifiedIdToken>,
        userinfo: Option<Map<String, Value>>,
        tokens: &TokenResponse,
        env: &mut Env<'_>,
    ) -> Result<String, RefreshError> {
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
        let retained = RetainedTokens::new(&tokens.access_token, tokens.id_token.as_ref(), &served.provider);
        record.tokens.renew(retained, grant);
        Ok(runtime.sessions(served, now).seal(&record, env)?)
    }

    /// Records the result in the shared data, and tells the other replicas. `tokens` is the token
    /// response, if there was one.
    fn end(
        mut self: Box<Self>,
        renewed: Result<String, RefreshError>,
        tokens: Option<&TokenResponse>,
        env: &mut Env<'_>,
    ) -> RefreshStep {
        let (state, line) = self.result(renewed, tokens, env);
        self.store().end(self.key(), &state, env);
        let unused = self.unused_token(tokens, env);
        let now = env.now().unwrap_or(self.overdue);
        match self.claim.as_ref().and_then(|claim| claim.tell(&state, now, env)) {
            Some((call, http)) => {
                self.awaited = Awaited::Told(call, Box::new((line, unused)));
                RefreshStep::Call(StartRefresh { refreshing: self, call: http })
            }
            None => RefreshStep::End(self.key(), line, unused),
        }
    }

    /// The new refresh token, if the session has ended during the refresh: the sign-out knew only
    /// the old one. Nothing opens the new session, because a session is revoked by its identifier.
    fn unused_token(&self, tokens: Option<&TokenResponse>, env: &Env<'_>) -> Option<Box<UnusedToken>> {
        let refresh_token = self.newer_token(tokens?)?;
        let (served, now) = (&self.served, env.now().ok()?);
        served.revocations.catch_up(env.shared());
        served.revocations.contain(&(&self.record).into(), now).then(|| {
            Box::new(UnusedToken {
                served: served.clone(),
                reply_context: self.reply_context.clone(),
                refresh_token: Secret::new(refresh_token.clone()),
            })
        })
    }

    /// The refresh token of the response, if it is a new one.
    fn newer_token<'a>(&self, tokens: &'a TokenResponse) -> Option<&'a String> {
        let token = tokens.refresh_token.as_ref().map(Secret::expose_secret);
        token.filter(|token| **token != self.grant.refresh_token)
    }

    fn result(
        &self,
        renewed: Result<String, RefreshError>,
        tokens: Option<&TokenResponse>,
        env: &mut Env<'_>,
    ) -> (RefreshState, LogLine) {
        let now = env.now().unwrap_or(self.overdue);
        let error = match renewed {
            Ok(sealed) => {
                ProviderAvailability::new(&self.served.model).answered(env.shared());
                let line = self.log(Level::Debug, Event::SessionRefreshed, "the issuer confirmed the identity");
                return (RefreshState::Renewed(sealed), line);
            }
            Err(error) => error,
        };
        let pause = self.record_answer(&error, now, env);
        let may_be_a_new_key = self.may_be_a_new_key(&error);
        if may_be_a_new_key {
            self.served.provider.request_refresh();
        }
        let is_rejection = error.is_rejection() && !may_be_a_new_key;
        if is_rejection && now >= self.overdue {
            return (RefreshState::Rejected, self.log(Level::Info, Event::RefreshRejected, &error.to_string()));
        }
        // Before the interval is over, a rejection decides nothing: another replica may have used
        // the refresh token first, and the browser may have its session already.
        let retry = if is_rejection { self.overdue } else { now.plus(PAUSE) };
        // A refresh token that comes with an invalid ID token may be one of another user.
        let kept = tokens.filter(|_| may_be_a_new_key || !error.is_about_token());
        let state = match kept.and_then(|tokens| self.postpone(tokens, retry, now, env)) {
            Some(sealed) => RefreshState::Renewed(sealed),
            None => RefreshState::Failed(retry.0),
        };
        if is_rejection {
            return (state, self.log(Level::Info, Event::RefreshRejected, &error.to_string()));
        }
        let end = if now >= self.stale { STALE } else { "" };
        (state, self.log(error.level(), Event::RefreshFailed, &format!("{error}{pause}{end}")))
    }

    /// Records whether the provider answered. Returns a text for the log if the calls to it pause.
    fn record_answer(&self, error: &RefreshError, now: UnixTime, env: &Env<'_>) -> &'static str {
        let availability = ProviderAvailability::new(&self.served.model);
        match error.is_answer() {
            Some(true) => availability.answered(env.shared()),
            Some(false) if availability.unanswered(env.shared(), now) => return PAUSED,
            Some(false) | None => {}
        }
        ""
    }

    /// Whether the ID token was signed with an unknown key that a fetch may bring.
    fn may_be_a_new_key(&self, error: &RefreshError) -> bool {
        let is_about_key = matches!(error, RefreshError::Token(TokenError::UnknownKey | TokenError::OtherAlgorithm, _));
        is_about_key && self.served.model.provider.source.is_some()
    }

    /// The session with its old identity and its old time of refresh, but with the new refresh
    /// token, which is used from `retry` on: many issuers accept the old one only once. `None` if
    /// the response has no new refresh token.
    fn postpone(&self, tokens: &TokenResponse, retry: UnixTime, now: UnixTime, env: &mut Env<'_>) -> Option<String> {
        let Self { runtime, served, grant, .. } = self;
        let newer = self.newer_token(tokens)?;
        let grant = RefreshGrant { refresh_token: newer.clone(), ..grant.clone() };
        let key = RefreshKey::new(&served.model.name, &grant);
        let mut record = self.record.clone();
        record.tokens.grant = Some(grant);
        let sealed = runtime.sessions(served, now).seal(&record, env).ok()?;
        RefreshStore::fail(key, retry, env.shared());
        Some(sealed)
    }

    fn log(&self, level: Level, event: Event, reason: &str) -> LogLine {
        self.reply_context.log(level, event, reason)
    }
}

/// How often the store is asked at each tick, before it is asked once a second.
const ASKED_OFTEN: u8 = 20;
const PAUSED: &str = "; the provider does not answer, so no session is refreshed there for 30 seconds";
const STALE: &str = "; the identity is older than `refresh.max_stale`, so the session ends";

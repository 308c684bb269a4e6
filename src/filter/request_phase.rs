//! The request phase. It decides whether a request is forwarded and with which identity, or which
//! reply Tenantgate sends.
//!
//! Scenarios: `tests/scenarios/{access,bearer,forward,refusal,refresh,session,tenants}.rs`.

use std::sync::Arc;

use super::awaited::Awaited;
use super::plugin_call::PluginCall;
use super::response_phase::ResponsePhase;
use crate::access::{AnonymousDecision, RouteDecision};
use crate::base::event::{Event, Level};
use crate::base::secret::Secret;
use crate::base::time::UnixTime;
use crate::env::{Env, HostFailure};
use crate::error::{BearerError, Refusal, ReplyContext, RequestError, RequestId};
use crate::flow::bearer;
use crate::flow::login::{self, CodeExchange, ExchangeStep, LoginForm, initiated_login};
use crate::flow::logout::{BackchannelRequest, SignOut, frontchannel_logout, logout};
use crate::flow::refresh::{AwaitedRefresh, SessionFreshness, StartRefresh, freshness};
use crate::flow::whoami::whoami;
use crate::http::authorization::has_bearer_token;
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::http::navigation::is_navigation;
use crate::http::page_layout::PageAction;
use crate::http::reply::LocalReply;
use crate::http::request::{BodyError, RequestHead};
use crate::identity::VerifiedIdentity;
use crate::oauth::discovery::{AwaitedFetch, NeededDocuments, Provider};
use crate::runtime::{RequestContext, Runtime};
use crate::upstream::{Assertion, Forward};

/// The input that the request waits for.
pub(super) enum RequestPhase {
    /// The request head.
    Fresh,
    /// The response of the provider to a step of the code exchange.
    ExchangingCode(Box<CodeExchange>),
    /// The request body of a back-channel logout request.
    ReadingBody(Box<BackchannelRequest>),
    /// The request body of a login that a third party begins with a form.
    ReadingForm(Box<LoginForm>),
    /// The end of a refresh of the session.
    AwaitingRefresh(Box<RequestContext>, Box<AwaitedRefresh>),
    /// The first fetch of what the provider publishes. Then the request goes on.
    AwaitingFetch(AwaitedFetch, Continuation),
}

/// What a request does after its wait.
type Continuation = Box<dyn FnOnce(&mut Env<'_>) -> RequestStep>;

/// An effect on the request.
#[derive(Debug)]
pub enum RequestEffect {
    /// Apply the edits, then give [`Input::Forwarded`](super::Input::Forwarded) or
    /// [`Input::ForwardFailed`](super::Input::ForwardFailed).
    Forward(Forward),
    /// Send this local reply.
    Reply(LocalReply),
    /// Send this local reply, and begin these calls, which outlast the stream.
    ReplyAndCall(LocalReply, Vec<PluginCall>),
    /// Make this call, then give its result as [`Input::Called`](super::Input::Called).
    Call(HttpCall),
    /// Begin this refresh, if there is one, and wait for
    /// [`Filter::awaited`](super::Filter::awaited).
    AwaitRefresh(Option<PluginCall>),
    /// Let the [`JwksRefresher`](crate::oauth::discovery::JwksRefresher) make the fetches that are
    /// due, and wait for [`Filter::awaited`](super::Filter::awaited).
    AwaitFetch,
    /// Read the body, at most [`MAX_BODY`](crate::http::request::MAX_BODY) bytes, then give it as
    /// [`Input::Body`](super::Input::Body). No part of this request is ever sent to the upstream.
    ReadBody,
}

/// The next step of the request phase.
pub(super) enum RequestStep {
    /// Wait for the input that the effect causes.
    Wait(RequestPhase, RequestEffect),
    /// End the request phase and begin the response phase.
    Forward(RequestContext, Forward, ResponsePhase),
    /// End the request phase with a local reply.
    Reply(LocalReply),
    /// End the request phase with a local reply, and begin these calls.
    ReplyAndCall(LocalReply, Vec<PluginCall>),
}

impl RequestPhase {
    /// Takes the request head. Paths are compared byte by byte: a path that only resembles a path
    /// of Tenantgate is a page of the upstream.
    pub(super) fn begin(head: RequestHead, runtime: &Arc<Runtime>, env: &mut Env<'_>) -> RequestStep {
        let context = match RequestContext::new(head, runtime, env) {
            Ok(context) => context,
            Err(reply) => return RequestStep::Reply(reply),
        };
        let login = &context.tenant().login;
        let path = context.target().path;
        if path == login.callback_path {
            with(NeededDocuments::Metadata, context, env, callback)
        } else if path == login.logout_path {
            with(NeededDocuments::Metadata, context, env, |context, env| sign_out(logout(&context, env), &context, env))
        } else if path == login.initiate_login_path {
            match LoginForm::new(&context) {
                Some(form) => RequestStep::Wait(Self::ReadingForm(Box::new(form)), RequestEffect::ReadBody),
                None => with(NeededDocuments::Metadata, context, env, |context, env| {
                    RequestStep::Reply(initiated_login(&context, env))
                }),
            }
        } else if path == login.userinfo_path {
            who_is_signed_in(context, env)
        } else if Some(path) == login.frontchannel_logout_path.as_deref() {
            sign_out(frontchannel_logout(&context, env), &context, env)
        } else if Some(path) == login.backchannel_logout_path.as_deref() {
            match BackchannelRequest::new(context) {
                Ok(request) => RequestStep::Wait(Self::ReadingBody(Box::new(request)), RequestEffect::ReadBody),
                Err(reply) => RequestStep::Reply(reply),
            }
        } else if let Some(assertion) = &runtime.upstream().assertion
            && path == assertion.jwks_path()
        {
            RequestStep::Reply(assertion_jwks(assertion, &context))
        } else {
            page(context, None, env)
        }
    }

    /// Takes the result of a call.
    pub(super) fn called(self, result: Result<CallResponse, CallFailure>, env: &mut Env<'_>) -> RequestStep {
        match self {
            Self::ExchangingCode(exchange) => match exchange.proceed(result, env) {
                ExchangeStep::Call(exchange, call) => exchange_code(exchange, call),
                ExchangeStep::Reply(reply) => RequestStep::Reply(reply),
            },
            Self::Fresh
            | Self::ReadingBody(_)
            | Self::ReadingForm(_)
            | Self::AwaitingRefresh(..)
            | Self::AwaitingFetch(..) => RequestStep::Reply(unexpected_input(env)),
        }
    }

    /// What the request waits for beside an input of its own.
    pub(super) fn awaited(&self) -> Option<Awaited> {
        match self {
            Self::AwaitingRefresh(_, awaited) => Some(Awaited::Refresh(awaited.key())),
            Self::AwaitingFetch(..) => Some(Awaited::Fetch),
            Self::Fresh | Self::ReadingBody(_) | Self::ReadingForm(_) | Self::ExchangingCode(_) => None,
        }
    }

    /// Looks for the end of what the request waits for, and continues or waits on.
    pub(super) fn woken(self, env: &mut Env<'_>) -> RequestStep {
        match self {
            Self::AwaitingRefresh(context, awaited) => page(*context, Some(awaited.wait_end()), env),
            Self::AwaitingFetch(fetch, then) if fetch.is_over(env) => then(env),
            Self::AwaitingFetch(..) => RequestStep::Wait(self, RequestEffect::AwaitFetch),
            Self::Fresh | Self::ReadingBody(_) | Self::ReadingForm(_) | Self::ExchangingCode(_) => {
                RequestStep::Reply(unexpected_input(env))
            }
        }
    }

    /// Takes the request body. The request is never forwarded.
    pub(super) fn body(self, body: Result<Secret<Vec<u8>>, BodyError>, env: &mut Env<'_>) -> RequestStep {
        match self {
            Self::ReadingBody(request) => {
                let provider = request.provider().clone();
                let read = move |env: &mut Env<'_>| RequestStep::Reply(request.read(body, env));
                with_documents(&provider, NeededDocuments::Keys, env, read)
            }
            Self::ReadingForm(form) => RequestStep::Reply(form.read(body)),
            Self::Fresh | Self::ExchangingCode(_) | Self::AwaitingRefresh(..) | Self::AwaitingFetch(..) => {
                RequestStep::Reply(unexpected_input(env))
            }
        }
    }
}

/// Does `then` as soon as the provider's documents are there that it needs, or cannot be had.
fn with_documents(
    provider: &Arc<Provider>,
    needed: NeededDocuments,
    env: &mut Env<'_>,
    then: impl FnOnce(&mut Env<'_>) -> RequestStep + 'static,
) -> RequestStep {
    match AwaitedFetch::begin(provider, needed, env) {
        Some(fetch) => RequestStep::Wait(RequestPhase::AwaitingFetch(fetch, Box::new(then)), RequestEffect::AwaitFetch),
        None => then(env),
    }
}

/// As [`with_documents`], for a request with its context.
fn with(
    needed: NeededDocuments,
    context: RequestContext,
    env: &mut Env<'_>,
    then: fn(RequestContext, &mut Env<'_>) -> RequestStep,
) -> RequestStep {
    let provider = context.served.provider.clone();
    with_documents(&provider, needed, env, move |env| then(context, env))
}

/// Handles an authorization response.
fn callback(context: RequestContext, env: &mut Env<'_>) -> RequestStep {
    match login::callback(context, env) {
        Ok((exchange, call)) => exchange_code(Box::new(exchange), call),
        Err(reply) => RequestStep::Reply(reply),
    }
}

/// Answers the question who is signed in.
fn who_is_signed_in(context: RequestContext, env: &mut Env<'_>) -> RequestStep {
    if !has_bearer_token(&context.head) {
        return RequestStep::Reply(whoami(&context, None, env));
    }
    with(NeededDocuments::Keys, context, env, |context, env| {
        let bearer = bearer::identity(&context, env);
        RequestStep::Reply(whoami(&context, Some(bearer), env))
    })
}

/// Replies to a sign-out, and begins to revoke the refresh tokens of the sessions that ended.
fn sign_out(signed_out: SignOut, context: &RequestContext, env: &mut Env<'_>) -> RequestStep {
    let SignOut { mut reply, refresh_tokens } = signed_out;
    let (provider, reply_context) = (&context.served.provider, context.reply_context());
    let begin = |token: &Secret<String>| PluginCall::revocation(provider, token, &reply_context, &mut reply.log, env);
    let calls = refresh_tokens.iter().filter_map(begin).collect();
    RequestStep::ReplyAndCall(reply, calls)
}

/// Waits for the response to a call of the code exchange.
fn exchange_code(exchange: Box<CodeExchange>, call: HttpCall) -> RequestStep {
    RequestStep::Wait(RequestPhase::ExchangingCode(exchange), RequestEffect::Call(call))
}

/// Waits for the end of a refresh.
fn await_refresh(context: RequestContext, awaited: Box<AwaitedRefresh>, start: Option<StartRefresh>) -> RequestStep {
    let phase = RequestPhase::AwaitingRefresh(Box::new(context), awaited);
    RequestStep::Wait(phase, RequestEffect::AwaitRefresh(start.map(PluginCall::from)))
}

/// Handles a request for a page of the upstream. The identity comes from the bearer token or the
/// session, and the access rules decide about it. A request that has waited for a refresh passes
/// the end of its wait.
fn page(context: RequestContext, wait_end: Option<UnixTime>, env: &mut Env<'_>) -> RequestStep {
    if has_bearer_token(&context.head) {
        return with(NeededDocuments::Keys, context, env, page_for_bearer);
    }
    let now = match env.now() {
        Ok(now) => now,
        Err(no_time) => return refuse(&context, &HostFailure::from(no_time).into()),
    };
    let session = match context.sessions(now).find(&context.head).map(|sent| sent.admit(&context.host)) {
        Some(Ok(session)) => session,
        Some(Err(error)) => return anonymous(context, Some(RequestError::from(error).into()), env),
        None => return anonymous(context, None, env),
    };
    let (session, response) = match freshness(&context, session, wait_end, now, env) {
        SessionFreshness::Current(session) => {
            let cookies = context.sessions(now).keep_alive(&session, &context.head, env);
            (session, ResponsePhase::with_cookies(cookies))
        }
        // A cookie that is written now could replace the one of the refresh.
        SessionFreshness::InProgress(session) => (session, ResponsePhase::default()),
        SessionFreshness::Renewed(session, cookies) => (session, ResponsePhase::with_cookies(cookies)),
        SessionFreshness::Due(session, start, awaited) => (session, ResponsePhase::with_refresh(start, awaited)),
        SessionFreshness::Overdue(awaited, start) => return await_refresh(context, awaited, start),
        SessionFreshness::Ended => return anonymous(context, None, env),
    };
    forward(context, &session.into_identity(), response, env)
}

/// Handles a request for a page with a bearer token.
fn page_for_bearer(context: RequestContext, env: &mut Env<'_>) -> RequestStep {
    match bearer::identity(&context, env) {
        Ok(identity) => forward(context, &identity, ResponsePhase::default(), env),
        Err(error @ BearerError::Host(_)) => refuse(&context, &error.into()),
        Err(error) => anonymous(context, Some(error.into()), env),
    }
}

/// Forwards the request with `identity` if the access rules permit it. In a dry run a violation is
/// logged, and the request is forwarded.
fn forward(
    context: RequestContext,
    identity: &VerifiedIdentity,
    response: ResponsePhase,
    env: &Env<'_>,
) -> RequestStep {
    let tenant = context.tenant();
    let decision = RouteDecision::new(&context.head, tenant, &context.host, context.target());
    let permitted = match decision.permit(identity) {
        Ok(permitted) => permitted,
        Err(error) => return RequestStep::Reply(response.abandon(refuse_user(&context, &error.into()), env)),
    };
    let response = match permitted.dry_run_violation() {
        None => response,
        Some(error) => {
            response.with_log(context.reply_context().log(Level::Info, Event::AccessDryRun, &error.to_string()))
        }
    };
    match Forward::authenticated(&permitted, context.runtime.upstream(), env) {
        Ok(forward) => RequestStep::Forward(context, forward, response),
        Err(failure) => RequestStep::Reply(response.abandon(context.reply_context().refuse(&failure.into()), env)),
    }
}

/// Forwards a request without an identity if the access rules make it public. `unused` is the
/// reason why its bearer token or its session is not used. If the rules need a user, that is the
/// answer; without it a navigation begins a login and any other request gets 401.
fn anonymous(context: RequestContext, unused: Option<Refusal>, env: &mut Env<'_>) -> RequestStep {
    let decision = RouteDecision::new(&context.head, context.tenant(), &context.host, context.target());
    match (decision.without_user(), unused) {
        // A public request with an invalid token is forwarded like one without a token, and one of
        // another origin like one without a session.
        (AnonymousDecision::Public(public), _) => {
            let forward = Forward::anonymous(&public, context.runtime.upstream());
            RequestStep::Forward(context, forward, ResponsePhase::default())
        }
        (AnonymousDecision::Refused(error), _) => refuse(&context, &error.into()),
        (AnonymousDecision::UserNeeded, Some(refusal)) => refuse(&context, &refusal),
        (AnonymousDecision::UserNeeded, None) if is_navigation(&context.head) => {
            with(NeededDocuments::Metadata, context, env, |context, env| match login::begin(&context, env) {
                Ok(reply) => RequestStep::Reply(reply),
                Err(error) => refuse(&context, &error.into()),
            })
        }
        (AnonymousDecision::UserNeeded, None) => refuse(&context, &RequestError::Unauthenticated.into()),
    }
}

/// Replies with the refusal.
fn refuse(context: &RequestContext, refusal: &Refusal) -> RequestStep {
    RequestStep::Reply(context.reply_context().refuse(refusal))
}

/// Refuses a request whose user is known. A user who may have access with another account gets a
/// link to sign out.
fn refuse_user(context: &RequestContext, refusal: &Refusal) -> LocalReply {
    let other_account = refusal.is_access_denied() && !has_bearer_token(&context.head);
    let logout_path = || context.tenant().login.logout_path.clone();
    let action = other_account.then(|| PageAction::Link { href: logout_path(), label: "Sign out" });
    context.reply_context().refuse_with(refusal, action)
}

/// The reply with the JWK Set that verifies the signed assertion. The JWK Set is public.
fn assertion_jwks(assertion: &Assertion, context: &RequestContext) -> LocalReply {
    let is_read = context.head.only(":method").is_some_and(|method| matches!(method, b"GET" | b"HEAD"));
    let (status, header, body) = if is_read {
        (200, ("cache-control", "public, max-age=300"), assertion.jwks().to_owned())
    } else {
        (405, ("allow", "GET, HEAD"), String::new())
    };
    let headers = [header, ("content-type", "application/jwk-set+json"), ("x-content-type-options", "nosniff")];
    let log =
        context.reply_context().log(Level::Debug, Event::AssertionJwks, "the keys of the assertion were asked for");
    let headers = headers.map(|(name, value)| (name, value.to_owned())).into();
    LocalReply { status, headers, body, log: vec![log] }
}

/// The reply to an input that the state of the stream does not expect.
pub(super) fn unexpected_input(env: &mut Env<'_>) -> LocalReply {
    let head = RequestHead::default();
    let context = ReplyContext::new(&head, &RequestId::new(&head, env));
    context.refuse(&RequestError::UnexpectedInput.into())
}

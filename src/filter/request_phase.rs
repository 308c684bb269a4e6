//! The request phase. It decides whether a request is forwarded and with which identity, or which
//! reply Tenantgate sends.
//!
//! Scenarios: `tests/scenarios/`.

use std::sync::Arc;

use super::awaited::Awaited;
use super::page::page;
use super::plugin_call::PluginCall;
use super::request_step::{RequestEffect, RequestPhase, RequestStep, await_store, exchange_code, with, with_documents};
use super::sign_outs::{SignOuts, sign_outs};
use crate::base::event::{Event, Level};
use crate::base::secret::Secret;
use crate::env::Env;
use crate::error::{ReplyContext, RequestError, RequestId};
use crate::flow::bearer;
use crate::flow::login::{self, ExchangeStep, LoginForm, initiated_login};
use crate::flow::logout::{BackchannelRequest, SignOut, frontchannel_logout, logout, logout_before};
use crate::flow::whoami::whoami;
use crate::http::authorization::has_bearer_token;
use crate::http::call::{CallFailure, CallResponse};
use crate::http::host::Host;
use crate::http::reply::LocalReply;
use crate::http::request::{BodyError, RequestHead};
use crate::oauth::discovery::NeededDocuments;
use crate::runtime::{NoContext, RequestContext, Runtime};
use crate::session::store::publish;
use crate::upstream::Assertion;

impl RequestPhase {
    /// Takes the request head. Paths are compared byte by byte: a path that only resembles a path
    /// of Tenantgate is a page of the upstream.
    pub(super) fn begin(head: RequestHead, runtime: &Arc<Runtime>, env: &mut Env<'_>) -> RequestStep {
        match RequestContext::new(head, runtime, env) {
            Ok(context) => Self::dispatch(context, env),
            Err(NoContext::Reply(reply)) => RequestStep::Reply(reply),
            Err(NoContext::LookUp(head, host)) => look_up(*head, &host, runtime, env),
        }
    }

    /// Takes the request to what handles its path.
    fn dispatch(context: RequestContext, env: &mut Env<'_>) -> RequestStep {
        let login = &context.tenant().login;
        let path = context.target().path;
        if path == login.callback_path {
            with(NeededDocuments::Metadata, context, env, callback)
        } else if path == login.logout_path {
            with(NeededDocuments::Metadata, context, env, user_signs_out)
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
        } else if let Some(assertion) = &context.runtime.upstream().assertion
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
            | Self::AwaitingFetch(..)
            | Self::AwaitingStore(..)
            | Self::AwaitingTenant(..) => RequestStep::Reply(unexpected_input(env)),
        }
    }

    /// What the request waits for beside an input of its own.
    pub(super) fn awaited(&self) -> Option<Awaited> {
        match self {
            Self::AwaitingRefresh(_, awaited) => Some(Awaited::Refresh(awaited.key())),
            Self::AwaitingFetch(..) => Some(Awaited::Fetch),
            Self::AwaitingStore(..) | Self::AwaitingTenant(..) => Some(Awaited::Store),
            Self::Fresh | Self::ReadingBody(_) | Self::ReadingForm(_) | Self::ExchangingCode(_) => None,
        }
    }

    /// Looks for the end of what the request waits for, and continues or waits on.
    pub(super) fn woken(self, env: &mut Env<'_>) -> RequestStep {
        match self {
            Self::AwaitingRefresh(context, awaited) => page(*context, Some(awaited.wait_end()), env),
            Self::AwaitingFetch(fetch, then) if fetch.is_over(env) => then(env),
            Self::AwaitingFetch(..) => RequestStep::Wait(self, RequestEffect::AwaitFetch),
            Self::AwaitingStore(wait, then) if wait.is_over(env) => then(wait.ended(), env),
            Self::AwaitingTenant(wait, then, _) if wait.is_over(env) => then(env),
            Self::AwaitingStore(..) | Self::AwaitingTenant(..) => {
                RequestStep::Wait(self, RequestEffect::AwaitStore(Vec::new()))
            }
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
                let read = move |env: &mut Env<'_>| backchannel_logout(request, body, env);
                with_documents(&provider, NeededDocuments::Keys, env, read)
            }
            Self::ReadingForm(form) => RequestStep::Reply(form.read(body)),
            Self::Fresh
            | Self::ExchangingCode(_)
            | Self::AwaitingRefresh(..)
            | Self::AwaitingFetch(..)
            | Self::AwaitingStore(..)
            | Self::AwaitingTenant(..) => RequestStep::Reply(unexpected_input(env)),
        }
    }
}

/// Waits for the lookup of the tenant of this host, and then takes the head again.
fn look_up(head: RequestHead, host: &Host, runtime: &Arc<Runtime>, env: &mut Env<'_>) -> RequestStep {
    let Some((wait, start)) = runtime.look_up(host, env) else {
        return RequestStep::Reply(RequestContext::tenant_unavailable(&head, runtime, env));
    };
    let runtime = runtime.clone();
    // Only forms are read: logout tokens, and logins that a third party begins.
    let may_read = head.only(":method") == Some(b"POST") && head.is_form();
    let then = move |env: &mut Env<'_>| match RequestContext::new(head, &runtime, env) {
        Ok(context) => RequestPhase::dispatch(context, env),
        Err(NoContext::Reply(reply)) => RequestStep::Reply(reply),
        // A request waits once.
        Err(NoContext::LookUp(head, _)) => RequestStep::Reply(RequestContext::tenant_unavailable(&head, &runtime, env)),
    };
    let start = start.map(PluginCall::from).into_iter().collect();
    RequestStep::Wait(RequestPhase::AwaitingTenant(wait, Box::new(then), may_read), RequestEffect::AwaitStore(start))
}

/// Handles a back-channel logout. With a store, the answer waits until all replicas can know.
fn backchannel_logout(
    request: Box<BackchannelRequest>,
    body: Result<Secret<Vec<u8>>, BodyError>,
    env: &mut Env<'_>,
) -> RequestStep {
    match request.read(body, env) {
        Err(reply) => RequestStep::Reply(reply),
        Ok(revocation) => match request.publish(&revocation, env) {
            Ok(None) => RequestStep::Reply(request.end(&revocation, env)),
            Ok(Some((wait, start))) => await_store(wait, vec![start.into()], move |ended, env| {
                RequestStep::Reply(request.published(ended, revocation, env))
            }),
            Err(reply) => RequestStep::Reply(reply),
        },
    }
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
        let has_session = env.now().is_ok_and(|now| context.sessions(now).find(&context.head).is_ok());
        if !has_session {
            return RequestStep::Reply(whoami(&context, None, env));
        }
        return match sign_outs(context, env, who_is_signed_in) {
            SignOuts::Known(context) => RequestStep::Reply(whoami(&context, None, env)),
            SignOuts::Unknown(context) => {
                let reply_context = ReplyContext { html: false, ..context.reply_context() };
                RequestStep::Reply(reply_context.refuse(&RequestError::StoreUnavailable.into()))
            }
            SignOuts::Awaited(step) => *step,
        };
    }
    with(NeededDocuments::Keys, context, env, |context, env| {
        let bearer = bearer::identity(&context, env);
        RequestStep::Reply(whoami(&context, Some(bearer), env))
    })
}

/// Signs the user out, and in again with another account if the request names a page for that.
fn user_signs_out(context: RequestContext, env: &mut Env<'_>) -> RequestStep {
    let signed_out = match login::page_for_another_account(&context) {
        Some(page) => logout_before(&context, |env| login::begin_with_another_account(&context, page, env), env),
        None => logout(&context, env),
    };
    sign_out(signed_out, &context, env)
}

/// Replies to a sign-out, and begins to revoke the refresh tokens of the sessions that ended. With
/// a store, the reply waits until all replicas can know, unless etcd is known to be away.
fn sign_out(signed_out: SignOut, context: &RequestContext, env: &mut Env<'_>) -> RequestStep {
    let SignOut { mut reply, refresh_tokens, revocation } = signed_out;
    let user = reply.log.iter().find_map(|line| line.user.clone());
    let (provider, reply_context) = (&context.served.provider, ReplyContext { user, ..context.reply_context() });
    let begin = |token: &Secret<String>| PluginCall::revocation(provider, token, &reply_context, &mut reply.log, env);
    let mut calls: Vec<PluginCall> = refresh_tokens.iter().filter_map(begin).collect();
    let Some(store) = context.runtime.store().filter(|_| !revocation.entries.is_empty()) else {
        return RequestStep::ReplyAndCall(reply, calls);
    };
    // The browser loses its cookies in any case. If etcd is away, the write is tried again.
    match publish(store, &context.served.revocations, &revocation, true, env) {
        Ok((wait, publish)) => {
            calls.push(publish.into());
            if store.is_away() {
                return RequestStep::ReplyAndCall(reply, calls);
            }
            await_store(wait, calls, move |_, _| RequestStep::Reply(reply))
        }
        Err(failure) => {
            let line = context.reply_context().log(Level::Error, Event::HostError, &failure.to_string());
            RequestStep::ReplyAndCall(reply.with_log(line), calls)
        }
    }
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
    LocalReply { status, headers, body, log: vec![log], filter_state: Vec::new() }
}

/// The reply to an input that the state of the stream does not expect.
pub(super) fn unexpected_input(env: &mut Env<'_>) -> LocalReply {
    let head = RequestHead::default();
    let context = ReplyContext::new(&head, &RequestId::new(&head, env));
    context.refuse(&RequestError::UnexpectedInput.into())
}

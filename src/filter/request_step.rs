//! The steps of the request phase: what a request waits for, and what the shell does for it.

use std::sync::Arc;

use super::plugin_call::PluginCall;
use super::response_phase::ResponsePhase;
use crate::base::event::LogLine;
use crate::env::Env;
use crate::flow::login::{CodeExchange, LoginForm};
use crate::flow::logout::BackchannelRequest;
use crate::flow::refresh::{AwaitedRefresh, StartRefresh};
use crate::http::call::HttpCall;
use crate::http::reply::LocalReply;
use crate::oauth::discovery::{AwaitedFetch, NeededDocuments, Provider};
use crate::runtime::{LookupWait, RequestContext};
use crate::session::store::{Ended, StoreWait};
use crate::upstream::Forward;

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
    /// An answer of the store. Then the request goes on.
    AwaitingStore(StoreWait, StoreContinuation),
    /// The lookup of the tenant. Then the request begins. Whether its body may have to be read
    /// then.
    AwaitingTenant(LookupWait, Continuation, bool),
}

/// What a request does after its wait.
pub(super) type Continuation = Box<dyn FnOnce(&mut Env<'_>) -> RequestStep>;
/// What a request does after its wait for the store.
pub(super) type StoreContinuation = Box<dyn FnOnce(Ended, &mut Env<'_>) -> RequestStep>;

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
    /// Begin these calls, or without any the look at etcd that is due, and wait for
    /// [`Filter::awaited`](super::Filter::awaited).
    AwaitStore(Vec<PluginCall>),
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

impl RequestStep {
    /// Adds a line for the log: of the reply or of the response, which may come after a wait.
    pub(super) fn with_log(self, line: LogLine) -> Self {
        match self {
            Self::Forward(context, forward, response) => Self::Forward(context, forward, response.with_log(line)),
            Self::Reply(reply) => Self::Reply(reply.with_log(line)),
            Self::ReplyAndCall(reply, calls) => Self::ReplyAndCall(reply.with_log(line), calls),
            Self::Wait(RequestPhase::AwaitingFetch(fetch, then), effect) => {
                let then = move |env: &mut Env<'_>| then(env).with_log(line);
                Self::Wait(RequestPhase::AwaitingFetch(fetch, Box::new(then)), effect)
            }
            Self::Wait(RequestPhase::AwaitingTenant(wait, then, may_read), effect) => {
                let then = move |env: &mut Env<'_>| then(env).with_log(line);
                Self::Wait(RequestPhase::AwaitingTenant(wait, Box::new(then), may_read), effect)
            }
            Self::Wait(RequestPhase::AwaitingStore(wait, then), effect) => {
                let then = move |ended: Ended, env: &mut Env<'_>| then(ended, env).with_log(line);
                Self::Wait(RequestPhase::AwaitingStore(wait, Box::new(then)), effect)
            }
            Self::Wait(..) => self,
        }
    }
}

/// Does `then` as soon as the provider's documents are there that it needs, or cannot be had.
pub(super) fn with_documents(
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
pub(super) fn with(
    needed: NeededDocuments,
    context: RequestContext,
    env: &mut Env<'_>,
    then: fn(RequestContext, &mut Env<'_>) -> RequestStep,
) -> RequestStep {
    let provider = context.served.provider.clone();
    with_documents(&provider, needed, env, move |env| then(context, env))
}

/// Begins these calls, and does `then` as soon as the store has answered, or takes too long.
pub(super) fn await_store(
    wait: StoreWait,
    start: Vec<PluginCall>,
    then: impl FnOnce(Ended, &mut Env<'_>) -> RequestStep + 'static,
) -> RequestStep {
    RequestStep::Wait(RequestPhase::AwaitingStore(wait, Box::new(then)), RequestEffect::AwaitStore(start))
}

/// Waits for the response to a call of the code exchange.
pub(super) fn exchange_code(exchange: Box<CodeExchange>, call: HttpCall) -> RequestStep {
    RequestStep::Wait(RequestPhase::ExchangingCode(exchange), RequestEffect::Call(call))
}

/// Waits for the end of a refresh.
pub(super) fn await_refresh(
    context: RequestContext,
    awaited: Box<AwaitedRefresh>,
    start: Option<StartRefresh>,
) -> RequestStep {
    let phase = RequestPhase::AwaitingRefresh(Box::new(context), awaited);
    RequestStep::Wait(phase, RequestEffect::AwaitRefresh(start.map(PluginCall::from)))
}

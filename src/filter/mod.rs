//! The state machine of one HTTP stream. Start reading here.
//!
//! ```text
//! ┌────────────────────────────────────────────────────────────────────────────────────────────┐
//! │ Each input has exactly one effect. `Forward` is the only effect that sends a request to    │
//! │ the upstream. It is made from a proof that the access rules permit the request, and only   │
//! │ in the request phase. A request phase that ends without this proof, for example after an   │
//! │ error, ends in a reply.                                                                    │
//! └────────────────────────────────────────────────────────────────────────────────────────────┘
//!
//!   request phase                                                                  response phase
//!
//!   Fresh ─┬─ page ────────────────────────────────────────┬─▶ Forwarding ─ Forwarded ─▶ Response
//!          │                                               │       │
//!          ├─ page ▶ AwaitingRefresh ─ Woken ──────────────┤       │ ForwardFailed
//!          │                                               │       ▼
//!          │                                               └───▶ Done: a reply was sent
//!          │                                                       ▲
//!          ├─ callback ──────────────▶ ExchangingCode ─── Called ──┤
//!          ├─ back-channel logout ───▶ ReadingBody ────── Body ────┤
//!          ├─ form of a third party ─▶ ReadingForm ────── Body ────┤
//!          └─ logout, front-channel logout, other own paths ───────┘
//! ```
//!
//! Not drawn: a call that causes another call does not change the state, nor does `Woken` while
//! what the stream waits for is in progress. Whatever needs documents of the provider that are not
//! there yet waits in `AwaitingFetch`, and goes on after `Woken`, whatever needs an answer of the
//! store in `AwaitingStore`, and a request whose tenant has to be looked up in `AwaitingTenant`.
//! Every state of the request phase can lead to `Done` because of an error. An unexpected input in
//! the request phase or in `Forwarding` leads to `Done`. In `Response` no input changes the state,
//! and an unexpected one has no effect. In `Done` the response head of the local reply passes
//! unchanged, and any other input gets an error reply. A request for a page gets a reply if it is
//! refused or redirected to the login.
//!
//! The module uses the runtime and the flows. It does not depend on proxy-wasm or on the steps
//! inside a flow.
//!
//! The request phase is in [`request_phase`], with the pages of the upstream in [`page`], the
//! response phase in [`response_phase`]. Each has a
//! type for its effects, so no effect of the response phase can forward a request.
//!
//! Scenarios: `tests/scenarios/`; host failures and unexpected inputs: `tests/core.rs`.

mod awaited;
mod page;
mod plugin_call;
mod request_phase;
mod request_step;
mod response_phase;
mod sign_outs;

use std::mem;
use std::sync::Arc;

use crate::base::event::LogLine;
use crate::base::secret::Secret;
use crate::env::{Env, HostFailure};
use crate::http::call::{CallFailure, CallResponse};
use crate::http::reply::LocalReply;
use crate::http::request::{BodyError, RequestHead};
use crate::runtime::{RequestContext, Runtime};
use crate::upstream::{filter_state_of_reply, strip_trailers};
use request_phase::unexpected_input;
use request_step::{RequestPhase, RequestStep};
use response_phase::ResponsePhase;

pub use awaited::Awaited;
pub use plugin_call::{PluginCall, PluginStep, PluginWork, calls_to_etcd};
pub use request_step::RequestEffect;
pub use response_phase::{ResponseEdit, ResponseEffect};

/// The filter of one stream. It keeps the configuration that was active when the stream began.
pub struct Filter {
    runtime: Arc<Runtime>,
    phase: Phase,
}

/// The state of the stream.
enum Phase {
    /// The request is being decided.
    Request(RequestPhase),
    /// The shell applies the edits of a [`Forward`](crate::upstream::Forward).
    Forwarding(RequestContext, ResponsePhase),
    /// The upstream has the request.
    Response(ResponsePhase),
    /// Tenantgate sent a reply.
    Done,
}

/// An event of the stream.
pub enum Input {
    /// The request head arrived.
    Request(RequestHead),
    /// The call of the last [`RequestEffect::Call`] ended.
    Called(Result<CallResponse, CallFailure>),
    /// The whole request body arrived, or it could not be read.
    Body(Result<Secret<Vec<u8>>, BodyError>),
    /// Every edit of the [`RequestEffect::Forward`] was applied.
    Forwarded,
    /// The host refused an edit of the [`RequestEffect::Forward`]. The text is for the log.
    ForwardFailed(&'static str),
    /// The response head of the upstream arrived.
    Response,
    /// What the stream waits for ([`Filter::awaited`]) has ended or may have ended.
    Woken,
}

/// The one action that the shell carries out after an input.
#[derive(Debug)]
#[must_use = "an effect that is not carried out leaves the stream waiting"]
pub enum Effect {
    /// An effect on the request.
    Request(RequestEffect),
    /// An effect on the response. The upstream has the request.
    Response(ResponseEffect),
}

impl Filter {
    /// The filter of a stream whose request has not arrived yet.
    pub fn new(runtime: Arc<Runtime>) -> Self {
        Self { runtime, phase: Phase::Request(RequestPhase::Fresh) }
    }

    /// Takes one input and returns its effect.
    pub fn step(&mut self, input: Input, env: &mut Env<'_>) -> Effect {
        match (mem::replace(&mut self.phase, Phase::Done), input) {
            (Phase::Request(RequestPhase::Fresh), Input::Request(head)) => {
                let step = RequestPhase::begin(head, &self.runtime, env);
                self.take(step)
            }
            (Phase::Request(phase), Input::Called(result)) => {
                let step = phase.called(result, env);
                self.take(step)
            }
            (Phase::Request(phase), Input::Woken) => {
                let step = phase.woken(env);
                self.take(step)
            }
            (Phase::Request(phase), Input::Body(body)) => {
                let step = phase.body(body, env);
                self.take(step)
            }
            (Phase::Forwarding(_, mut response), Input::Forwarded) => {
                let effect = response.begin();
                self.phase = Phase::Response(response);
                Effect::Response(effect)
            }
            (Phase::Forwarding(context, response), Input::ForwardFailed(reason)) => {
                let reply = context.reply_context().refuse(&HostFailure(reason).into());
                Effect::Request(RequestEffect::Reply(self.with_filter_state(response.abandon(reply, env))))
            }
            (Phase::Response(mut response), Input::Response) => {
                let effect = response.arrived(env);
                self.phase = Phase::Response(response);
                Effect::Response(effect)
            }
            (Phase::Response(mut response), Input::Woken) => {
                let effect = response.refresh_ended(env);
                self.phase = Phase::Response(response);
                Effect::Response(effect)
            }
            // The host calls the response callbacks for a local reply, too. It is sent unchanged.
            (Phase::Done, Input::Response) => Effect::Response(ResponseEffect::Release(Vec::new(), Vec::new())),
            // The upstream has the request, so it cannot be refused any more.
            (Phase::Response(response), _) => {
                self.phase = Phase::Response(response);
                Effect::Response(ResponseEffect::Wait)
            }
            (Phase::Request(_) | Phase::Forwarding(..) | Phase::Done, _) => {
                Effect::Request(RequestEffect::Reply(unexpected_input(env)))
            }
        }
    }

    /// Whether the request may continue to the upstream, because every edit was applied.
    pub fn is_forwarded(&self) -> bool {
        matches!(self.phase, Phase::Response(_))
    }

    /// Whether the filter may read the body of the request as soon as it knows the tenant.
    pub fn may_read_body(&self) -> bool {
        matches!(self.phase, Phase::Request(RequestPhase::AwaitingTenant(_, _, true)))
    }

    /// Whether the filter needs the response head.
    pub fn awaits_response(&self) -> bool {
        matches!(&self.phase, Phase::Response(response) if !response.is_idle())
    }

    /// What the stream waits for beside an input of its own. Give [`Input::Woken`] when that has
    /// ended, and from time to time before, because another worker may end it and a wait has a
    /// limit.
    pub fn awaited(&self) -> Option<Awaited> {
        match &self.phase {
            Phase::Request(request) => request.awaited(),
            Phase::Response(response) => response.awaited_refresh().map(Awaited::Refresh),
            Phase::Forwarding(..) | Phase::Done => None,
        }
    }

    /// Whether the response head waits for the end of a refresh.
    pub fn holds_response(&self) -> bool {
        matches!(&self.phase, Phase::Response(response) if response.is_held())
    }

    /// The names of the trailers to remove before the trailers of a forwarded request continue.
    pub fn strip_trailers(&self, trailers: &RequestHead) -> Vec<String> {
        strip_trailers(trailers, &self.runtime.upstream().protected)
    }

    /// The reply with the filter state for access logs, if the configuration asks for it.
    fn with_filter_state(&self, reply: LocalReply) -> LocalReply {
        match reply.log.first() {
            Some(LogLine { event, tenant, user, .. }) if self.runtime.upstream().filter_state => {
                let filter_state = filter_state_of_reply(*event, tenant.as_ref(), user.as_deref());
                LocalReply { filter_state, ..reply }
            }
            _ => reply,
        }
    }

    /// Enters the phase that `step` leads to, and returns the effect of the step.
    fn take(&mut self, step: RequestStep) -> Effect {
        let (phase, effect) = match step {
            RequestStep::Wait(phase, effect) => (Phase::Request(phase), effect),
            RequestStep::Forward(context, forward, response) => {
                (Phase::Forwarding(context, response), RequestEffect::Forward(forward))
            }
            RequestStep::Reply(reply) => (Phase::Done, RequestEffect::Reply(self.with_filter_state(reply))),
            RequestStep::ReplyAndCall(reply, calls) => {
                (Phase::Done, RequestEffect::ReplyAndCall(self.with_filter_state(reply), calls))
            }
        };
        self.phase = phase;
        Effect::Request(effect)
    }
}

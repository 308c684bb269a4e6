//! The state machine of one HTTP stream. Start here.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────────────────┐
//! │ One input, exactly one effect. `Forward` is the only effect that lets a request go to the │
//! │ upstream. It cannot be made without a proof, and not after the request phase. Every error │
//! │ path of the request phase ends in a reply.                                                │
//! └──────────────────────────────────────────────────────────────────────────────────────────┘
//!
//!   request phase                                                      response phase
//!
//!   Fresh ──────────┬─ everything else ─────────────┬─▶ Forwarding ──▶ Response
//!     │             │                               │       Forwarded
//!     │ callback    ├─▶ Refreshing ── Called ───────┤
//!     ▼             │    the session is overdue     │
//!   ExchangingCode ─┼───────────────── Called ──────┼─▶ Done: answered by Tenantgate
//!                   └─▶ ReadingBody ── Body ────────┘
//! ```
//!
//! The request phase is in [`request_phase`], the response phase in [`response_phase`]. Their effects have types of
//! their own: no effect of the response phase can forward anything. Scenarios: `tests/scenarios/`, host failures and
//! unexpected inputs: `tests/core.rs`.

mod request_phase;
mod response_phase;

use std::mem;
use std::sync::Arc;

use crate::base::secret::Secret;
use crate::env::{Env, HostFailure};
use crate::http::call::{CallFailure, CallResponse};
use crate::http::request::{BodyError, RequestHead};
use crate::runtime::{RequestContext, Runtime};
use crate::upstream::strip_trailers;
use request_phase::{RequestPhase, RequestStep, unexpected_input};
use response_phase::ResponsePhase;

pub use request_phase::RequestEffect;
pub use response_phase::{ResponseEdit, ResponseEffect};

/// The filter of one stream. It keeps the configuration that it began with, whatever is pushed meanwhile.
pub struct Filter {
    runtime: Arc<Runtime>,
    phase: Phase,
}

enum Phase {
    Request(RequestPhase),
    /// The host applies the edits of a [`Forward`](crate::upstream::Forward).
    Forwarding(RequestContext, ResponsePhase),
    /// The upstream has the request.
    Response(ResponsePhase),
    /// Tenantgate answered the request.
    Done,
}

/// What happened.
pub enum Input {
    /// The head of the request arrived.
    Request(RequestHead),
    /// The call that was asked for ended.
    Called(Result<CallResponse, CallFailure>),
    /// The whole body that was asked for is there.
    Body(Result<Secret<Vec<u8>>, BodyError>),
    /// Every edit of the [`RequestEffect::Forward`] was applied.
    Forwarded,
    /// The host refused an edit of the [`RequestEffect::Forward`].
    ForwardFailed(&'static str),
    /// The head of the upstream's response arrived.
    Response,
}

/// What is to be done about it.
#[derive(Debug)]
#[must_use = "an effect that is not carried out leaves the stream standing"]
pub enum Effect {
    /// An effect on the request.
    Request(RequestEffect),
    /// An effect on the response. The request is with the upstream.
    Response(ResponseEffect),
}

impl Filter {
    /// A filter for a request that has not arrived yet.
    pub fn new(runtime: Arc<Runtime>) -> Self {
        Self { runtime, phase: Phase::Request(RequestPhase::Fresh) }
    }

    /// Takes one input and says what is to be done.
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
                Effect::Request(RequestEffect::Reply(response.abandon(reply)))
            }
            (Phase::Response(mut response), Input::Response) => {
                let effect = response.arrived();
                self.phase = Phase::Response(response);
                Effect::Response(effect)
            }
            (Phase::Response(mut response), Input::Called(result)) => {
                let effect = response.called(result, env);
                self.phase = Phase::Response(response);
                Effect::Response(effect)
            }
            // An answer of Tenantgate itself goes on as it is.
            (Phase::Done, Input::Response) => Effect::Response(ResponseEffect::Release(Vec::new(), Vec::new())),
            // The upstream has the request, so there is nothing to refuse.
            (Phase::Response(response), _) => {
                self.phase = Phase::Response(response);
                Effect::Response(ResponseEffect::Wait)
            }
            (Phase::Request(_) | Phase::Forwarding(..) | Phase::Done, _) => {
                Effect::Request(RequestEffect::Reply(unexpected_input(env)))
            }
        }
    }

    /// Whether the request may go to the upstream: every edit was applied.
    pub fn is_forwarded(&self) -> bool {
        matches!(self.phase, Phase::Response(_))
    }

    /// Whether the filter has to see the head of the response.
    pub fn awaits_response(&self) -> bool {
        matches!(&self.phase, Phase::Response(response) if !response.is_idle())
    }

    /// Whether the response has to wait for the end of a call.
    pub fn holds_response(&self) -> bool {
        matches!(&self.phase, Phase::Response(response) if response.is_held())
    }

    /// The names of the trailers that have to be removed before the trailers of a forwarded request may follow it.
    pub fn strip_trailers(&self, trailers: &RequestHead) -> Vec<String> {
        strip_trailers(trailers, &self.runtime.upstream().protected)
    }

    fn take(&mut self, step: RequestStep) -> Effect {
        let (phase, effect) = match step {
            RequestStep::Wait(phase, effect) => (Phase::Request(phase), effect),
            RequestStep::Forward(context, forward, response) => {
                (Phase::Forwarding(context, response), RequestEffect::Forward(forward))
            }
            RequestStep::Reply(reply) => (Phase::Done, RequestEffect::Reply(reply)),
        };
        self.phase = phase;
        Effect::Request(effect)
    }
}

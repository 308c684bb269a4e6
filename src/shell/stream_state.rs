//! The state of one HTTP stream. It gives inputs to the filter and carries out the effects.
//!
//! Tests: `tests/module.rs` and `tests/envoy.rs`.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType, Status};

use super::call::{DispatchedCall, dispatch};
use super::counters::Counters;
use super::host::{VmClientAddress, VmEntropy, log, now};
use super::plugin_calls::{Caller, PluginCalls, WaitingStream, Waits};
use super::shared::VmSharedData;
use super::verifier::VmVerifier;
use super::waiting::{AwaitsBody, WaitingForBody};
use crate::base::event::{Level, LogLine};
use crate::base::secret::Secret;
use crate::env::Env;
use crate::filter::{Effect, Filter, Input, RequestEffect, ResponseEdit, ResponseEffect};
use crate::http::call::{CallFailure, CallResponse};
use crate::http::reply::LocalReply;
use crate::http::request::{BodyError, MAX_BODY};
use crate::jose::{HostAlgorithms, Verifier};
use crate::upstream::{Forward, HeaderEdit};

/// The state of one HTTP stream.
pub(super) struct StreamState {
    pub(super) filter: Filter,
    pub(super) body: Body,
    /// How many bytes of the body have arrived, and whether that is all of it.
    pub(super) arrived: (usize, bool),
    /// The call to the provider whose response the stream waits for.
    call: Option<DispatchedCall>,
    plugin: Plugin,
    id: u32,
    /// This state, for the lists of the streams that wait.
    this: Weak<RefCell<Self>>,
    /// Whether the stream is in the list for refreshes and fetches.
    is_listed: bool,
}

/// What all streams of a plugin have in common.
#[derive(Clone, Default)]
pub(super) struct Plugin {
    pub(super) counters: Counters,
    /// The algorithms that the host can verify.
    pub(super) trusted: HostAlgorithms,
    pub(super) calls: PluginCalls,
    /// The streams that wait for a body.
    pub(super) waiting: WaitingForBody,
}

/// The handling of the request body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// It is paused or continues like the request head.
    Follows,
    /// It is buffered for the filter.
    Awaited,
}

impl StreamState {
    /// The state of the stream with this id.
    pub(super) fn new(id: u32, filter: Filter, plugin: Plugin) -> Rc<RefCell<Self>> {
        Rc::new_cyclic(|this| {
            let this = this.clone();
            RefCell::new(Self {
                filter,
                body: Body::Follows,
                arrived: (0, false),
                call: None,
                plugin,
                id,
                this,
                is_listed: false,
            })
        })
    }

    /// Gives one input to the filter and carries out the effect. If the effect causes another input
    /// at once, that input is next.
    pub(super) fn run(&mut self, input: Input) {
        let verifier = Verifier { host: &VmVerifier, trusted: self.plugin.trusted };
        let mut entropy = VmEntropy;
        let env = &mut Env::new(now(), &mut entropy, verifier, &VmSharedData).with_client(&VmClientAddress);
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let effect = self.filter.step(input, env);
            next = match effect {
                Effect::Request(RequestEffect::Forward(forward)) => Some(forward_edits(&forward)),
                Effect::Request(RequestEffect::Reply(reply)) => {
                    self.reply(&reply);
                    None
                }
                Effect::Request(RequestEffect::ReplyAndCall(reply, calls)) => {
                    self.reply(&reply);
                    calls.into_iter().for_each(|call| self.plugin.calls.start(call));
                    None
                }
                Effect::Request(RequestEffect::ReadBody) => {
                    self.body = Body::Awaited;
                    let state: Weak<RefCell<dyn AwaitsBody>> = self.this.clone();
                    self.plugin.waiting.begin(self.id, state);
                    None
                }
                Effect::Request(RequestEffect::Call(call)) => match dispatch(&call) {
                    Ok(call) => {
                        self.call = Some(call);
                        None
                    }
                    Err(failure) => Some(Input::Called(Err(failure))),
                },
                Effect::Request(RequestEffect::AwaitRefresh(start)) => {
                    start.into_iter().for_each(|start| self.plugin.calls.start(start));
                    None
                }
                Effect::Request(RequestEffect::AwaitStore(start)) => {
                    self.plugin.calls.hurry();
                    start.into_iter().for_each(|start| self.plugin.calls.start(start));
                    None
                }
                Effect::Request(RequestEffect::AwaitFetch) => {
                    self.plugin.calls.hurry();
                    None
                }
                Effect::Response(ResponseEffect::Refresh(start)) => {
                    self.plugin.calls.start(start);
                    None
                }
                Effect::Response(ResponseEffect::Wait) => None,
                Effect::Response(ResponseEffect::Release(edits, lines)) => {
                    lines.iter().for_each(|line| self.log(line));
                    if edits.iter().try_for_each(apply_to_response).is_err() {
                        log(Level::Error, "the host refused a header of a response");
                    }
                    None
                }
            };
        }
        if let Some(awaited) = self.filter.awaited().filter(|_| !self.is_listed) {
            self.is_listed = true;
            let state: Weak<RefCell<dyn Waits>> = self.this.clone();
            self.plugin.calls.wait(WaitingStream { id: self.id, awaited, state });
        }
    }

    /// Gives the response to the call of the stream to the filter.
    pub(super) fn called(&mut self, result: Result<CallResponse, CallFailure>) {
        self.call.take().into_iter().for_each(DispatchedCall::ended);
        self.wake(Input::Called(result));
    }

    /// Gives this input to the filter outside of the callbacks for head and body, and resumes what
    /// it releases.
    pub(super) fn wake(&mut self, input: Input) {
        let (was_forwarded, was_held) = (self.filter.is_forwarded(), self.filter.holds_response());
        self.run(input);
        if !was_forwarded && self.filter.is_forwarded() && hostcalls::resume_http_request().is_err() {
            self.fail("the request could not be resumed");
        }
        if was_held && !self.filter.holds_response() && hostcalls::resume_http_response().is_err() {
            log(Level::Error, "a response could not be resumed");
        }
    }

    /// Lets the root context give back the result of a call that was made in its callback.
    fn await_call(&self) {
        if let Some(call) = &self.call {
            self.plugin.calls.add_caller(call.token, Caller { id: self.id, state: self.this.clone() });
        }
    }

    fn log(&self, line: &LogLine) {
        self.plugin.counters.count_line(line);
        log(line.level, &line.text);
        line.audit.iter().for_each(|audit| log(Level::Info, audit));
    }

    fn reply(&self, reply: &LocalReply) {
        reply.log.iter().for_each(|line| self.log(line));
        // A reply goes out without its filter state rather than not at all.
        let _ = reply.filter_state.iter().try_for_each(set_filter_state);
        let headers = reply.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if hostcalls::send_http_response(reply.status.into(), headers, Some(reply.body.as_bytes())).is_err() {
            // The stream stays paused, so the request does not reach the upstream.
            log(Level::Error, "the host refused a reply");
        }
    }

    /// Takes note that `size` bytes of the body have arrived, and reads an awaited body.
    pub(super) fn body_arrives(&mut self, size: usize, ended: bool) {
        self.arrived = (size, ended);
        if self.body != Body::Follows && (size > 0 || ended) {
            self.read_body(size, ended);
        }
    }

    /// Handles an awaited body of which `size` bytes have arrived. It becomes an input at its end,
    /// or as soon as it is too long.
    fn read_body(&mut self, size: usize, ended: bool) {
        let body = match size {
            _ if size > MAX_BODY => Err(BodyError::TooLong),
            _ if !ended => return,
            0 => Ok(Vec::new()),
            _ => match hostcalls::get_buffer(BufferType::HttpRequestBody, 0, size) {
                Ok(Some(body)) if body.len() == size => Ok(body),
                _ => Err(BodyError::Withheld),
            },
        };
        self.body = Body::Follows;
        self.plugin.waiting.end(self.id);
        self.run(Input::Body(body.map(Secret::new)));
    }

    /// Logs a failure of the host and replies with 503.
    pub(super) fn fail(&self, what: &str) {
        log(Level::Error, what);
        let _ = hostcalls::send_http_response(503, vec![("cache-control", "no-store")], None);
    }
}

impl Waits for StreamState {
    fn awaited_may_have_ended(&mut self) {
        self.is_listed = false;
        self.wake(Input::Woken);
        // The body may have arrived while the tenant was not known.
        let (size, ended) = self.arrived;
        self.body_arrives(size, ended);
        self.await_call();
    }

    fn called_after_wait(&mut self, result: Result<CallResponse, CallFailure>) {
        self.called(result);
        self.await_call();
    }
}

impl AwaitsBody for StreamState {
    fn body_timed_out(&mut self) {
        self.body = Body::Follows;
        self.run(Input::Body(Err(BodyError::TimedOut)));
    }
}

/// Ends the wait for the body if the stream ends early.
impl Drop for StreamState {
    fn drop(&mut self) {
        self.plugin.waiting.end(self.id);
    }
}

/// Applies every edit of the request. If the host refuses one, the request is not forwarded.
fn forward_edits(forward: &Forward) -> Input {
    if forward.edits().try_for_each(apply_to_request).is_err() {
        return Input::ForwardFailed("a header could not be changed");
    }
    if forward.filter_state().iter().try_for_each(set_filter_state).is_err() {
        return Input::ForwardFailed("filter state could not be set");
    }
    forward.audit().into_iter().for_each(|audit| log(Level::Info, audit));
    Input::Forwarded
}

fn apply_to_request(edit: &HeaderEdit) -> Result<(), Status> {
    match edit {
        HeaderEdit::Remove(name) => hostcalls::remove_map_value(MapType::HttpRequestHeaders, name),
        HeaderEdit::Set(name, value) => hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, Some(value)),
        HeaderEdit::Add(name, value) => hostcalls::add_map_value_bytes(MapType::HttpRequestHeaders, name, value),
    }
}

fn apply_to_response(edit: &ResponseEdit) -> Result<(), Status> {
    match edit {
        ResponseEdit::Remove(name) => hostcalls::remove_map_value(MapType::HttpResponseHeaders, name),
        ResponseEdit::Add(name, value) => hostcalls::add_map_value(MapType::HttpResponseHeaders, name, value),
        ResponseEdit::Set(name, value) => hostcalls::set_map_value(MapType::HttpResponseHeaders, name, Some(value)),
    }
}

/// Sets one entry of the filter state. Envoy stores the value under `wasm.<name>`.
fn set_filter_state((name, value): &(&'static str, String)) -> Result<(), Status> {
    hostcalls::set_property(vec![name], Some(value.as_bytes()))
}

//! The context of one HTTP stream. It converts callbacks to inputs of the filter and carries out
//! the effects.
//!
//! Tests: `tests/module.rs` and `tests/envoy.rs`.

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, BufferType, MapType, Status};

use super::abi::header_map;
use super::call::{MAX_HEADERS, dispatch, response};
use super::counters::Counters;
use super::host::{VmEntropy, log, now};
use super::shared::VmSharedData;
use super::verifier::VmVerifier;
use super::waiting::Waiting;
use crate::base::event::{Event, Level, LogLine};
use crate::base::secret::Secret;
use crate::env::Env;
use crate::filter::{Effect, Filter, Input, RequestEffect, ResponseEdit, ResponseEffect};
use crate::http::call::CallFailure;
use crate::http::reply::LocalReply;
use crate::http::request::{BodyError, MAX_BODY};
use crate::jose::{HostAlgorithms, Verifier};
use crate::upstream::{Forward, HeaderEdit};

/// The context of one HTTP stream.
pub(super) struct Stream {
    filter: Filter,
    counters: Counters,
    trusted: HostAlgorithms,
    body: Body,
    waiting: Waiting,
    id: u32,
}

/// The handling of the request body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// It is paused or continues like the request head.
    Follows,
    /// It is buffered for the filter. This many bytes have arrived.
    Awaited(usize),
}

impl Stream {
    /// The context of the stream with this id. `trusted` are the algorithms that the host can
    /// verify.
    pub(super) fn new(id: u32, filter: Filter, counters: Counters, trusted: HostAlgorithms, waiting: Waiting) -> Self {
        Self { filter, counters, trusted, body: Body::Follows, waiting, id }
    }

    /// Gives one input to the filter and carries out the effect. If the effect causes another input
    /// at once, that input is next.
    fn run(&mut self, input: Input) {
        let verifier = Verifier { host: &VmVerifier, trusted: self.trusted };
        let mut entropy = VmEntropy;
        let env = &mut Env::new(now(), &mut entropy, verifier, &VmSharedData);
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let effect = self.filter.step(input, env);
            next = match effect {
                Effect::Request(RequestEffect::Forward(forward)) => Some(forward_edits(&forward)),
                Effect::Request(RequestEffect::Reply(reply)) => {
                    self.reply(&reply);
                    None
                }
                Effect::Request(RequestEffect::ReadBody) => {
                    self.body = Body::Awaited(0);
                    self.waiting.begin(self.id);
                    None
                }
                Effect::Request(RequestEffect::Call(call)) | Effect::Response(ResponseEffect::Call(call)) => {
                    dispatch(&call).err().map(|_| Input::Called(Err(CallFailure::Refused)))
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
    }

    fn log(&self, line: &LogLine) {
        self.counters.count(line.event);
        log(line.level, &line.text);
    }

    fn reply(&self, reply: &LocalReply) {
        reply.log.iter().for_each(|line| self.log(line));
        let headers = reply.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if hostcalls::send_http_response(reply.status.into(), headers, Some(reply.body.as_bytes())).is_err() {
            // The stream stays paused, so the request does not reach the upstream.
            log(Level::Error, "the host refused a reply");
        }
    }

    /// Handles an awaited body of which `size` bytes have arrived. It becomes an input at its end,
    /// or as soon as it is too long.
    fn read_body(&mut self, size: usize, ended: bool) {
        self.body = Body::Awaited(size);
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
        self.waiting.end(self.id);
        self.run(Input::Body(body.map(Secret::new)));
    }

    /// Logs a failure of the host and replies with 503.
    fn fail(&self, what: &str) {
        log(Level::Error, what);
        let _ = hostcalls::send_http_response(503, vec![("cache-control", "no-store")], None);
    }

    fn request_action(&self) -> Action {
        if self.filter.is_forwarded() { Action::Continue } else { Action::Pause }
    }

    fn response_action(&self) -> Action {
        if self.filter.holds_response() { Action::Pause } else { Action::Continue }
    }
}

/// Ends the wait for the body if the stream ends early.
impl Drop for Stream {
    fn drop(&mut self) {
        self.waiting.end(self.id);
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, _token: u32, headers: usize, body: usize, _trailers: usize) {
        let (was_forwarded, was_held) = (self.filter.is_forwarded(), self.filter.holds_response());
        self.run(Input::Called(response(headers, body)));
        if !was_forwarded && self.filter.is_forwarded() && hostcalls::resume_http_request().is_err() {
            self.fail("the request could not be resumed");
        }
        if was_held && !self.filter.holds_response() && hostcalls::resume_http_response().is_err() {
            log(Level::Error, "a response could not be resumed");
        }
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, count: usize, end_of_stream: bool) -> Action {
        if count > MAX_HEADERS {
            self.counters.count(Event::TooManyHeaders);
            let _ = hostcalls::send_http_response(431, vec![("cache-control", "no-store")], None);
            return Action::Pause;
        }
        match header_map(MapType::HttpRequestHeaders) {
            Some(head) => self.run(Input::Request(head)),
            None => self.fail("the request headers could not be read"),
        }
        if end_of_stream && self.body != Body::Follows {
            self.read_body(0, true);
        }
        self.request_action()
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if self.body != Body::Follows {
            self.read_body(size, end_of_stream);
        }
        self.request_action()
    }

    /// Removes the trailers that a client must not send. If they cannot be removed, the trailers
    /// and the end of the request do not continue.
    fn on_http_request_trailers(&mut self, count: usize) -> Action {
        if let Body::Awaited(size) = self.body {
            self.read_body(size, true);
        }
        if !self.filter.is_forwarded() || count > MAX_HEADERS {
            return Action::Pause;
        }
        let Some(trailers) = header_map(MapType::HttpRequestTrailers) else { return Action::Pause };
        let unwanted = self.filter.strip_trailers(&trailers);
        let stripped =
            unwanted.iter().try_for_each(|name| hostcalls::remove_map_value(MapType::HttpRequestTrailers, name));
        if stripped.is_ok() { Action::Continue } else { Action::Pause }
    }

    /// Gives the response head to the filter, if the filter needs it. The host calls this for a
    /// local reply of Tenantgate, too, which the filter does not await.
    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if self.filter.awaits_response() {
            self.run(Input::Response);
        }
        self.response_action()
    }

    fn on_http_response_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        self.response_action()
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        self.response_action()
    }
}

/// Applies every edit of the request. If the host refuses one, the request is not forwarded.
fn forward_edits(forward: &Forward) -> Input {
    if forward.edits().iter().try_for_each(apply_to_request).is_err() {
        return Input::ForwardFailed("a header could not be changed");
    }
    if forward.filter_state().iter().try_for_each(set_filter_state).is_err() {
        return Input::ForwardFailed("filter state could not be set");
    }
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
        ResponseEdit::Add(name, value) => hostcalls::add_map_value(MapType::HttpResponseHeaders, name, value),
        ResponseEdit::Set(name, value) => hostcalls::set_map_value(MapType::HttpResponseHeaders, name, Some(value)),
    }
}

/// Sets one entry of the filter state. Envoy stores the value under `wasm.<name>`.
fn set_filter_state((name, value): &(&'static str, String)) -> Result<(), Status> {
    hostcalls::set_property(vec![name], Some(value.as_bytes()))
}

//! One HTTP stream: which callback becomes which input, and how an effect is carried out.

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

pub(super) struct Stream {
    filter: Filter,
    counters: Counters,
    trusted: HostAlgorithms,
    body: Body,
    waiting: Waiting,
    id: u32,
}

/// What is to be done with the body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// It goes where the head goes.
    Follows,
    /// It is awaited; so many bytes are there.
    Awaited(usize),
}

impl Stream {
    pub(super) fn new(id: u32, filter: Filter, counters: Counters, trusted: HostAlgorithms, waiting: Waiting) -> Self {
        Self { filter, counters, trusted, body: Body::Follows, waiting, id }
    }

    /// Feeds one input, carries out the effect, and feeds what comes of it, until the stream waits for the host.
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
            // The stream stays paused, so the request still does not reach the upstream.
            log(Level::Error, "the host refused a reply");
        }
    }

    /// A body that is awaited has grown to `size` bytes. At its end, or as soon as it is too long, it becomes an input.
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

/// A client that hangs up is not waited for.
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

    /// Trailers follow without the names that no client may send. If they cannot be removed, the trailers and the end of
    /// the request stay here.
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

    /// A reply of Tenantgate itself comes by here, too. The filter does not wait for it.
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

/// Applies every edit of a request. If the host refuses one, the request does not go to the upstream.
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

/// Envoy keeps it as `wasm.<name>`.
fn set_filter_state((name, value): &(&'static str, String)) -> Result<(), Status> {
    hostcalls::set_property(vec![name], Some(value.as_bytes()))
}

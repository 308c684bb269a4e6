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
use crate::aftermath::{Aftermath, AnswerEdit, AnswerEffect, Event};
use crate::call::CallFailure;
use crate::env::Env;
use crate::filter::{Effect, Filter, Input};
use crate::forward::{Forward, HeaderEdit};
use crate::keys::{HostAlgorithms, Verifier};
use crate::reply::{Level, LocalReply, Note};
use crate::request::{MAX_BODY, NoBody};
use crate::secret::Secret;

pub(super) struct Stream {
    filter: Filter,
    counters: Counters,
    trusted: HostAlgorithms,
    passage: Passage,
    aftermath: Aftermath,
    /// The answer of the upstream is here and waits for the end of a call.
    held: bool,
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

/// Whether the request may go on to the upstream. Only [`Stream::forward`] opens it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passage {
    Closed,
    Open,
}

impl Stream {
    pub(super) fn new(id: u32, filter: Filter, counters: Counters, trusted: HostAlgorithms, waiting: Waiting) -> Self {
        let (passage, aftermath, body) = (Passage::Closed, Aftermath::default(), Body::Follows);
        Self { filter, counters, trusted, passage, aftermath, held: false, body, waiting, id }
    }

    /// Feeds one input, and what comes of it, until the request is forwarded, answered or waits for something.
    fn run(&mut self, mut input: Input) {
        let verifier = Verifier { host: &VmVerifier, trusted: self.trusted };
        loop {
            match self.filter.step(input, &mut Env::new(now(), &mut VmEntropy, verifier, &VmSharedData)) {
                Effect::Forward(forward, aftermath) => return self.forward(&forward, aftermath),
                Effect::Reply(reply) => return self.reply(&reply),
                Effect::ReadBody => {
                    self.body = Body::Awaited(0);
                    self.waiting.begin(self.id);
                    return;
                }
                Effect::Call(call) => match dispatch(&call) {
                    Ok(_token) => return,
                    Err(_) => input = Input::Called(Err(CallFailure::Refused)),
                },
            }
        }
    }

    /// Applies every edit and tells the host the rest. If it refuses anything, nothing goes to the upstream.
    fn forward(&mut self, forward: &Forward, aftermath: Aftermath) {
        if forward.edits().iter().try_for_each(apply).is_err() {
            return self.fail("a header could not be changed");
        }
        if forward.filter_state().iter().try_for_each(set_filter_state).is_err() {
            return self.fail("filter state could not be set");
        }
        self.passage = Passage::Open;
        self.aftermath = aftermath;
        if let Some(call) = self.aftermath.take_call()
            && dispatch(&call).is_err()
        {
            self.follow(Event::Called(Err(CallFailure::Refused)));
        }
    }

    /// Feeds one event to what comes after a request.
    fn follow(&mut self, mut event: Event) {
        let verifier = Verifier { host: &VmVerifier, trusted: self.trusted };
        self.held |= matches!(event, Event::Answered);
        loop {
            match self.aftermath.step(event, &mut Env::new(now(), &mut VmEntropy, verifier, &VmSharedData)) {
                AnswerEffect::Wait => return,
                AnswerEffect::Call(call) => match dispatch(&call) {
                    Ok(_token) => return,
                    Err(_) => event = Event::Called(Err(CallFailure::Refused)),
                },
                AnswerEffect::Go(edits, notes) => {
                    notes.iter().for_each(|note| self.note(note));
                    if edits.iter().try_for_each(amend).is_err() {
                        log(Level::Error, "the host refused a header of an answer");
                    }
                    self.held = false;
                    return;
                }
            }
        }
    }

    fn note(&self, note: &Note) {
        self.counters.count(note.event);
        log(note.level, &note.line);
    }

    fn reply(&self, reply: &LocalReply) {
        self.note(&reply.note);
        let headers = reply.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if hostcalls::send_http_response(reply.status.into(), headers, Some(reply.body.as_bytes())).is_err() {
            // The stream stays paused, so it still does not reach the upstream.
            log(Level::Error, "the host refused a reply");
        }
    }

    /// A body that is awaited has grown to `size` bytes. At its end it becomes an input, and as soon as it is too long.
    fn read_body(&mut self, size: usize, ended: bool) {
        self.body = Body::Awaited(size);
        let body = match size {
            _ if size > MAX_BODY => Err(NoBody::TooLong),
            _ if !ended => return,
            0 => Ok(Vec::new()),
            _ => match hostcalls::get_buffer(BufferType::HttpRequestBody, 0, size) {
                Ok(Some(body)) if body.len() == size => Ok(body),
                _ => Err(NoBody::Withheld),
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

    fn action(&self) -> Action {
        match self.passage {
            Passage::Open => Action::Continue,
            Passage::Closed => Action::Pause,
        }
    }
}

impl Stream {
    fn answer_action(&self) -> Action {
        if self.held { Action::Pause } else { Action::Continue }
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
        let result = response(headers, body);
        match self.passage {
            Passage::Open => {
                let was_held = self.held;
                self.follow(Event::Called(result));
                if was_held && !self.held && hostcalls::resume_http_response().is_err() {
                    log(Level::Error, "an answer could not be resumed");
                }
            }
            Passage::Closed => {
                self.run(Input::Called(result));
                if self.passage == Passage::Open && hostcalls::resume_http_request().is_err() {
                    self.fail("the request could not be resumed");
                }
            }
        }
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, count: usize, end_of_stream: bool) -> Action {
        if count > MAX_HEADERS {
            self.counters.count("too_many_headers");
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
        self.action()
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if self.body != Body::Follows {
            self.read_body(size, end_of_stream);
        }
        self.action()
    }

    /// Trailers follow without what the client may not say. If that cannot be made sure, they and the end of the request stay here.
    fn on_http_request_trailers(&mut self, count: usize) -> Action {
        if let Body::Awaited(size) = self.body {
            self.read_body(size, true);
        }
        if self.passage == Passage::Closed || count > MAX_HEADERS {
            return Action::Pause;
        }
        let Some(trailers) = header_map(MapType::HttpRequestTrailers) else { return Action::Pause };
        let unwanted = self.filter.strip_trailers(&trailers);
        let stripped =
            unwanted.iter().try_for_each(|name| hostcalls::remove_map_value(MapType::HttpRequestTrailers, name));
        if stripped.is_ok() { Action::Continue } else { Action::Pause }
    }

    /// A reply of the gate itself comes by here, too; it has no aftermath.
    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if !self.aftermath.is_idle() {
            self.follow(Event::Answered);
        }
        self.answer_action()
    }

    fn on_http_response_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        self.answer_action()
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        self.answer_action()
    }
}

fn apply(edit: &HeaderEdit) -> Result<(), Status> {
    match edit {
        HeaderEdit::Remove(name) => hostcalls::remove_map_value(MapType::HttpRequestHeaders, name),
        HeaderEdit::Set(name, value) => hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, Some(value)),
        HeaderEdit::Add(name, value) => hostcalls::add_map_value_bytes(MapType::HttpRequestHeaders, name, value),
    }
}

fn amend(edit: &AnswerEdit) -> Result<(), Status> {
    match edit {
        AnswerEdit::Add(name, value) => hostcalls::add_map_value(MapType::HttpResponseHeaders, name, value),
        AnswerEdit::Set(name, value) => hostcalls::set_map_value(MapType::HttpResponseHeaders, name, Some(value)),
    }
}

/// Envoy keeps it as `wasm.<name>`.
fn set_filter_state((name, value): &(&'static str, String)) -> Result<(), Status> {
    hostcalls::set_property(vec![name], Some(value.as_bytes()))
}

//! One HTTP stream: which callback becomes which input, and how an effect is carried out.

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, MapType, Status};

use super::call::{MAX_HEADERS, dispatch, response};
use super::counters::Counters;
use super::host::{VmEntropy, log, now};
use super::shared::VmSharedData;
use super::verifier::VmVerifier;
use crate::call::CallFailure;
use crate::env::Env;
use crate::filter::{Effect, Filter, Input};
use crate::forward::{Forward, HeaderEdit, Protected};
use crate::keys::{HostAlgorithms, Verifier};
use crate::reply::{Level, LocalReply};
use crate::request::RequestHead;

pub(super) struct Stream {
    filter: Filter,
    counters: Counters,
    trusted: HostAlgorithms,
    passage: Passage,
}

/// Whether the request may go on to the upstream. Only [`Stream::forward`] opens it.
enum Passage {
    Closed,
    /// With what its trailers are measured by.
    Open(Protected),
}

impl Stream {
    pub(super) fn new(filter: Filter, counters: Counters, trusted: HostAlgorithms) -> Self {
        Self { filter, counters, trusted, passage: Passage::Closed }
    }

    /// Feeds one input, and what comes of it, until the request is forwarded, answered or waits for a call.
    fn run(&mut self, mut input: Input) {
        let verifier = Verifier { host: &VmVerifier, trusted: self.trusted };
        loop {
            match self.filter.step(input, &mut Env::new(now(), &mut VmEntropy, verifier, &VmSharedData)) {
                Effect::Forward(forward) => return self.forward(forward),
                Effect::Reply(reply) => return self.reply(&reply),
                Effect::Call(call) => match dispatch(&call) {
                    Ok(_token) => return,
                    Err(_) => input = Input::Called(Err(CallFailure::Refused)),
                },
            }
        }
    }

    /// Applies every edit and tells the host the rest. If it refuses anything, nothing goes to the upstream.
    fn forward(&mut self, forward: Forward) {
        if let Some(note) = forward.note() {
            self.counters.count(note.event);
            log(note.level, &note.line);
        }
        if forward.edits().iter().try_for_each(apply).is_err() {
            return self.fail("a header could not be changed");
        }
        if forward.filter_state().iter().try_for_each(set_filter_state).is_err() {
            return self.fail("filter state could not be set");
        }
        self.passage = Passage::Open(forward.into_protected());
    }

    fn reply(&self, reply: &LocalReply) {
        self.counters.count(reply.note.event);
        log(reply.note.level, &reply.note.line);
        let headers = reply.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if hostcalls::send_http_response(reply.status.into(), headers, Some(reply.body.as_bytes())).is_err() {
            // The stream stays paused, so it still does not reach the upstream.
            log(Level::Error, "the host refused a reply");
        }
    }

    fn fail(&self, what: &str) {
        log(Level::Error, what);
        let _ = hostcalls::send_http_response(503, vec![("cache-control", "no-store")], None);
    }

    fn action(&self) -> Action {
        match &self.passage {
            Passage::Open(_) => Action::Continue,
            Passage::Closed => Action::Pause,
        }
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, _token: u32, headers: usize, body: usize, _trailers: usize) {
        self.run(Input::Called(response(headers, body)));
        if matches!(self.passage, Passage::Open(_)) && hostcalls::resume_http_request().is_err() {
            self.fail("the request could not be resumed");
        }
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, count: usize, _end_of_stream: bool) -> Action {
        if count > MAX_HEADERS {
            self.counters.count("too_many_headers");
            let _ = hostcalls::send_http_response(431, vec![("cache-control", "no-store")], None);
            return Action::Pause;
        }
        match hostcalls::get_map_bytes(MapType::HttpRequestHeaders) {
            Ok(pairs) => self.run(Input::Request(RequestHead::new(pairs))),
            Err(_) => self.fail("the request headers could not be read"),
        }
        self.action()
    }

    fn on_http_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        self.action()
    }

    /// The head has gone by then, so what is wrong with the trailers ends the stream.
    fn on_http_request_trailers(&mut self, count: usize) -> Action {
        let Passage::Open(protected) = &self.passage else { return Action::Pause };
        if count > MAX_HEADERS || strip_trailers(protected).is_err() {
            self.fail("the request trailers could not be read or changed");
            return Action::Pause;
        }
        Action::Continue
    }
}

fn apply(edit: &HeaderEdit) -> Result<(), Status> {
    match edit {
        HeaderEdit::Remove(name) => hostcalls::remove_map_value(MapType::HttpRequestHeaders, name),
        HeaderEdit::Set(name, value) => hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, Some(value)),
        HeaderEdit::Add(name, value) => hostcalls::add_map_value_bytes(MapType::HttpRequestHeaders, name, value),
    }
}

fn strip_trailers(protected: &Protected) -> Result<(), Status> {
    let trailers = hostcalls::get_map_bytes(MapType::HttpRequestTrailers)?;
    let names = trailers.iter().map(|(name, _)| name.as_str());
    let mut gone = protected.among_trailers(names).into_iter();
    gone.try_for_each(|name| hostcalls::remove_map_value(MapType::HttpRequestTrailers, name))
}

/// Envoy keeps it as `wasm.<name>`.
fn set_filter_state((name, value): &(&'static str, String)) -> Result<(), Status> {
    hostcalls::set_property(vec![name], Some(value.as_bytes()))
}

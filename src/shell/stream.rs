//! The context of one HTTP stream. It converts callbacks to inputs of the filter.
//!
//! Tests: `tests/module.rs` and `tests/envoy.rs`.

use std::cell::RefCell;
use std::rc::Rc;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, MapType};

use super::abi::{header_map, set_reads_body};
use super::call::{MAX_HEADERS, response};
use super::stream_state::{Body, Plugin, StreamState};
use crate::base::event::Event;
use crate::filter::{Filter, Input};

/// The context of one HTTP stream.
pub(super) struct Stream {
    state: Rc<RefCell<StreamState>>,
    plugin: Plugin,
}

impl Stream {
    /// The context of the stream with this id.
    pub(super) fn new(id: u32, filter: Filter, plugin: Plugin) -> Self {
        Self { state: StreamState::new(id, filter, plugin.clone()), plugin }
    }

    /// Runs `act` with the state, and returns the action for the request. The state is never in use
    /// here, because the host makes one callback at a time. If it were, the stream would stay
    /// paused.
    fn request(&mut self, act: impl FnOnce(&mut StreamState)) -> Action {
        let Ok(mut state) = self.state.try_borrow_mut() else { return Action::Pause };
        act(&mut state);
        if state.filter.is_forwarded() { Action::Continue } else { Action::Pause }
    }

    /// As [`request`](Self::request), for the response.
    fn response(&mut self, act: impl FnOnce(&mut StreamState)) -> Action {
        let Ok(mut state) = self.state.try_borrow_mut() else { return Action::Pause };
        act(&mut state);
        if state.filter.holds_response() { Action::Pause } else { Action::Continue }
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, _token: u32, headers: usize, body: usize, _trailers: usize) {
        let _ = self.request(|state| state.called(response(headers, body)));
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, count: usize, end_of_stream: bool) -> Action {
        if count > MAX_HEADERS {
            self.plugin.counters.count(Event::TooManyHeaders, None);
            let _ = hostcalls::send_http_response(431, vec![("cache-control", "no-store")], None);
            return Action::Pause;
        }
        self.request(|state| {
            match header_map(MapType::HttpRequestHeaders) {
                Some(head) => state.run(Input::Request(if end_of_stream { head } else { head.followed() })),
                None => state.fail("the request headers could not be read"),
            }
            state.body_arrives(0, end_of_stream);
            set_reads_body(state.body != Body::Follows || state.filter.may_read_body());
        })
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.request(|state| state.body_arrives(size, end_of_stream))
    }

    /// Removes the trailers that a client must not send. If they cannot be removed, the trailers
    /// and the end of the request do not continue.
    fn on_http_request_trailers(&mut self, count: usize) -> Action {
        let action = self.request(|state| {
            let (size, _) = state.arrived;
            state.body_arrives(size, true);
        });
        if action != Action::Continue || count > MAX_HEADERS {
            return Action::Pause;
        }
        let Some(trailers) = header_map(MapType::HttpRequestTrailers) else { return Action::Pause };
        let Ok(state) = self.state.try_borrow() else { return Action::Pause };
        let unwanted = state.filter.strip_trailers(&trailers);
        let stripped =
            unwanted.iter().try_for_each(|name| hostcalls::remove_map_value(MapType::HttpRequestTrailers, name));
        if stripped.is_ok() { Action::Continue } else { Action::Pause }
    }

    /// Gives the response head to the filter, if the filter needs it. The host calls this for a
    /// local reply of Tenantgate, too, which the filter does not await. There is no callback for
    /// the body and the trailers of a response: while the head is held back the host delivers
    /// neither, and afterwards they are of no interest.
    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.response(|state| {
            if state.filter.awaits_response() {
                state.run(Input::Response);
            }
        })
    }
}

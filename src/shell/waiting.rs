//! The streams that wait for a request body. A stream has no timer. A host that stops the whole
//! filter iteration at the head never delivers the body, so the ticks of the root context end the
//! wait.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::hostcalls;

use super::counters::Counters;
use super::host::{log, now};
use crate::base::event::{Event, Level};
use crate::base::time::UnixTime;

/// The waiting streams of a VM, each with the time when it began to wait.
#[derive(Clone, Default)]
pub(super) struct Waiting(Rc<RefCell<Vec<(u32, UnixTime)>>>);

impl Waiting {
    /// Records that the stream with this id waits from now on.
    pub(super) fn begin(&self, stream: u32) {
        if let Ok(mut streams) = self.0.try_borrow_mut() {
            streams.push((stream, now().unwrap_or_default()));
        }
    }

    /// Records that the stream with this id does not wait any more.
    pub(super) fn end(&self, stream: u32) {
        if let Ok(mut streams) = self.0.try_borrow_mut() {
            streams.retain(|(other, _)| *other != stream);
        }
    }

    /// Replies with 408 to the streams that waited too long. Later host calls of the same callback
    /// act on the last of these streams.
    pub(super) fn give_up(&self, counters: Counters) {
        let now = now().unwrap_or_default();
        let Ok(mut streams) = self.0.try_borrow_mut() else { return };
        // Any client can withhold a body, so a tick logs at most one line about it.
        if streams.iter().any(|(_, since)| since.plus(PATIENCE) < now) {
            log(Level::Warn, LATE);
        }
        streams.retain(|(stream, since)| {
            let late = since.plus(PATIENCE) < now;
            if late && hostcalls::set_effective_context(*stream).is_ok() {
                counters.count(Event::BodyTimeout, None);
                let headers = vec![("cache-control", "no-store"), ("content-type", "application/json")];
                let _ = hostcalls::send_http_response(408, headers, Some(REPLY));
            }
            !late
        });
    }
}

/// The shortest wait for a body before it counts as missing. The clock has whole seconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// The body of an error response (Back-Channel Logout 1.0 section 2.8).
const REPLY: &[u8] =
    br#"{"error":"invalid_request","error_description":"the gateway received no body within 2 seconds"}"#;
const LATE: &str = "body_timeout: the body of a back-channel logout did not come within 2 seconds; \
    if none ever comes, Envoy needs `allow_on_headers_stop_iteration: true` beside `vm_config`";

//! Streams whose body is awaited. A stream cannot wake itself, and a host that stops everything with the head never brings the body, so the
//! ticks see to it that there is an answer.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::hostcalls;

use super::counters::Counters;
use super::host::{log, now};
use crate::base::event::{Event, Level};
use crate::base::time::UnixTime;

/// The streams of a VM, and since when each waits.
#[derive(Clone, Default)]
pub(super) struct Waiting(Rc<RefCell<Vec<(u32, UnixTime)>>>);

impl Waiting {
    pub(super) fn begin(&self, stream: u32) {
        if let Ok(mut streams) = self.0.try_borrow_mut() {
            streams.push((stream, now().unwrap_or_default()));
        }
    }

    pub(super) fn end(&self, stream: u32) {
        if let Ok(mut streams) = self.0.try_borrow_mut() {
            streams.retain(|(other, _)| *other != stream);
        }
    }

    /// Answers those that have waited too long. The host takes whatever comes afterwards for theirs, so it is the last thing in a callback.
    pub(super) fn give_up(&self, counters: &Counters) {
        let now = now().unwrap_or_default();
        let Ok(mut streams) = self.0.try_borrow_mut() else { return };
        // Any client can keep its body back, so a tick writes no more than one line about it.
        if streams.iter().any(|(_, since)| since.plus(PATIENCE) <= now) {
            log(Level::Warn, LATE);
        }
        streams.retain(|(stream, since)| {
            let late = since.plus(PATIENCE) <= now;
            if late && hostcalls::set_effective_context(*stream).is_ok() {
                counters.count(Event::BodyTimeout);
                let _ = hostcalls::send_http_response(408, vec![("cache-control", "no-store")], None);
            }
            !late
        });
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
const LATE: &str = "body_timeout: the body of a back-channel logout did not come; \
    if none ever comes, Envoy needs `allow_on_headers_stop_iteration: true` beside `vm_config`";

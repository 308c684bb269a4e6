//! The streams that wait for a request body. A stream has no timer. A host that stops the whole
//! filter iteration at the head never delivers the body, so the ticks of the root context end the
//! wait.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::host::now;
use crate::base::time::UnixTime;

/// The streams of a VM that wait for a body.
#[derive(Clone, Default)]
pub(super) struct WaitingForBody(Rc<RefCell<Vec<BodyWait>>>);

/// A stream that waits for a body.
pub(super) struct BodyWait {
    /// The id of the stream.
    pub(super) id: u32,
    /// The stream, unless it has ended.
    pub(super) state: Weak<RefCell<dyn AwaitsBody>>,
    since: UnixTime,
}

/// A stream that can wait for a body.
pub(super) trait AwaitsBody {
    /// Ends the wait without a body. Host calls act on this stream.
    fn body_timed_out(&mut self);
}

impl WaitingForBody {
    /// Records that the stream with this id waits from now on.
    pub(super) fn begin(&self, id: u32, state: Weak<RefCell<dyn AwaitsBody>>) {
        if let Ok(mut streams) = self.0.try_borrow_mut() {
            streams.push(BodyWait { id, state, since: now().unwrap_or_default() });
        }
    }

    /// Records that the stream with this id does not wait any more.
    pub(super) fn end(&self, stream: u32) {
        if let Ok(mut streams) = self.0.try_borrow_mut() {
            streams.retain(|BodyWait { id, .. }| *id != stream);
        }
    }

    /// The streams that waited too long. They do not wait any more.
    pub(super) fn take_late(&self) -> Vec<BodyWait> {
        let Ok(mut streams) = self.0.try_borrow_mut() else { return Vec::new() };
        if streams.is_empty() {
            return Vec::new();
        }
        let now = now().unwrap_or_default();
        let (late, rest) =
            std::mem::take(&mut *streams).into_iter().partition(|BodyWait { since, .. }| since.plus(PATIENCE) < now);
        *streams = rest;
        late
    }
}

/// The shortest wait for a body before it counts as missing. The clock has whole seconds.
const PATIENCE: Duration = Duration::from_secs(2);

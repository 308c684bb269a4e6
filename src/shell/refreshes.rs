//! The refreshes of this plugin, and the streams that wait for them.
//!
//! Envoy cancels the calls of a stream when its client disconnects. So the calls of a refresh are
//! made in the root context. The SDK gives the result of a call to the context whose callback made
//! it, so they are made in the next tick, which comes early if a refresh begins.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use proxy_wasm::hostcalls;

use super::call::dispatch;
use super::host::log;
use crate::base::event::{Level, LogLine};
use crate::env::Env;
use crate::filter::{RefreshStep, Refreshing, StartRefresh};
use crate::http::call::{CallFailure, CallResponse};
use crate::session::RefreshKey;

/// The refreshes of one root context, and the streams that wait.
#[derive(Clone, Default)]
pub(super) struct Refreshes(Rc<RefCell<Queue>>);

#[derive(Default)]
struct Queue {
    /// The refreshes whose call is to be made in the next tick.
    started: Vec<StartRefresh>,
    /// The refreshes in progress by the token of their call.
    running: HashMap<u32, Box<Refreshing>>,
    waiting: Vec<WaitingStream>,
    /// The period of the ticks, if it was shortened.
    period: Option<Duration>,
}

/// A stream that waits for a refresh.
pub(super) struct WaitingStream {
    /// The id of the stream.
    pub(super) id: u32,
    /// The refresh. Another worker may make it.
    pub(super) key: RefreshKey,
    /// The stream, unless it has ended.
    pub(super) state: Weak<RefCell<dyn AwaitsRefresh>>,
}

/// A stream that can wait for a refresh.
pub(super) trait AwaitsRefresh {
    /// Continues the stream if its refresh has ended. Host calls act on this stream.
    fn refresh_ended(&mut self);
}

impl Refreshes {
    /// Begins this refresh with the next tick, which comes soon.
    pub(super) fn start(&self, start: StartRefresh) {
        if let Ok(mut queue) = self.0.try_borrow_mut() {
            queue.started.push(start);
            queue.tick_within(SOON);
        }
    }

    /// Adds a stream that waits.
    pub(super) fn wait(&self, stream: WaitingStream) {
        if let Ok(mut queue) = self.0.try_borrow_mut() {
            queue.waiting.push(stream);
            queue.tick_within(POLL);
        }
    }

    /// Makes the calls of the refreshes that were begun.
    pub(super) fn dispatch(&self, env: &mut Env<'_>) -> Vec<LogLine> {
        let Ok(mut queue) = self.0.try_borrow_mut() else { return Vec::new() };
        let mut lines = Vec::new();
        for start in std::mem::take(&mut queue.started) {
            lines.extend(queue.proceed(RefreshStep::Call(start), env).map(|(_, line)| line));
        }
        lines
    }

    /// Gives the response to a call to its refresh. `None` if the call is not one of a refresh, or
    /// its refresh goes on, else the key of the refresh that ended and its log line.
    pub(super) fn called(
        &self,
        token: u32,
        result: Result<CallResponse, CallFailure>,
        env: &mut Env<'_>,
    ) -> Option<(RefreshKey, LogLine)> {
        let mut queue = self.0.try_borrow_mut().ok()?;
        let refreshing = queue.running.remove(&token)?;
        let step = refreshing.called(result, env);
        queue.proceed(step, env)
    }

    /// The streams that wait for the refresh with this key, or all of them. They do not wait any
    /// more.
    pub(super) fn take_waiting(&self, key: Option<RefreshKey>) -> Vec<WaitingStream> {
        let Ok(mut queue) = self.0.try_borrow_mut() else { return Vec::new() };
        let (taken, rest) =
            std::mem::take(&mut queue.waiting).into_iter().partition(|stream| key.is_none_or(|key| key == stream.key));
        queue.waiting = rest;
        taken
    }

    /// Whether the last tick came early. The period of the next ticks is what the streams that wait
    /// need, else `usual`.
    pub(super) fn reset_period(&self, usual: Duration) -> bool {
        let Ok(mut queue) = self.0.try_borrow_mut() else { return false };
        let was_early = queue.period.take().is_some();
        let next = match (queue.started.is_empty(), queue.waiting.is_empty()) {
            (false, _) => Some(SOON),
            (true, false) => Some(POLL),
            (true, true) => None,
        };
        match next {
            Some(period) => queue.tick_within(period),
            None if was_early => set_period(usual),
            None => {}
        }
        was_early
    }
}

impl Queue {
    /// Carries out a step. A call that the host does not accept has failed.
    fn proceed(&mut self, step: RefreshStep, env: &mut Env<'_>) -> Option<(RefreshKey, LogLine)> {
        let mut next = step;
        loop {
            let StartRefresh { refreshing, call } = match next {
                RefreshStep::Call(start) => start,
                RefreshStep::End(key, line) => return Some((key, line)),
            };
            match dispatch(&call) {
                Ok(token) => {
                    self.running.insert(token, refreshing);
                    return None;
                }
                Err(_) => next = refreshing.called(Err(CallFailure::Refused), env),
            }
        }
    }

    fn tick_within(&mut self, period: Duration) {
        if self.period.is_none_or(|current| period < current) {
            self.period = Some(period);
            set_period(period);
        }
    }
}

/// Sets the period of the ticks. The host counts it from now.
fn set_period(period: Duration) {
    if hostcalls::set_tick_period(period).is_err() {
        log(Level::Error, "the host gives no ticks, so no session is refreshed");
    }
}

/// The time to the tick that makes the calls of a refresh. The shortest that the ABI has.
const SOON: Duration = Duration::from_millis(1);
/// The time between two looks at the refresh of another worker.
const POLL: Duration = Duration::from_millis(20);

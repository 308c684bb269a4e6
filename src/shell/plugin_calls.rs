//! The calls of this plugin that outlast a stream, and the streams that wait for a refresh or a
//! fetch.
//!
//! Envoy cancels the calls of a stream when its client disconnects or has its answer. So these
//! calls are made in the root context. The SDK gives the result of a call to the context whose
//! callback made it, so they are made in the next tick, which comes early if a call begins.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use proxy_wasm::hostcalls;

use super::call::{DispatchedCall, dispatch};
use super::host::log;
use crate::base::event::{Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::filter::{Awaited, PluginCall, PluginStep, PluginWork};
use crate::http::call::{CallFailure, CallResponse};

/// The calls of one root context, and the streams that wait.
#[derive(Clone, Default)]
pub(super) struct PluginCalls(Rc<RefCell<Queue>>);

#[derive(Default)]
struct Queue {
    /// The calls that are to be made in the next tick.
    started: Vec<PluginCall>,
    /// What waits for a response, by the token of its call.
    running: HashMap<u32, (DispatchedCall, PluginWork)>,
    waiting: Vec<WaitingStream>,
    /// The streams that made a call after a wait, by its token.
    callers: Vec<(u32, Caller)>,
    /// What goes on after a pause, and when.
    paused: Vec<(UnixTime, PluginWork)>,
    /// The period of the ticks, if it was shortened.
    period: Option<Duration>,
}

/// A stream that waits for a refresh or a fetch.
pub(super) struct WaitingStream {
    /// The id of the stream.
    pub(super) id: u32,
    /// What it waits for. Another worker may make it.
    pub(super) awaited: Awaited,
    /// The stream, unless it has ended.
    pub(super) state: Weak<RefCell<dyn Waits>>,
}

/// A stream that made a call in a callback of the root context, after a wait. The SDK gives the
/// result to the root context.
#[derive(Clone)]
pub(super) struct Caller {
    /// The id of the stream.
    pub(super) id: u32,
    /// The stream, unless it has ended.
    pub(super) state: Weak<RefCell<dyn Waits>>,
}

/// A stream that can wait.
pub(super) trait Waits {
    /// Continues the stream if what it waits for has ended. Host calls act on this stream.
    fn awaited_may_have_ended(&mut self);

    /// Gives the stream the response to its call. Host calls act on this stream.
    fn called_after_wait(&mut self, result: Result<CallResponse, CallFailure>);
}

/// What the end of a call brings.
#[derive(Default)]
pub(super) struct Ended {
    /// What has ended.
    pub(super) awaited: Option<Awaited>,
    /// The lines for the log.
    pub(super) log: Vec<LogLine>,
}

impl PluginCalls {
    /// Makes this call in the next tick, which comes soon.
    pub(super) fn start(&self, call: PluginCall) {
        if let Ok(mut queue) = self.0.try_borrow_mut() {
            queue.started.push(call);
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

    /// Adds a stream that waits for the response to the call with this token.
    pub(super) fn add_caller(&self, token: u32, caller: Caller) {
        if let Ok(mut queue) = self.0.try_borrow_mut() {
            // The calls of a stream end with it.
            queue.callers.retain(|(_, caller)| caller.state.strong_count() > 0);
            queue.callers.push((token, caller));
        }
    }

    /// The stream that waits for the response to the call with this token. It does not any more.
    pub(super) fn take_caller(&self, token: u32) -> Option<Caller> {
        let mut queue = self.0.try_borrow_mut().ok()?;
        let position = queue.callers.iter().position(|(own, _)| *own == token)?;
        Some(queue.callers.swap_remove(position).1)
    }

    /// Makes the calls that were begun.
    pub(super) fn dispatch(&self, env: &mut Env<'_>) -> Vec<LogLine> {
        let Ok(mut queue) = self.0.try_borrow_mut() else { return Vec::new() };
        let started = std::mem::take(&mut queue.started);
        let now = env.now().unwrap_or_default();
        let (due, paused) = std::mem::take(&mut queue.paused).into_iter().partition(|(time, _)| *time <= now);
        queue.paused = paused;
        let due: Vec<(UnixTime, PluginWork)> = due;
        let due: Vec<PluginStep> = due.into_iter().map(|(_, work)| work.again(env)).collect();
        let steps = started.into_iter().map(PluginStep::Call).chain(due);
        steps.flat_map(|step| queue.proceed(step, env).log).collect()
    }

    /// Makes this call at once, in a callback of the root context.
    pub(super) fn begin(&self, call: PluginCall, env: &mut Env<'_>) -> Ended {
        self.0.try_borrow_mut().map(|mut queue| queue.proceed(PluginStep::Call(call), env)).unwrap_or_default()
    }

    /// Gives the response to a call to what waits for it. It may be a call of something else.
    pub(super) fn called(&self, token: u32, result: Result<CallResponse, CallFailure>, env: &mut Env<'_>) -> Ended {
        let Ok(mut queue) = self.0.try_borrow_mut() else { return Ended::default() };
        let Some((call, work)) = queue.running.remove(&token) else { return Ended::default() };
        call.ended();
        queue.proceed(work.called(result, env), env)
    }

    /// Lets the next tick come soon.
    pub(super) fn hurry(&self) {
        if let Ok(mut queue) = self.0.try_borrow_mut() {
            queue.tick_within(SOON);
        }
    }

    /// Whether a stream waits for `what`.
    pub(super) fn await_any(&self, what: Awaited) -> bool {
        self.0.try_borrow().is_ok_and(|queue| queue.waiting.iter().any(|stream| stream.awaited == what))
    }

    /// The streams that wait for what `has_ended`. They do not wait any more.
    pub(super) fn take_waiting(&self, has_ended: impl Fn(Awaited) -> bool) -> Vec<WaitingStream> {
        let Ok(mut queue) = self.0.try_borrow_mut() else { return Vec::new() };
        let waiting = std::mem::take(&mut queue.waiting);
        let (taken, rest) = waiting.into_iter().partition(|stream| has_ended(stream.awaited));
        queue.waiting = rest;
        taken
    }

    /// Whether the last tick came early. The period of the next ticks is what the streams that wait
    /// need, or other work that `has_more`, else `usual`.
    pub(super) fn reset_period(&self, usual: Duration, has_more: bool) -> bool {
        let Ok(mut queue) = self.0.try_borrow_mut() else { return false };
        let was_early = queue.period.take().is_some();
        let next = match (queue.started.is_empty(), queue.waiting.is_empty() && !has_more) {
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
    fn proceed(&mut self, step: PluginStep, env: &mut Env<'_>) -> Ended {
        let mut ended = Ended::default();
        let mut next = Some(step);
        while let Some(step) = next.take() {
            let call = match step {
                PluginStep::Call(call) => Some(call),
                PluginStep::End { awaited, log, next } => {
                    ended.awaited = ended.awaited.or(awaited);
                    ended.log.extend(log);
                    next
                }
                PluginStep::Later(work, pause, lines) => {
                    ended.awaited = ended.awaited.or(Some(Awaited::Store));
                    ended.log.extend(lines);
                    if self.paused.len() < MAX_PAUSED {
                        self.paused.push((env.now().unwrap_or_default().plus(pause), work));
                    } else {
                        log(Level::Error, "too much waits for etcd, so a sign-out is not tried again");
                    }
                    None
                }
            };
            let Some(PluginCall { work, call }) = call else { break };
            match dispatch(&call) {
                Ok(call) => drop(self.running.insert(call.token, (call, work))),
                Err(failure) => next = Some(work.called(Err(failure), env)),
            }
        }
        ended
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

/// The time to the tick that makes the calls. The shortest that the ABI has.
const SOON: Duration = Duration::from_millis(1);
/// The most works that make a pause.
const MAX_PAUSED: usize = 1000;
/// The time between two looks at the refresh of another worker.
const POLL: Duration = Duration::from_millis(20);

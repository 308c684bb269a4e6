//! The response phase: the upstream has the request. The filter can delay the response head and
//! edit it. It cannot forward, refuse or change the request any more.
//!
//! ```text
//!   no refresh ─── Response ──▶ released
//!
//!   refreshing ─┬─ Called ────▶ no refresh ── Response ──▶ released
//!               └─ Response ──▶ held ──────── Called ────▶ released
//! ```
//!
//! A state is a combination of the fields `refresh` and `held`. A call of the refresh that causes
//! another call does not change the state.
//!
//! Scenarios: `tests/scenarios/{session,refresh}.rs`.

use crate::base::event::LogLine;
use crate::env::Env;
use crate::flow::refresh::{RefreshOutcome, RefreshStep, Refreshing};
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::http::reply::LocalReply;

/// The edits and log lines of the response, and the refresh that may still be in progress. It is
/// made together with the [`Forward`](crate::upstream::Forward) of the request.
#[derive(Default)]
#[must_use = "a response phase that is dropped loses cookies"]
pub(super) struct ResponsePhase {
    /// `Set-Cookie` values.
    cookies: Vec<String>,
    log: Vec<LogLine>,
    /// The refresh in progress.
    refresh: Option<Box<Refreshing>>,
    /// The call of the refresh, before it is made.
    call: Option<HttpCall>,
    /// Whether the response head has arrived and is held back.
    held: bool,
}

/// An effect on the response.
#[derive(Debug)]
#[must_use = "a response that is not released leaves the client waiting"]
pub enum ResponseEffect {
    /// Wait for the next input. A response head that has arrived is held back.
    Wait,
    /// Make this call, then give its result as [`Input::Called`](super::Input::Called). A response
    /// head that has arrived is held back.
    Call(HttpCall),
    /// Apply these edits, log these lines, and let the response continue.
    Release(Vec<ResponseEdit>, Vec<LogLine>),
}

/// One change to the response head. Edits are applied in order.
#[derive(Clone, PartialEq, Eq)]
pub enum ResponseEdit {
    /// Add a header line.
    Add(&'static str, String),
    /// Replace all lines of this header by one.
    Set(&'static str, &'static str),
}

/// Prints the names only, because the values are session cookies.
impl std::fmt::Debug for ResponseEdit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Add(name, _) | Self::Set(name, _)) = self;
        f.debug_tuple("ResponseEdit").field(name).finish_non_exhaustive()
    }
}

impl ResponsePhase {
    /// Adds these cookies to the response.
    pub(super) fn with_cookies(cookies: Vec<String>) -> Self {
        Self { cookies, ..Self::default() }
    }

    /// Adds these cookies to the response, unless the refresh gives newer ones.
    pub(super) fn with_refresh(cookies: Vec<String>, refreshing: Box<Refreshing>, call: HttpCall) -> Self {
        Self { refresh: Some(refreshing), call: Some(call), ..Self::with_cookies(cookies) }
    }

    /// Logs this line with the response.
    pub(super) fn with_log(mut self, line: LogLine) -> Self {
        self.log.push(line);
        self
    }

    /// Ends the phase before it begins, because Tenantgate sends `reply`. The reply gets the
    /// cookies and the log lines, and another request may refresh the session.
    pub(super) fn abandon(self, reply: LocalReply) -> LocalReply {
        if let Some(refreshing) = self.refresh {
            refreshing.abandon();
        }
        let reply = self.log.into_iter().fold(reply, LocalReply::with_log);
        self.cookies.into_iter().fold(reply, LocalReply::with_cookie)
    }

    /// Begins the phase: the request goes to the upstream, and the call of the refresh is made at
    /// the same time.
    pub(super) fn begin(&mut self) -> ResponseEffect {
        self.call.take().map_or(ResponseEffect::Wait, ResponseEffect::Call)
    }

    /// Whether the response needs no edit and no log line.
    pub(super) fn is_idle(&self) -> bool {
        self.cookies.is_empty() && self.log.is_empty() && self.refresh.is_none()
    }

    /// Whether the response head has arrived and waits for the end of a call.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Takes the response head.
    pub(super) fn arrived(&mut self) -> ResponseEffect {
        self.held = true;
        self.release()
    }

    /// Takes the result of a call.
    pub(super) fn called(&mut self, result: Result<CallResponse, CallFailure>, env: &mut Env<'_>) -> ResponseEffect {
        if let Some(refreshing) = self.refresh.take() {
            match refreshing.proceed(result, env) {
                RefreshStep::Call(refreshing, call) => {
                    self.refresh = Some(refreshing);
                    return ResponseEffect::Call(call);
                }
                RefreshStep::End(outcome) => self.take(outcome),
            }
        }
        self.release()
    }

    /// Releases a response head that has arrived, unless a refresh is in progress.
    fn release(&mut self) -> ResponseEffect {
        if !self.held || self.refresh.is_some() {
            return ResponseEffect::Wait;
        }
        self.held = false;
        let mut edits: Vec<ResponseEdit> =
            self.cookies.drain(..).map(|cookie| ResponseEdit::Add("set-cookie", cookie)).collect();
        if !edits.is_empty() {
            // A shared cache must not store the session, whatever the upstream permits.
            edits.push(ResponseEdit::Set("cache-control", "no-store"));
        }
        ResponseEffect::Release(edits, self.log.drain(..).collect())
    }

    /// Takes the outcome of the refresh. The request was forwarded with the old identity, so the
    /// outcome applies from the next request on.
    fn take(&mut self, outcome: RefreshOutcome) {
        match outcome {
            RefreshOutcome::Renewed(session, line) => {
                self.cookies = session.into_cookies();
                self.log.push(line);
            }
            RefreshOutcome::Unchanged(line) | RefreshOutcome::Ended(line) => self.log.push(line),
        }
    }
}

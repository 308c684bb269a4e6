//! The response phase: the upstream has the request. The filter can hold back the response for a while and add to its
//! head. It can neither forward, refuse nor change the request.
//!
//! ```text
//!           Response                     Called
//!   Idle ────────────▶ Release    Refreshing ────────▶ Idle ── Response ──▶ Release
//!                                     │ Response
//!                                     └──────────▶ Held ── Called ──▶ Release
//! ```
//!
//! `Refreshing` and `Held` stay as they are where one call leads to another.

use crate::base::event::LogLine;
use crate::env::Env;
use crate::flow::refresh::{RefreshOutcome, RefreshStep, Refreshing};
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::http::reply::LocalReply;

/// What is to be done while the upstream has the request. It is made together with the
/// [`Forward`](crate::upstream::Forward) that lets the request go.
#[derive(Default)]
#[must_use = "a response phase that is dropped loses cookies"]
pub(super) struct ResponsePhase {
    /// `Set-Cookie` values.
    cookies: Vec<String>,
    log: Vec<LogLine>,
    refresh: Option<Box<Refreshing>>,
    /// The call of the refresh, until it is made.
    call: Option<HttpCall>,
    held: bool,
}

/// What is to be done about the response.
#[derive(Debug)]
#[must_use = "a response that is not released leaves the client waiting"]
pub enum ResponseEffect {
    /// Nothing before the next input. A response that has arrived is held back until then.
    Wait,
    /// Make this call, and come back with [`Input::Called`](super::Input::Called). A response that has arrived is held back until then.
    Call(HttpCall),
    /// Let the response go after these edits, and log these lines.
    Release(Vec<ResponseEdit>, Vec<LogLine>),
}

/// One change to the head of a response of the upstream. Edits are applied in order.
#[derive(Clone, PartialEq, Eq)]
pub enum ResponseEdit {
    /// Add one line.
    Add(&'static str, String),
    /// Replace every line of this name by one.
    Set(&'static str, &'static str),
}

/// Names only: the values are sessions.
impl std::fmt::Debug for ResponseEdit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Add(name, _) | Self::Set(name, _)) = self;
        f.debug_tuple("ResponseEdit").field(name).finish_non_exhaustive()
    }
}

impl ResponsePhase {
    /// Sets these cookies.
    pub(super) fn with_cookies(cookies: Vec<String>) -> Self {
        Self { cookies, ..Self::default() }
    }

    /// Sets these cookies, unless the refresh brings newer ones.
    pub(super) fn with_refresh(cookies: Vec<String>, refreshing: Box<Refreshing>, call: HttpCall) -> Self {
        Self { refresh: Some(refreshing), call: Some(call), ..Self::with_cookies(cookies) }
    }

    /// Logs this line, too.
    pub(super) fn with_log(mut self, line: LogLine) -> Self {
        self.log.push(line);
        self
    }

    /// The request is answered after all. The answer gets the cookies, and the refresh is left to another request.
    pub(super) fn abandon(self, reply: LocalReply) -> LocalReply {
        if let Some(refreshing) = self.refresh {
            refreshing.abandon();
        }
        self.cookies.into_iter().fold(reply, LocalReply::with_cookie)
    }

    /// The upstream gets the request. The call of a refresh is made beside it.
    pub(super) fn begin(&mut self) -> ResponseEffect {
        self.call.take().map_or(ResponseEffect::Wait, ResponseEffect::Call)
    }

    /// Whether the response can go as it is.
    pub(super) fn is_idle(&self) -> bool {
        self.cookies.is_empty() && self.log.is_empty() && self.refresh.is_none()
    }

    /// Whether the response has arrived and waits for the end of a call.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// The head of the response arrived.
    pub(super) fn arrived(&mut self) -> ResponseEffect {
        self.held = true;
        self.release()
    }

    /// A call ended.
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

    /// Lets a response go that has arrived and waits for nothing.
    fn release(&mut self) -> ResponseEffect {
        if !self.held || self.refresh.is_some() {
            return ResponseEffect::Wait;
        }
        self.held = false;
        let mut edits: Vec<ResponseEdit> =
            self.cookies.drain(..).map(|cookie| ResponseEdit::Add("set-cookie", cookie)).collect();
        if !edits.is_empty() {
            // Whatever the upstream says of its page: a cache must not give this session to others.
            edits.push(ResponseEdit::Set("cache-control", "no-store"));
        }
        ResponseEffect::Release(edits, self.log.drain(..).collect())
    }

    /// The request is gone with the identity as it was. How the refresh ended concerns the next request.
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

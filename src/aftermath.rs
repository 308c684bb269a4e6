//! What is left to do once a request was let go. The request is gone by then: nothing here can forward, refuse or change one, only hold
//! back the answer of the upstream for a while and add to it.
//!
//! ```text
//!           Answered                    Called
//!   Idle ────────────▶ Go     Beside ────────────▶ Idle ── Answered ──▶ Go
//!                               │ Answered
//!                               └────────▶ Held ── Called ──▶ Go
//! ```
//!
//! `Beside` and `Held` stay what they are where one call leads to another.

use crate::call::{CallFailure, CallResponse, HttpCall};
use crate::env::Env;
use crate::refresh::{Leg, Outcome, Refreshing};
use crate::reply::{LocalReply, Note};

/// What happens after a request was let go. Made together with the [`Forward`](crate::forward::Forward) that lets it go.
#[derive(Default)]
#[must_use = "an aftermath that nobody sees to loses cookies"]
pub struct Aftermath {
    /// `Set-Cookie` values.
    cookies: Vec<String>,
    notes: Vec<Note>,
    refresh: Option<Box<Refreshing>>,
    /// The call of the refresh, until somebody takes it.
    call: Option<HttpCall>,
    held: bool,
}

/// What happened.
pub enum Event {
    /// The head of the answer arrived.
    Answered,
    /// The call ended.
    Called(Result<CallResponse, CallFailure>),
}

/// What is to be done about it.
#[must_use = "an answer that is not let go leaves the client waiting"]
pub enum AnswerEffect {
    /// Nothing before the next event; an answer that is here is held back until then.
    Wait,
    /// Make this call as well, and come back with [`Event::Called`]; an answer that is here is held back until then.
    Call(HttpCall),
    /// Let the answer go, after these edits.
    Go(Vec<AnswerEdit>, Vec<Note>),
}

/// One change to the head of an answer of the upstream. They are applied in order.
#[derive(Clone, PartialEq, Eq)]
pub enum AnswerEdit {
    /// One line more.
    Add(&'static str, String),
    /// One line with this value, whatever was there.
    Set(&'static str, &'static str),
}

impl Aftermath {
    /// Nothing is left to do but to set these cookies, if there are any.
    pub(crate) fn set(cookies: Vec<String>) -> Self {
        Self { cookies, ..Self::default() }
    }

    /// These cookies are to be set, unless the refresh that is called for has newer ones.
    pub(crate) fn refresh(cookies: Vec<String>, refreshing: Box<Refreshing>, call: HttpCall) -> Self {
        Self { refresh: Some(refreshing), call: Some(call), ..Self::set(cookies) }
    }

    pub(crate) fn with_note(mut self, note: Note) -> Self {
        self.notes.push(note);
        self
    }

    /// The request is not let go after all. The answer has the cookies; the refresh is left to another request.
    pub(crate) fn come_to_nothing(self, reply: LocalReply) -> LocalReply {
        if let Some(refreshing) = self.refresh {
            refreshing.leave();
        }
        self.cookies.into_iter().fold(reply, |reply, cookie| reply.with_header("set-cookie", cookie))
    }

    /// The call that is to be made beside the request, once. Its end is an [`Event::Called`].
    pub fn take_call(&mut self) -> Option<HttpCall> {
        self.call.take()
    }

    /// Whether an answer can go as it is.
    pub fn is_idle(&self) -> bool {
        self.cookies.is_empty() && self.notes.is_empty() && self.refresh.is_none()
    }

    /// Takes one event and says what is to be done.
    pub fn step(&mut self, event: Event, env: &mut Env<'_>) -> AnswerEffect {
        match event {
            Event::Answered => self.held = true,
            Event::Called(result) => {
                if let Some(refreshing) = self.refresh.take() {
                    match refreshing.proceed(result, env) {
                        Leg::Call(refreshing, call) => {
                            self.refresh = Some(refreshing);
                            return AnswerEffect::Call(call);
                        }
                        Leg::End(outcome) => self.take(outcome),
                    }
                }
            }
        }
        if !self.held || self.refresh.is_some() {
            return AnswerEffect::Wait;
        }
        let mut edits: Vec<AnswerEdit> =
            self.cookies.drain(..).map(|cookie| AnswerEdit::Add("set-cookie", cookie)).collect();
        if !edits.is_empty() {
            // Whatever the upstream says of its page: a cache must not give this session to others.
            edits.push(AnswerEdit::Set("cache-control", "no-store"));
        }
        AnswerEffect::Go(edits, self.notes.drain(..).collect())
    }

    /// The request is gone with the identity as it was; what comes of the refresh concerns the next one.
    fn take(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Renewed(session, note) => {
                self.cookies = session.into_cookies();
                self.notes.push(note);
            }
            Outcome::Kept(note) | Outcome::Ended(note) => self.notes.push(note),
        }
    }
}

/// No values: they are sessions.
impl std::fmt::Debug for Aftermath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aftermath").field("notes", &self.notes).finish_non_exhaustive()
    }
}

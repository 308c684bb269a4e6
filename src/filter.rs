//! The state machine of one request. Start here.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────────────┐
//! │ One input, exactly one effect. `Forward` is the only effect that reaches the upstream, │
//! │ and it cannot be made without a proof. Every error path ends in a reply.               │
//! └──────────────────────────────────────────────────────────────────────────────────────┘
//!
//!            Request                        Called
//!   Fresh ────────────▶ Redeeming ──────────────────────▶ Done
//!     │    callback,      ▲   │   the provider answered     ▲ ▲
//!     │    state is good  └───┘   or did not                │ │
//!     │               another call                          │ │
//!     ├──────────────▶ Refreshing ──────────────────────────┘ │
//!     │    session is     ▲   │                               │
//!     │    overdue        └───┘ another call                  │
//!     └───────────────────────────────────────────────────────┘
//!           everything else: forwarded or answered at once
//!
//!            Request            Body
//!   Fresh ────────────▶ Reading ─────▶ Done    a logout token: always answered
//! ```

use std::mem;
use std::sync::Arc;

use crate::aftermath::Aftermath;
use crate::asker::Asker;
use crate::bearer;
use crate::call::{CallFailure, CallResponse, HttpCall};
use crate::denial::Denial;
use crate::env::Env;
use crate::forward::{self, Forward};
use crate::gate::Gate;
use crate::login::{self, Leg, Redeeming};
use crate::logout::{Notice, frontchannel_logout, logout};
use crate::navigation::is_navigation;
use crate::refresh::{self, Outcome, Refreshing, Standing};
use crate::reply::LocalReply;
use crate::request::{NoBody, RequestHead};
use crate::secret::Secret;
use crate::session::Session;
use crate::visit::Visit;

/// The filter of one request. It keeps the configuration that it began with, whatever is pushed meanwhile.
pub struct Filter {
    gate: Arc<Gate>,
    state: State,
}

/// What happened.
pub enum Input {
    /// The head of the request arrived.
    Request(RequestHead),
    /// The call that was asked for ended.
    Called(Result<CallResponse, CallFailure>),
    /// The body that was asked for is there, to its end.
    Body(Result<Secret<Vec<u8>>, NoBody>),
}

/// What is to be done about it.
#[derive(Debug)]
#[must_use = "an effect that is not carried out leaves the request standing"]
pub enum Effect {
    /// Let the request go to the upstream, and see to what comes after.
    Forward(Forward, Aftermath),
    /// Answer it.
    Reply(LocalReply),
    /// Call out, and come back with [`Input::Called`].
    Call(HttpCall),
    /// Read the body, of at most [`MAX_BODY`](crate::request::MAX_BODY) bytes, and come back with [`Input::Body`]. Nothing of the request goes on
    /// meanwhile, nor afterwards.
    ReadBody,
}

enum State {
    Fresh,
    Redeeming(Box<Redeeming>),
    Reading(Box<Notice>),
    Refreshing(Box<RequestHead>, Box<Refreshing>),
    Done,
}

impl Filter {
    /// A filter for a request that has not arrived yet.
    pub fn new(gate: Arc<Gate>) -> Self {
        Self { gate, state: State::Fresh }
    }

    /// Takes one input and says what is to be done.
    pub fn step(&mut self, input: Input, env: &mut Env<'_>) -> Effect {
        let gate = self.gate.clone();
        match (mem::replace(&mut self.state, State::Done), input) {
            (State::Fresh, Input::Request(head)) => match Visit::read(&head, &gate, env) {
                Ok(visit) => self.visit(visit, env),
                Err(reply) => Effect::Reply(reply),
            },
            (State::Redeeming(login), Input::Called(result)) => match login.proceed(result, &gate, env) {
                Leg::Call(login, call) => {
                    self.state = State::Redeeming(login);
                    Effect::Call(call)
                }
                Leg::Reply(reply) => Effect::Reply(reply),
            },
            // Whatever was read, the type of the answer is not that of a request which goes on.
            (State::Reading(notice), Input::Body(body)) => Effect::Reply(notice.read(body, &gate, env)),
            (State::Refreshing(head, refreshing), Input::Called(result)) => {
                let outcome = match refreshing.proceed(result, env) {
                    refresh::Leg::Call(refreshing, call) => {
                        self.state = State::Refreshing(head, refreshing);
                        return Effect::Call(call);
                    }
                    refresh::Leg::End(outcome) => outcome,
                };
                match Visit::read(&head, &gate, env) {
                    Ok(visit) => refreshed(&visit, outcome, env).unwrap_or_else(|denial| refuse(&visit, &denial)),
                    Err(reply) => Effect::Reply(reply),
                }
            }
            (State::Fresh | State::Redeeming(_) | State::Reading(_) | State::Refreshing(..) | State::Done, _) => {
                Effect::Reply(Asker::of(&RequestHead::default(), env).refuse(&Denial::OutOfTurn))
            }
        }
    }

    /// The names of the trailers that have to go before those of a forwarded request may follow it.
    pub fn strip_trailers(&self, trailers: &RequestHead) -> Vec<String> {
        forward::strip_trailers(trailers, &self.gate)
    }

    /// Paths are compared by equality: nothing that only looks like one of ours is treated as one.
    fn visit(&mut self, visit: Visit<'_>, env: &mut Env<'_>) -> Effect {
        let login = &visit.tenant.login;
        if visit.target.path == login.callback_path {
            match login::callback(visit, env) {
                Ok((redeeming, call)) => {
                    self.state = State::Redeeming(Box::new(redeeming));
                    Effect::Call(call)
                }
                Err(reply) => Effect::Reply(reply),
            }
        } else if visit.target.path == login.logout_path {
            Effect::Reply(logout(&visit, env))
        } else if Some(visit.target.path) == login.frontchannel_logout_path.as_deref() {
            Effect::Reply(frontchannel_logout(&visit, env))
        } else if Some(visit.target.path) == login.backchannel_logout_path.as_deref() {
            match Notice::announced(visit) {
                Ok(notice) => {
                    self.state = State::Reading(Box::new(notice));
                    Effect::ReadBody
                }
                Err(reply) => Effect::Reply(reply),
            }
        } else {
            self.page(&visit, env).unwrap_or_else(|denial| refuse(&visit, &denial))
        }
    }

    /// A request for a page of the upstream: forwarded with a bearer token or a session, sent to the issuer or refused without.
    fn page(&mut self, visit: &Visit<'_>, env: &mut Env<'_>) -> Result<Effect, Denial> {
        let Visit { head, gate, tenant, .. } = visit;
        if bearer::is_sent(head) {
            let identity = bearer::identity(visit, env)?;
            return Ok(Effect::Forward(Forward::authenticated(head, gate, tenant, &identity)?, Aftermath::default()));
        }
        let now = env.now()?;
        let Some(session) = Session::of(head, tenant, gate, now) else {
            return without_session(visit, env).map(Effect::Reply);
        };
        match refresh::standing(visit, session, now, env) {
            Standing::Current(session) => {
                let aftermath = Aftermath::set(session.keep_alive(head, tenant, gate, env));
                forward(visit, session, aftermath)
            }
            Standing::Renewed(session, cookies) => forward(visit, session, Aftermath::set(cookies)),
            Standing::Due(session, refreshing, call) => {
                let cookies = session.keep_alive(head, tenant, gate, env);
                forward(visit, session, Aftermath::refresh(cookies, refreshing, call))
            }
            Standing::Overdue(refreshing, call) => {
                self.state = State::Refreshing(Box::new((*head).clone()), refreshing);
                Ok(Effect::Call(call))
            }
            Standing::Ended => without_session(visit, env).map(Effect::Reply),
        }
    }
}

/// Goes on with a request that waited for a refresh.
fn refreshed(visit: &Visit<'_>, outcome: Outcome, env: &mut Env<'_>) -> Result<Effect, Denial> {
    let Visit { head, gate, tenant, .. } = visit;
    let now = env.now()?;
    match outcome {
        Outcome::Renewed(written, note) => match Session::sealed_as(written.sealed(), tenant, gate, now) {
            Some(session) => forward(visit, session, Aftermath::set(written.into_cookies()).with_note(note)),
            None => without_session(visit, env).map(Effect::Reply),
        },
        Outcome::Kept(note) => match Session::of(head, tenant, gate, now) {
            Some(session) => forward(visit, session, Aftermath::default().with_note(note)),
            None => without_session(visit, env).map(Effect::Reply),
        },
        // That a session ended says more than that a login began.
        Outcome::Ended(note) => Ok(Effect::Reply(LocalReply { note, ..without_session(visit, env)? })),
    }
}

fn forward(visit: &Visit<'_>, session: Session, aftermath: Aftermath) -> Result<Effect, Denial> {
    let identity = session.into_identity();
    Ok(Effect::Forward(Forward::authenticated(visit.head, visit.gate, &visit.tenant, &identity)?, aftermath))
}

/// A person is sent to the issuer, a program is told.
fn without_session(visit: &Visit<'_>, env: &mut Env<'_>) -> Result<LocalReply, Denial> {
    if is_navigation(visit.head) { login::begin(visit, env) } else { Err(Denial::Unauthenticated) }
}

fn refuse(visit: &Visit<'_>, denial: &Denial) -> Effect {
    Effect::Reply(visit.asker.refuse(denial))
}

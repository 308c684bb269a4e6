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

use crate::access::{Ruling, Unsettled};
use crate::aftermath::Aftermath;
use crate::asker::{Asker, RequestId};
use crate::bearer;
use crate::call::{CallFailure, CallResponse, HttpCall};
use crate::denial::Denial;
use crate::env::Env;
use crate::forward::{self, Forward};
use crate::gate::Gate;
use crate::identity::VerifiedIdentity;
use crate::login::{self, Leg, Redeeming};
use crate::logout::{Notice, frontchannel_logout, logout};
use crate::navigation::is_navigation;
use crate::page::Way;
use crate::refresh::{self, Outcome, Refreshing, Standing};
use crate::reply::{Level, LocalReply};
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
                    Ok(visit) => refreshed(&visit, outcome, env)
                        .unwrap_or_else(|denial| Effect::Reply(visit.asker().refuse(&denial))),
                    Err(reply) => Effect::Reply(reply),
                }
            }
            (State::Fresh | State::Redeeming(_) | State::Reading(_) | State::Refreshing(..) | State::Done, _) => {
                let nothing = RequestHead::default();
                let asker = Asker::of(&nothing, &RequestId::of(&nothing, env));
                Effect::Reply(asker.refuse(&Denial::OutOfTurn))
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
        } else if let Some(assertion) = visit.gate.assertion().filter(|it| visit.target.path == it.jwks_path()) {
            Effect::Reply(assertion.publish(&visit))
        } else {
            self.page(&visit, env).unwrap_or_else(|denial| Effect::Reply(visit.asker().refuse(&denial)))
        }
    }

    /// A request for a page of the upstream: the rules of the tenant decide about whoever a bearer token or else a session stands for.
    fn page(&mut self, visit: &Visit<'_>, env: &mut Env<'_>) -> Result<Effect, Denial> {
        let Visit { head, gate, tenant, .. } = visit;
        if bearer::is_sent(head) {
            return match bearer::identity(visit, env) {
                Ok(identity) => Ok(forward(visit, &identity, Aftermath::default(), env)),
                Err(denial) => nobody(visit, Some(denial), env),
            };
        }
        let now = env.now()?;
        let Some(session) = Session::of(head, tenant, gate, now) else { return nobody(visit, None, env) };
        let (session, aftermath) = match refresh::standing(visit, session, now, env) {
            Standing::Current(session) => {
                let cookies = session.keep_alive(head, tenant, gate, env);
                (session, Aftermath::set(cookies))
            }
            Standing::Renewed(session, cookies) => (session, Aftermath::set(cookies)),
            Standing::Due(session, refreshing, call) => {
                let cookies = session.keep_alive(head, tenant, gate, env);
                (session, Aftermath::refresh(cookies, refreshing, call))
            }
            Standing::Overdue(refreshing, call) => {
                self.state = State::Refreshing(Box::new((*head).clone()), refreshing);
                return Ok(Effect::Call(call));
            }
            Standing::Ended => return nobody(visit, None, env),
        };
        Ok(forward(visit, &session.into_identity(), aftermath, env))
    }
}

/// Goes on with a request that waited for a refresh.
fn refreshed(visit: &Visit<'_>, outcome: Outcome, env: &mut Env<'_>) -> Result<Effect, Denial> {
    let Visit { head, gate, tenant, .. } = visit;
    let now = env.now()?;
    let (session, aftermath) = match outcome {
        Outcome::Renewed(written, note) => {
            let session = Session::sealed_as(written.sealed(), tenant, gate, now);
            (session, Aftermath::set(written.into_cookies()).with_note(note))
        }
        Outcome::Kept(note) => (Session::of(head, tenant, gate, now), Aftermath::default().with_note(note)),
        // That a session ended says more than that a login began.
        Outcome::Ended(note) => {
            return Ok(match nobody(visit, None, env)? {
                Effect::Reply(reply) => Effect::Reply(LocalReply { note, ..reply }),
                Effect::Forward(forward, aftermath) => Effect::Forward(forward, aftermath.with_note(note)),
                effect @ (Effect::Call(_) | Effect::ReadBody) => effect,
            });
        }
    };
    match session {
        Some(session) => Ok(forward(visit, &session.into_identity(), aftermath, env)),
        None => nobody(visit, None, env),
    }
}

/// What the rules say about a request that `identity` stands behind. What they have against it in a dry run is noted.
fn forward(visit: &Visit<'_>, identity: &VerifiedIdentity, aftermath: Aftermath, env: &Env<'_>) -> Effect {
    let Visit { head, host, tenant, target, gate, .. } = visit;
    let ruling = Ruling::of(head, tenant, host, *target);
    let permitted = match ruling.permit(identity) {
        Ok(permitted) => permitted,
        Err(refusal) => return Effect::Reply(aftermath.come_to_nothing(refuse(visit, &refusal.into()))),
    };
    let aftermath = match permitted.despite() {
        None => aftermath,
        Some(refusal) => {
            let reason = Denial::from(refusal.clone()).to_string();
            aftermath.with_note(visit.asker().note(Level::Info, "access_dry_run", &reason))
        }
    };
    match Forward::authenticated(&permitted, gate, env) {
        Ok(forward) => Effect::Forward(forward, aftermath),
        Err(denial) => Effect::Reply(aftermath.come_to_nothing(visit.asker().refuse(&denial))),
    }
}

/// What the rules say about a request that nobody stands behind, maybe because its bearer token is no good. Where a user is needed, a person is
/// sent to the issuer, and a program is told.
fn nobody(visit: &Visit<'_>, token: Option<Denial>, env: &mut Env<'_>) -> Result<Effect, Denial> {
    let Visit { head, host, tenant, target, gate, .. } = visit;
    match (Ruling::of(head, tenant, host, *target).without_user(), token) {
        (_, Some(denial)) if !denial.is_about_token() => Err(denial),
        // A token that is no good is as good as none where none is needed.
        (Unsettled::Public(public), _) => Ok(Effect::Forward(Forward::anonymous(&public, gate), Aftermath::default())),
        (Unsettled::Refused(refusal), _) => Err(refusal.into()),
        (Unsettled::UserNeeded, Some(denial)) => Err(denial),
        (Unsettled::UserNeeded, None) if is_navigation(head) => login::begin(visit, env).map(Effect::Reply),
        (Unsettled::UserNeeded, None) => Err(Denial::Unauthenticated),
    }
}

/// Refuses somebody who is known. Another account may do better.
fn refuse(visit: &Visit<'_>, denial: &Denial) -> LocalReply {
    let Visit { head, tenant, .. } = visit;
    let other_account = matches!(denial, Denial::NotAllowed(_)) && !bearer::is_sent(head);
    let way = other_account.then(|| Way::Link { href: tenant.login.logout_path.clone(), label: "Sign out" });
    visit.asker().refuse_with(denial, way)
}

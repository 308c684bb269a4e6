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
//!     │    callback,      ▲   │   the provider answered       ▲
//!     │    state is good  └───┘   or did not                  │
//!     │               another call                            │
//!     └───────────────────────────────────────────────────────┘
//!           everything else: forwarded or answered at once
//! ```

use std::mem;
use std::sync::Arc;

use crate::access::{Permitted, Ruling, Unsettled};
use crate::asker::Asker;
use crate::bearer;
use crate::call::{CallFailure, CallResponse, HttpCall};
use crate::denial::Denial;
use crate::env::Env;
use crate::forward::Forward;
use crate::gate::Gate;
use crate::identity::VerifiedIdentity;
use crate::login::{self, Leg, Redeeming};
use crate::logout::logout;
use crate::navigation::is_navigation;
use crate::page::Way;
use crate::reply::{Level, LocalReply};
use crate::request::RequestHead;
use crate::session;
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
}

/// What is to be done about it.
#[derive(Debug)]
#[must_use = "an effect that is not carried out leaves the request standing"]
pub enum Effect {
    /// Let the request go to the upstream.
    Forward(Forward),
    /// Answer it.
    Reply(LocalReply),
    /// Call out, and come back with [`Input::Called`].
    Call(HttpCall),
}

enum State {
    Fresh,
    Redeeming(Box<Redeeming>),
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
            (State::Fresh | State::Redeeming(_) | State::Done, _) => {
                Effect::Reply(Asker::of(&RequestHead::default(), env).refuse(&Denial::OutOfTurn))
            }
        }
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
        } else if let Some(assertion) = visit.gate.assertion().filter(|it| visit.target.path == it.jwks_path()) {
            Effect::Reply(assertion.publish(&visit))
        } else {
            page(&visit, env)
        }
    }
}

/// A request for a page of the upstream: the rules of the tenant decide.
fn page(visit: &Visit<'_>, env: &mut Env<'_>) -> Effect {
    let Visit { head, host, gate, tenant, target, asker, .. } = visit;
    let ruling = Ruling::of(head, tenant, host, *target);
    let identity = identity(visit, env);
    if let Ok(Some(identity)) = &identity {
        return match ruling.permit(identity) {
            Ok(permitted) => forward(visit, &permitted, env),
            Err(refusal) => Effect::Reply(refuse(visit, refusal.into())),
        };
    }
    let answer = match (ruling.without_user(), identity) {
        (_, Err(denial)) if !denial.is_about_token() => Err(denial),
        // A token that is no good is as good as none where none is needed.
        (Unsettled::Public(public), _) => return Effect::Forward(Forward::anonymous(&public, gate)),
        (Unsettled::Refused(refusal), _) => Err(refusal.into()),
        (Unsettled::UserNeeded, Err(denial)) => Err(denial),
        (Unsettled::UserNeeded, Ok(_)) if is_navigation(head) => login::begin(visit, env),
        (Unsettled::UserNeeded, Ok(_)) => Err(Denial::Unauthenticated),
    };
    Effect::Reply(answer.unwrap_or_else(|denial| asker.refuse(&denial)))
}

/// Who asks, by a bearer token or else by a session.
fn identity(visit: &Visit<'_>, env: &Env<'_>) -> Result<Option<Arc<VerifiedIdentity>>, Denial> {
    let Visit { head, gate, tenant, .. } = visit;
    if bearer::is_sent(head) {
        return bearer::identity(visit, env).map(Some);
    }
    Ok(session::resume(head, tenant, gate, env.now()?).map(Arc::new))
}

/// Lets the request go. In a dry run it is noted what the rules have against it.
fn forward(visit: &Visit<'_>, permitted: &Permitted<'_>, env: &Env<'_>) -> Effect {
    let forward = match Forward::authenticated(permitted, visit.gate, env) {
        Ok(forward) => forward,
        Err(denial) => return Effect::Reply(visit.asker.refuse(&denial)),
    };
    Effect::Forward(match permitted.despite() {
        None => forward,
        Some(refusal) => {
            let reason = Denial::from(refusal.clone()).to_string();
            forward.with_note(visit.asker.note(Level::Info, "access_dry_run", &reason))
        }
    })
}

/// Refuses somebody who is known. Another account may do better.
fn refuse(visit: &Visit<'_>, denial: Denial) -> LocalReply {
    let Visit { head, tenant, asker, .. } = visit;
    let other_account = matches!(denial, Denial::NotAllowed(_)) && !bearer::is_sent(head);
    let way = other_account.then(|| Way::Link { href: tenant.login.logout_path.clone(), label: "Sign out" });
    asker.refuse_with(&denial, way)
}

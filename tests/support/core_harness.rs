//! The filter as a library, without a host.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tenantgate::aftermath::{Aftermath, AnswerEdit, AnswerEffect, Event};
use tenantgate::call::{CallFailure, CallResponse, HttpCall};
use tenantgate::config::{self, Environment, Surroundings};
use tenantgate::env::{Entropy, Env, NoEntropy, UnixTime};
use tenantgate::filter::{Effect, Filter, Input};
use tenantgate::forward::HeaderEdit;
use tenantgate::gate::Gate;
use tenantgate::keys::{HostAlgorithms, Verifier};
use tenantgate::provider::{Errands, Keeper};
use tenantgate::request::{MAX_BODY, NoBody, RequestHead};
use tenantgate::revocation::Watch;
use tenantgate::secret::Secret;

use super::clock::Clock;
use super::crypto::RealCrypto;
use super::harness::{Harness, Lines, Outcome, Reply, UPSTREAM_HEADERS, lower_case};
use super::issuer::Issuers;
use super::shared::SharedStore;

pub struct CoreHarness {
    gate: Arc<Gate>,
    keeper: Keeper,
    watch: Watch,
    shared: SharedStore,
    issuers: Issuers,
    clock: Clock,
    log: Vec<String>,
}

/// An environment without variables.
pub struct NoVariables;

impl Environment for NoVariables {
    fn var(&self, _name: &str) -> Option<String> {
        None
    }
}

/// The context in which tests load a configuration: a host that verifies every algorithm.
pub const SURROUNDINGS: Surroundings<'static> =
    Surroundings { environment: &NoVariables, host: HostAlgorithms::ASSUMED };

/// The verifier of this harness.
pub const VERIFIER: Verifier<'static> = Verifier { host: &RealCrypto, trusted: HostAlgorithms::ASSUMED };

/// Random numbers from the machine.
pub struct MachineEntropy;

impl Entropy for MachineEntropy {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(buffer).map_err(|_| NoEntropy)
    }
}

impl CoreHarness {
    /// Answers a call: the issuer behind the cluster of the call does.
    fn call(&self, call: &HttpCall) -> Result<CallResponse, CallFailure> {
        let mut issuers = self.issuers.lock().unwrap();
        let issuer = issuers.get_mut(&call.cluster).ok_or(CallFailure::Refused)?;
        let head: Lines = call
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.expose_secret().clone().into_bytes()))
            .collect();
        let (status, mut body) =
            issuer.serve(&head, call.body.expose_secret().as_bytes()).ok_or(CallFailure::NoAnswer)?;
        body.truncate(CallResponse::MAX_BODY + 1);
        Ok(CallResponse { status, body: Secret::new(body) })
    }

    /// The answer that the client gets. The upstream answers before the calls beside the request
    /// end.
    fn answered(&mut self, mut aftermath: Aftermath) -> Reply {
        let mut call = aftermath.take_call();
        let now = Some(UnixTime(self.clock.now()));
        let mut effect =
            aftermath.step(Event::Answered, &mut Env::new(now, &mut MachineEntropy, VERIFIER, &self.shared));
        assert!(call.is_none() || matches!(effect, AnswerEffect::Wait));
        while let Some(made) = call.take() {
            let called = Event::Called(self.call(&made));
            effect = aftermath.step(called, &mut Env::new(now, &mut MachineEntropy, VERIFIER, &self.shared));
            if let AnswerEffect::Call(another) = effect {
                (call, effect) = (Some(another), AnswerEffect::Wait);
            }
        }
        let AnswerEffect::Go(edits, notes) = effect else { panic!("the answer stands") };
        self.log.extend(notes.into_iter().map(|note| note.line));
        edited_answer(&edits)
    }
}

impl Harness for CoreHarness {
    fn start(configuration: &Value, issuers: Issuers) -> Self {
        let clock = issuers.lock().unwrap().values().next().unwrap().clock.clone();
        let (gate, shared) = (Arc::new(Gate::closed()), SharedStore::default());
        let mut harness =
            Self { gate, keeper: Keeper::default(), watch: Watch::default(), shared, issuers, clock, log: Vec::new() };
        harness.reconfigure(configuration);
        harness
    }

    fn clock() -> Clock {
        Clock::simulated()
    }

    fn send_with(&mut self, head: &Lines, body: Option<&[u8]>) -> Outcome {
        let head = lower_case(head);
        let mut filter = Filter::new(self.gate.clone());
        let mut input = Input::Request(RequestHead::new(head.clone()));
        loop {
            let now = Some(UnixTime(self.clock.now()));
            let effect = filter.step(input, &mut Env::new(now, &mut MachineEntropy, VERIFIER, &self.shared));
            self.log.push(format!("{effect:?}"));
            match effect {
                Effect::Forward(forward, aftermath) => {
                    return Outcome::Forwarded(edited(head, forward.edits()), self.answered(aftermath));
                }
                Effect::Call(call) => input = Input::Called(self.call(&call)),
                Effect::ReadBody => {
                    let body = body.unwrap_or_default();
                    let whole = body.len() <= MAX_BODY;
                    input = Input::Body(if whole { Ok(Secret::new(body.to_vec())) } else { Err(NoBody::TooLong) });
                }
                Effect::Reply(reply) => {
                    self.log.push(reply.note.line);
                    let headers = reply.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                    return Outcome::Replied(Reply { status: reply.status, headers, body: reply.body });
                }
            }
        }
    }

    fn reconfigure(&mut self, configuration: &Value) {
        match config::load(configuration.to_string().as_bytes(), SURROUNDINGS) {
            Ok(loaded) => {
                self.log.extend(loaded.problems.iter().map(ToString::to_string));
                let now = Some(UnixTime(self.clock.now()));
                let mut entropy = MachineEntropy;
                let env = &Env::new(now, &mut entropy, VERIFIER, &self.shared);
                self.watch = Watch::new(&loaded.gate, env);
                self.keeper = Keeper::new(&loaded.gate, env);
                self.gate = Arc::new(loaded.gate);
            }
            Err(errors) => panic!("{errors}"),
        }
    }

    fn advance(&mut self) {
        self.clock.advance(Duration::from_secs(1));
        let shared = self.shared.clone();
        let mut entropy = MachineEntropy;
        let env = &mut Env::new(Some(UnixTime(self.clock.now())), &mut entropy, VERIFIER, &shared);
        self.watch.tick(env);
        let Errands { mut calls, mut notes } = self.keeper.tick(env);
        while let Some((id, call)) = calls.pop() {
            let errands = self.keeper.called(id, self.call(&call), env);
            calls.extend(errands.calls);
            notes.extend(errands.notes);
        }
        self.log.extend(notes.into_iter().map(|note| note.line));
    }

    fn log(&mut self) -> String {
        self.log.join("\n")
    }
}

/// Applies edits to the answer of the upstream.
fn edited_answer(edits: &[AnswerEdit]) -> Reply {
    let mut headers: Vec<(String, String)> =
        UPSTREAM_HEADERS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    for edit in edits {
        match edit {
            AnswerEdit::Add(name, value) => headers.push(((*name).to_owned(), value.clone())),
            AnswerEdit::Set(name, value) => {
                headers.retain(|(n, _)| n != name);
                headers.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
    }
    Reply { status: 200, headers, body: "the page".to_owned() }
}

/// Applies edits as a host does: `Set` replaces the first line only, so a test notices an edit that
/// relies on more.
pub fn edited(mut lines: Lines, edits: &[HeaderEdit]) -> Lines {
    for edit in edits {
        match edit {
            HeaderEdit::Remove(name) => lines.retain(|(n, _)| n != name),
            HeaderEdit::Set(name, value) => match lines.iter_mut().find(|(n, _)| n == name) {
                Some((_, old)) => old.clone_from(value),
                None => lines.push((name.clone(), value.clone())),
            },
            HeaderEdit::Add(name, value) => lines.push((name.clone(), value.clone())),
        }
    }
    lines
}

//! The filter as a library, without a host.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::mem;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tenantgate::base::event::LogLine;
use tenantgate::base::secret::Secret;
use tenantgate::base::summary::Summary;
use tenantgate::base::tally::{Counter, Tally};
use tenantgate::base::time::UnixTime;
use tenantgate::config::{self, ConfigError, Environment, LoadContext, Loaded};
use tenantgate::env::{ClientAddress, Entropy, Env, NoEntropy};
use tenantgate::filter::{
    Awaited, Effect, Filter, Input, PluginCall, PluginStep, PluginWork, RequestEffect, ResponseEdit, ResponseEffect,
    calls_to_etcd,
};
use tenantgate::http::call::{CallFailure, CallResponse, HttpCall};
use tenantgate::http::reply::LocalReply;
use tenantgate::http::request::{BodyError, MAX_BODY, RequestHead};
use tenantgate::jose::{HostAlgorithms, Verifier};
use tenantgate::oauth::discovery::{Actions, JwksRefresher};
use tenantgate::runtime::{FoundTenants, LoadInput, NewTenants, Runtime};
use tenantgate::session::revocation::RevocationSync;
use tenantgate::upstream::HeaderEdit;

use super::clock::Clock;
use super::crypto::RealCrypto;
use super::harness::{Harness, Lines, Outcome, Reply, UPSTREAM_HEADERS, client_address, counter_name, lower_case};
use super::issuer::Issuers;
use super::shared::SharedStore;

/// The filter as a library. If it `DEFERS`, it loads what another VM has checked, so that tenants
/// are compiled when they are needed.
pub struct CoreHarness<const DEFERS: bool = false> {
    runtime: Arc<Runtime>,
    jwks_refresher: JwksRefresher,
    revocation_sync: RevocationSync,
    /// The tenants of documents that these two know.
    generation: u64,
    pub shared: SharedStore,
    issuers: Issuers,
    clock: Clock,
    log: Vec<String>,
    tally: Tally,
    summary: Summary,
    counters: BTreeMap<String, u64>,
    /// The address of the client of the current request.
    client: Option<IpAddr>,
    /// What goes on after a pause, and when.
    paused: Vec<(u64, PluginWork)>,
    /// The calls whose answers come later.
    in_flight: Vec<InFlight>,
    /// What verifies signatures.
    pub verifier: Verifier<'static>,
    /// How many times the filter has allocated memory in its steps.
    allocations: Cell<u64>,
    /// How many requests have waited for etcd.
    pub store_waits: usize,
}

/// A call whose answer comes at this time since 1970.
struct InFlight {
    end: Duration,
    work: PluginWork,
    result: Result<CallResponse, CallFailure>,
}

/// An environment without variables.
pub struct NoVariables;

impl Environment for NoVariables {
    fn var(&self, _name: &str) -> Option<String> {
        None
    }
}

/// The context in which tests load a configuration: a host that verifies every algorithm.
pub const LOAD_CONTEXT: LoadContext<'static> = LoadContext { environment: &NoVariables, host: HostAlgorithms::ASSUMED };

/// The verifier of this harness.
pub const VERIFIER: Verifier<'static> = Verifier { host: &RealCrypto, trusted: HostAlgorithms::ASSUMED };

/// Random numbers from the machine.
pub struct MachineEntropy;

impl Entropy for MachineEntropy {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(buffer).map_err(|_| NoEntropy)
    }
}

/// The address of a client, as the host determined it.
struct Client(Option<IpAddr>);

impl ClientAddress for Client {
    fn client_address(&self) -> Option<IpAddr> {
        self.0
    }
}

impl<const DEFERS: bool> CoreHarness<DEFERS> {
    /// The same configuration as a VM loads it after another one.
    fn deferred(configuration: &Value, env: &mut Env<'_>) -> Runtime {
        let bytes = Arc::new(configuration.to_string().into_bytes());
        let input = LoadInput::new(&bytes, []);
        let mut load = || config::load_in_vm(&input, &NoVariables, HostAlgorithms::ASSUMED, env).unwrap();
        load();
        let Loaded { runtime, .. } = load();
        assert!(runtime.entries().is_empty());
        runtime
    }

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

    /// How long the answer to this call takes, but no longer than the call waits. What the call
    /// asks for is done at once.
    fn delay(&self, call: &HttpCall) -> Duration {
        let path = call.headers.iter().find(|(name, _)| *name == ":path").unwrap().1.expose_secret();
        let mut issuers = self.issuers.lock().unwrap();
        let Some(issuer) = issuers.get_mut(&call.cluster) else { return Duration::ZERO };
        let etcd = issuer.etcd.as_mut().filter(|_| path.starts_with("/v3/"));
        etcd.map_or(issuer.delay, |etcd| etcd.next_delay(path, call.body.expose_secret())).min(call.timeout)
    }

    /// One input of a stream.
    fn step(&self, filter: &mut Filter, input: Input) -> Effect {
        let now = Some(UnixTime(self.clock.now()));
        let (mut entropy, client) = (MachineEntropy, Client(self.client));
        let mut env = Env::new(now, &mut entropy, self.verifier, &self.shared).with_client(&client);
        let mut effect = None;
        let counted = allocation_counter::measure(|| effect = Some(filter.step(input, &mut env)));
        self.allocations.set(self.allocations.get() + counted.count_total);
        effect.unwrap()
    }

    /// How many times the filter has allocated memory since the last call.
    pub fn take_allocations(&self) -> u64 {
        self.allocations.take()
    }

    /// Makes a call and those that follow from it, as the root context of a plugin does.
    fn plugin_call(&mut self, call: PluginCall) {
        self.plugin_step(PluginStep::Call(call));
    }

    fn plugin_step(&mut self, step: PluginStep) {
        let mut next = Some(step);
        while let Some(step) = next.take() {
            let call = match step {
                PluginStep::Call(call) => Some(call),
                PluginStep::End { log, next, .. } => {
                    self.note(log);
                    next
                }
                PluginStep::Later(work, pause, log) => {
                    self.note(log);
                    self.paused.push((self.clock.now() + pause.as_secs(), work));
                    None
                }
            };
            let Some(PluginCall { work, call }) = call else { break };
            let (mut result, delay) = (self.call(&call), self.delay(&call));
            if !delay.is_zero() {
                if delay == call.timeout {
                    result = Err(CallFailure::NoAnswer);
                }
                self.in_flight.push(InFlight { end: self.clock.since_1970() + delay, work, result });
                break;
            }
            let now = Some(UnixTime(self.clock.now()));
            next = Some(work.called(result, &mut Env::new(now, &mut MachineEntropy, self.verifier, &self.shared)));
        }
    }

    /// Delivers the answers that come until this time, in their order. If other replicas share the
    /// clock, the answers to their calls come when they advance.
    fn deliver_until(&mut self, end: Duration) {
        loop {
            let due = self.in_flight.iter().enumerate().filter(|(_, call)| call.end <= end);
            let Some((index, _)) = due.min_by_key(|(_, call)| call.end) else { break };
            let InFlight { end, work, result } = self.in_flight.remove(index);
            self.clock.advance(end.saturating_sub(self.clock.since_1970()));
            let now = Some(UnixTime(self.clock.now()));
            let step = work.called(result, &mut Env::new(now, &mut MachineEntropy, self.verifier, &self.shared));
            self.plugin_step(step);
        }
        self.clock.advance(end.saturating_sub(self.clock.since_1970()));
    }

    /// Whether there is an answer or the end of a pause to wait for.
    fn goes_on(&self) -> bool {
        !self.paused.is_empty() || !self.in_flight.is_empty()
    }

    /// The periodic work.
    fn tick(&mut self) {
        let shared = self.shared.clone();
        let mut entropy = MachineEntropy;
        let env = &mut Env::new(Some(UnixTime(self.clock.now())), &mut entropy, self.verifier, &shared);
        self.runtime.compile_some(env);
        let NewTenants { providers, revocations } = self.runtime.take_compiled();
        self.jwks_refresher.add(providers, env);
        self.revocation_sync.add(revocations);
        if let Some(FoundTenants { providers, revocations }) = self.runtime.found_since(&mut self.generation) {
            self.jwks_refresher.set_found(providers, env);
            self.revocation_sync.set_found(revocations);
        }
        self.revocation_sync.tick(env);
        let Actions { mut calls, mut log, .. } = self.jwks_refresher.tick(env);
        while let Some((id, call)) = calls.pop() {
            let actions = self.jwks_refresher.called(id, self.call(&call), env);
            calls.extend(actions.calls);
            log.extend(actions.log);
        }
        self.note(log);
        let calls = {
            let (now, mut entropy) = (Some(UnixTime(self.clock.now())), MachineEntropy);
            let env = &mut Env::new(now, &mut entropy, self.verifier, &self.shared);
            calls_to_etcd(&self.runtime, &self.revocation_sync, env)
        };
        calls.into_iter().for_each(|call| self.plugin_call(call));
        let now = self.clock.now();
        let (due, paused) = mem::take(&mut self.paused).into_iter().partition(|(time, _)| *time <= now);
        self.paused = paused;
        let due: Vec<(u64, PluginWork)> = due;
        for (_, work) in due {
            let now = Some(UnixTime(self.clock.now()));
            let step = work.again(&mut Env::new(now, &mut MachineEntropy, self.verifier, &self.shared));
            self.plugin_step(step);
        }
        for (counter, count) in self.tally.drain() {
            count_at(&mut self.counters, &counter, count);
        }
    }

    /// Logs and counts these lines.
    fn note(&mut self, lines: impl IntoIterator<Item = LogLine>) {
        for LogLine { event, tenant, text, audit, .. } in lines {
            self.summary.add(event, tenant.as_ref(), 1);
            let tenant = tenant.filter(|_| self.runtime.counts_tenants());
            let now = self.tally.add(event, tenant.as_ref(), 1);
            count_at(&mut self.counters, &Counter { event, tenant: None }, now);
            self.log.push(text);
            self.log.extend(audit);
        }
    }

    /// The client's view of a local reply.
    fn reply(&mut self, reply: LocalReply) -> Reply {
        self.note(reply.log);
        let headers = reply.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Reply { status: reply.status, headers, body: reply.body }
    }

    /// The client's view of the upstream's response. Its head arrives before the refresh beside the
    /// request ends.
    fn response(&mut self, filter: &mut Filter) -> Reply {
        let start = match self.step(filter, Input::Forwarded) {
            Effect::Response(ResponseEffect::Refresh(start)) => Some(start),
            Effect::Response(ResponseEffect::Wait) => None,
            effect => panic!("there is no response yet: {effect:?}"),
        };
        let mut effect = self.step(filter, Input::Response);
        assert_eq!(filter.holds_response(), filter.awaited().is_some());
        if let Some(start) = start {
            self.plugin_call(start);
        }
        while filter.holds_response() {
            if self.goes_on() {
                self.advance();
            }
            assert!(matches!(effect, Effect::Response(ResponseEffect::Wait)));
            effect = self.step(filter, Input::Woken);
            assert!(!filter.holds_response() || self.goes_on(), "the response waits for nothing");
        }
        assert!(!filter.holds_response() && filter.awaited().is_none());
        let Effect::Response(ResponseEffect::Release(edits, lines)) = effect else { panic!("the response is held") };
        self.note(lines);
        edited_response(&edits)
    }
}

impl<const DEFERS: bool> Harness for CoreHarness<DEFERS> {
    fn start(configuration: &Value, issuers: Issuers) -> Self {
        let clock = issuers.lock().unwrap().values().next().unwrap().clock.clone();
        let (runtime, shared) = (Arc::new(Runtime::closed()), SharedStore::default());
        let (jwks_refresher, revocation_sync) = (JwksRefresher::default(), RevocationSync::default());
        let (log, tally, summary, counters) = (Vec::new(), Tally::default(), Summary::default(), BTreeMap::new());
        let mut harness = Self {
            runtime,
            jwks_refresher,
            revocation_sync,
            generation: 0,
            shared,
            issuers,
            clock,
            log,
            tally,
            summary,
            counters,
            client: None,
            paused: Vec::new(),
            in_flight: Vec::new(),
            store_waits: 0,
            verifier: VERIFIER,
            allocations: Cell::new(0),
        };
        harness.reconfigure(configuration);
        harness
    }

    fn clock() -> Clock {
        Clock::simulated()
    }

    fn send_with(&mut self, head: &Lines, body: Option<&[u8]>) -> Outcome {
        let head = lower_case(head);
        self.client = Some(client_address(&head));
        let mut filter = Filter::new(self.runtime.clone());
        let first = RequestHead::new(head.clone());
        let mut input = Input::Request(if body.is_some() { first.followed() } else { first });
        let mut may_wait = true;
        loop {
            let effect = self.step(&mut filter, input);
            self.log.push(format!("{effect:?}"));
            match effect {
                Effect::Request(RequestEffect::Forward(forward)) => {
                    self.log.extend(forward.audit().map(str::to_owned));
                    let head = edited(head, forward.edits());
                    return Outcome::Forwarded(head, self.response(&mut filter));
                }
                Effect::Request(RequestEffect::Call(call)) => input = Input::Called(self.call(&call)),
                Effect::Request(RequestEffect::AwaitRefresh(start)) => {
                    assert!(filter.awaited().is_some());
                    match start {
                        Some(start) => self.plugin_call(start),
                        None => {
                            assert!(self.goes_on(), "nobody makes the refresh that the request waits for");
                            self.advance();
                        }
                    }
                    input = Input::Woken;
                }
                Effect::Request(RequestEffect::AwaitFetch) => {
                    assert_eq!(filter.awaited(), Some(Awaited::Fetch));
                    self.tick();
                    assert!(mem::take(&mut may_wait), "the request waits for a fetch that nobody makes");
                    input = Input::Woken;
                }
                Effect::Request(RequestEffect::AwaitStore(start)) => {
                    assert_eq!(filter.awaited(), Some(Awaited::Store));
                    self.store_waits += usize::from(!start.is_empty());
                    let begins = !start.is_empty();
                    start.into_iter().for_each(|start| self.plugin_call(start));
                    if !self.in_flight.is_empty() {
                        self.advance();
                    } else if !begins {
                        self.tick();
                    }
                    input = Input::Woken;
                }
                Effect::Request(RequestEffect::ReadBody) => {
                    let body = body.unwrap_or_default();
                    let whole = body.len() <= MAX_BODY;
                    input = Input::Body(if whole { Ok(Secret::new(body.to_vec())) } else { Err(BodyError::TooLong) });
                }
                Effect::Request(RequestEffect::Reply(reply)) => return Outcome::Replied(self.reply(reply)),
                Effect::Request(RequestEffect::ReplyAndCall(reply, calls)) => {
                    let reply = self.reply(reply);
                    calls.into_iter().for_each(|call| self.plugin_call(call));
                    return Outcome::Replied(reply);
                }
                Effect::Response(effect) => panic!("nothing was forwarded: {effect:?}"),
            }
        }
    }

    fn reconfigure(&mut self, configuration: &Value) {
        match config::load(configuration.to_string().as_bytes(), LOAD_CONTEXT) {
            Ok(loaded) => {
                self.note(loaded.problems.iter().map(ConfigError::log));
                let now = Some(UnixTime(self.clock.now()));
                let mut entropy = MachineEntropy;
                let env = &mut Env::new(now, &mut entropy, self.verifier, &self.shared);
                let runtime = if DEFERS { Self::deferred(configuration, env) } else { loaded.runtime };
                runtime.prepare(env);
                self.revocation_sync = RevocationSync::new(runtime.revocations(), runtime.policy().lifetime, env);
                self.jwks_refresher = JwksRefresher::new(runtime.providers(), env);
                self.runtime = Arc::new(runtime);
                self.generation = 0;
            }
            Err(errors) => panic!("{errors}"),
        }
    }

    fn advance(&mut self) {
        self.deliver_until(self.clock.since_1970() + Duration::from_secs(1));
        self.tick();
        self.log.extend(self.summary.take(UnixTime(self.clock.now())));
    }

    fn log(&mut self) -> String {
        self.log.join("\n")
    }

    fn counters(&mut self) -> BTreeMap<String, u64> {
        self.counters.clone()
    }
}

/// Adds to a counter, as the host does.
fn count_at(counters: &mut BTreeMap<String, u64>, counter: &Counter, count: u64) {
    let name = counter_name(&counter.to_string()).unwrap();
    if count > 0 {
        *counters.entry(name).or_default() += count;
    }
}

/// Applies edits to the answer of the upstream.
fn edited_response(edits: &[ResponseEdit]) -> Reply {
    let mut headers: Vec<(String, String)> =
        UPSTREAM_HEADERS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    for edit in edits {
        match edit {
            ResponseEdit::Add(name, value) => headers.push(((*name).to_owned(), value.clone())),
            ResponseEdit::Remove(name) => headers.retain(|(n, _)| n != name),
            ResponseEdit::Set(name, value) => {
                headers.retain(|(n, _)| n != name);
                headers.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
    }
    Reply { status: 200, headers, body: "the page".to_owned() }
}

/// Applies edits as a host does: `Set` replaces the first line only, so a test notices an edit that
/// relies on more.
pub fn edited<'a>(mut lines: Lines, edits: impl Iterator<Item = &'a HeaderEdit>) -> Lines {
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

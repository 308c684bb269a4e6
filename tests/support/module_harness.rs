//! The module in the mock host.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::Value;

use super::clock::Clock;
use super::harness::{Harness, Lines, Outcome, counter_name, lower_case};
use super::host::{Call, Host, RequestState, UpstreamAnswers};
use super::issuer::Issuers;
use super::shared::SharedStore;

pub struct ModuleHarness {
    pub host: Host,
    issuers: Issuers,
    /// When the upstream answers the next request beside which a session is refreshed. All values
    /// come in turn.
    upstream: UpstreamAnswers,
}

impl ModuleHarness {
    /// Another VM of the process that has the shared data `shared`.
    pub fn beside(configuration: &Value, issuers: Issuers, shared: SharedStore) -> Self {
        Self::on(configuration, issuers, shared, true)
    }

    fn on(configuration: &Value, issuers: Issuers, shared: SharedStore, cryptography: bool) -> Self {
        let clock = issuers.lock().unwrap().values().next().unwrap().clock.clone();
        let (mut host, taken) =
            Host::start_with(configuration.to_string().as_bytes(), &[], clock, shared, cryptography);
        assert!(taken, "{:?}", host.state().log);
        Self { host, issuers, upstream: UpstreamAnswers::BeforeTick }
    }

    /// Ticks once and answers all calls that follow.
    pub fn tick(&mut self) {
        let mut calls = VecDeque::from(self.host.tick());
        while let Some(call) = calls.pop_front() {
            let answer = answer(&self.issuers, &call);
            calls.extend(self.host.answer_root(&call, answer));
        }
    }
}

/// Answers a call: the issuer behind the cluster of the call does.
pub fn answer(issuers: &Issuers, call: &Call) -> Option<(Lines, Vec<u8>)> {
    assert_eq!(call.timeout_ms, 2000);
    let mut issuers = issuers.lock().unwrap();
    let (status, body) = issuers.get_mut(&call.cluster).unwrap().serve(&call.head, &call.body)?;
    // Envoy adds the second line to what a server answers.
    let lines = [(":status", status.to_string()), ("x-envoy-upstream-service-time", "1".to_owned())];
    Some((lines.map(|(name, value)| (name.to_owned(), value.into_bytes())).into(), body))
}

impl Harness for ModuleHarness {
    fn start(configuration: &Value, issuers: Issuers) -> Self {
        Self::beside(configuration, issuers, SharedStore::default())
    }

    fn clock() -> Clock {
        Clock::simulated()
    }

    fn send_with(&mut self, head: &Lines, body: Option<&[u8]>) -> Outcome {
        let (context, mut request_state) = self.host.request_with(&lower_case(head), body);
        let mut ticks = 0;
        loop {
            let call = match request_state {
                RequestState::Forwarded(lines, reply) => return Outcome::Forwarded(lines, reply),
                RequestState::Replied(reply) => {
                    // The browser has its answer before the calls of a sign-out are made.
                    if self.host.refreshes() {
                        self.tick();
                    }
                    return Outcome::Replied(reply);
                }
                RequestState::Beside(lines) => {
                    let reply = self.host.beside(context, |call| answer(&self.issuers, call), self.upstream);
                    self.upstream = match self.upstream {
                        UpstreamAnswers::BeforeTick => UpstreamAnswers::BeforeCalls,
                        UpstreamAnswers::BeforeCalls => UpstreamAnswers::AfterCalls,
                        UpstreamAnswers::AfterCalls => UpstreamAnswers::BeforeTick,
                    };
                    return Outcome::Forwarded(lines, reply);
                }
                RequestState::Awaits => {
                    // Early ticks come many times in a second.
                    ticks += 1;
                    if ticks % 20 == 0 {
                        self.advance();
                    } else {
                        self.tick();
                    }
                    assert!(ticks < 2000, "the request waits for ever");
                    request_state = self.host.look(context);
                    continue;
                }
                RequestState::Waits(call) => call,
            };
            let answer = answer(&self.issuers, &call);
            request_state = self.host.answer(context, &call, answer);
        }
    }

    fn reconfigure(&mut self, configuration: &Value) {
        assert!(self.host.configure(configuration.to_string().as_bytes()), "{:?}", self.host.state().log);
    }

    fn advance(&mut self) {
        self.host.state().clock.advance(Duration::from_secs(1));
        self.tick();
    }

    fn log(&mut self) -> String {
        self.host.state().log.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
    }

    fn counters(&mut self) -> BTreeMap<String, u64> {
        let of_events = |(name, count): (&String, &i64)| Some((counter_name(name)?, u64::try_from(*count).unwrap()));
        self.host.state().counters.iter().filter_map(of_events).collect()
    }
}

/// A host that verifies no signatures, so the module has to: from the start, or with `LATER` after
/// the known-answer test has passed.
pub struct DegradedModuleHarness<const LATER: bool>(ModuleHarness);

/// The host never verifies signatures.
pub type NoHostCryptoHarness = DegradedModuleHarness<false>;

/// The host passes the known-answer test and then stops verifying signatures.
pub type LostHostCryptoHarness = DegradedModuleHarness<true>;

impl<const LATER: bool> Harness for DegradedModuleHarness<LATER> {
    const HOST_VERIFIES: bool = false;

    fn start(configuration: &Value, issuers: Issuers) -> Self {
        let mut harness = ModuleHarness::on(configuration, issuers, SharedStore::default(), LATER);
        let trusted = harness.host.state().counters.get("tenantgate.host_verifies.ES256").copied();
        assert_eq!(trusted, Some(LATER.into()));
        harness.host.state().cryptography = false;
        Self(harness)
    }

    fn clock() -> Clock {
        Clock::simulated()
    }

    fn send_with(&mut self, head: &Lines, body: Option<&[u8]>) -> Outcome {
        self.0.send_with(head, body)
    }

    fn reconfigure(&mut self, configuration: &Value) {
        self.0.reconfigure(configuration);
    }

    fn advance(&mut self) {
        self.0.advance();
    }

    fn log(&mut self) -> String {
        self.0.log()
    }

    fn counters(&mut self) -> BTreeMap<String, u64> {
        self.0.counters()
    }
}

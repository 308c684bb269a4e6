//! The real module in the mock host.

use serde_json::Value;

use super::clock::Clock;
use super::host::{Call, Host, Standing};
use super::issuer::Issuers;
use super::rig::{Lines, Outcome, Rig, lower_case};

pub struct ModuleRig {
    pub host: Host,
    issuers: Issuers,
    /// Whether the upstream is faster than a call beside its request. They take turns.
    upstream_first: bool,
}

impl ModuleRig {
    fn answer_of(&self, call: &Call) -> Option<(Lines, Vec<u8>)> {
        assert_eq!(call.timeout_ms, 500);
        let answer = self.issuers.lock().unwrap().get_mut(&call.cluster).unwrap().token(&call.head, &call.body);
        answer.map(|(status, body)| (vec![(":status".to_owned(), status.to_string().into_bytes())], body))
    }
}

impl Rig for ModuleRig {
    fn start(configuration: &Value, issuers: Issuers) -> Self {
        let clock = issuers.lock().unwrap().values().next().unwrap().clock.clone();
        let (mut host, taken) = Host::start(configuration.to_string().as_bytes(), &[], clock);
        assert!(taken, "{:?}", host.state().log);
        Self { host, issuers, upstream_first: false }
    }

    fn clock() -> Clock {
        Clock::simulated()
    }

    fn send(&mut self, head: &Lines) -> Outcome {
        let (context, mut standing) = self.host.request(&lower_case(head));
        loop {
            let call = match standing {
                Standing::Forwarded(lines, reply) => return Outcome::Forwarded(lines, reply),
                Standing::Replied(reply) => return Outcome::Replied(reply),
                Standing::Beside(lines, call) => {
                    let answer = self.answer_of(&call);
                    self.upstream_first = !self.upstream_first;
                    let reply = self.host.beside(context, &call, answer, self.upstream_first);
                    return Outcome::Forwarded(lines, reply);
                }
                Standing::Waits(call) => call,
            };
            let answer = self.answer_of(&call);
            standing = self.host.answer(context, &call, answer);
        }
    }

    fn reconfigure(&mut self, configuration: &Value) {
        assert!(self.host.configure(configuration.to_string().as_bytes()), "{:?}", self.host.state().log);
    }

    fn log(&mut self) -> String {
        self.host.state().log.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
    }
}

/// The same on a host that verifies no signatures, so that the module has to.
pub struct PlainModuleRig(ModuleRig);

impl Rig for PlainModuleRig {
    fn start(configuration: &Value, issuers: Issuers) -> Self {
        let clock = issuers.lock().unwrap().values().next().unwrap().clock.clone();
        let (mut host, taken) = Host::start_with(configuration.to_string().as_bytes(), &[], clock, false);
        assert!(taken, "{:?}", host.state().log);
        Self(ModuleRig { host, issuers, upstream_first: false })
    }

    fn clock() -> Clock {
        Clock::simulated()
    }

    fn send(&mut self, head: &Lines) -> Outcome {
        self.0.send(head)
    }

    fn reconfigure(&mut self, configuration: &Value) {
        self.0.reconfigure(configuration);
    }

    fn log(&mut self) -> String {
        self.0.log()
    }
}

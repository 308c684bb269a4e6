//! The real module in the mock host.

use serde_json::Value;

use super::clock::Clock;
use super::host::{Host, Standing};
use super::issuer::Issuers;
use super::rig::{Lines, Outcome, Rig, lower_case};

pub struct ModuleRig {
    pub host: Host,
    issuers: Issuers,
}

impl Rig for ModuleRig {
    fn start(configuration: &Value, issuers: Issuers) -> Self {
        let clock = issuers.lock().unwrap().values().next().unwrap().clock.clone();
        let (mut host, taken) = Host::start(configuration.to_string().as_bytes(), &[], clock);
        assert!(taken, "{:?}", host.state().log);
        Self { host, issuers }
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
                Standing::Waits(call) => call,
            };
            assert_eq!(call.timeout_ms, 500);
            let answer = self.issuers.lock().unwrap().get_mut(&call.cluster).unwrap().token(&call.head, &call.body);
            let answer =
                answer.map(|(status, body)| (vec![(":status".to_owned(), status.to_string().into_bytes())], body));
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
        Self(ModuleRig { host, issuers })
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

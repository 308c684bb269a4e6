//! Two Envoys of two workers each behind one address, which takes them in turn. So consecutive
//! requests reach different Envoys.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use serde_json::Value;

use super::clock::Clock;
use super::envoy_harness::{EnvoyHarness, outcome, send_to};
use super::harness::{Harness, Lines, Outcome};
use super::issuer::Issuers;

pub struct FleetHarness {
    pub replicas: [EnvoyHarness; 2],
    address: SocketAddr,
}

impl Harness for FleetHarness {
    fn start(configuration: &Value, issuers: Issuers) -> Self {
        let replicas = [(); 2].map(|()| EnvoyHarness::start(configuration, issuers.clone()));
        let address = balance(replicas.each_ref().map(EnvoyHarness::gateway));
        Self { replicas, address }
    }

    fn clock() -> Clock {
        Clock::Real
    }

    fn send_with(&mut self, head: &Lines, body: Option<&[u8]>) -> Outcome {
        for replica in &self.replicas {
            replica.take_received();
        }
        let reply = send_to(self.address, head, body);
        outcome(reply, self.replicas.iter().flat_map(EnvoyHarness::take_received).collect())
    }

    /// One replica after the other, as in an upgrade.
    fn reconfigure(&mut self, configuration: &Value) {
        for replica in &mut self.replicas {
            replica.reconfigure(configuration);
        }
    }

    fn advance(&mut self) {
        self.replicas[0].advance();
    }

    fn log(&mut self) -> String {
        self.replicas.iter_mut().map(Harness::log).collect()
    }

    fn counters(&mut self) -> BTreeMap<String, u64> {
        let mut sum = BTreeMap::new();
        for (name, count) in self.replicas.iter_mut().flat_map(Harness::counters) {
            *sum.entry(name).or_default() += count;
        }
        sum
    }
}

/// Passes each connection to the next of `replicas`.
fn balance(replicas: [SocketAddr; 2]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (client, replica) in listener.incoming().flatten().zip(replicas.into_iter().cycle()) {
            let server = TcpStream::connect(replica).unwrap();
            let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
            for (from, to) in [(client, server), back] {
                thread::spawn(move || pass(from, to));
            }
        }
    });
    address
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

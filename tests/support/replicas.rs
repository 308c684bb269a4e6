//! Replicas of the filter with the same configuration. Consecutive requests reach different ones.

use std::collections::BTreeMap;

use serde_json::Value;

use super::clock::Clock;
use super::harness::{Harness, Lines, Outcome};
use super::issuer::Issuers;

/// `N` of them.
pub struct Replicas<H, const N: usize = 2> {
    pub replicas: Vec<H>,
    /// The replica that gets the next request.
    pub turn: usize,
    issuers: Issuers,
}

impl<H: Harness, const N: usize> Replicas<H, N> {
    /// Replaces the replica at this index by a new one.
    pub fn restart(&mut self, index: usize, configuration: &Value) {
        self.replicas[index] = H::start(configuration, self.issuers.clone());
    }
}

impl<H: Harness, const N: usize> Harness for Replicas<H, N> {
    fn start(configuration: &Value, issuers: Issuers) -> Self {
        let replicas = (0..N).map(|_| H::start(configuration, issuers.clone())).collect();
        Self { replicas, turn: 0, issuers }
    }

    fn clock() -> Clock {
        H::clock()
    }

    fn send_with(&mut self, head: &Lines, body: Option<&[u8]>) -> Outcome {
        let turn = self.turn;
        self.turn = (turn + 1) % N;
        self.replicas[turn].send_with(head, body)
    }

    fn reconfigure(&mut self, configuration: &Value) {
        self.replicas.iter_mut().for_each(|replica| replica.reconfigure(configuration));
    }

    fn advance(&mut self) {
        self.replicas.iter_mut().for_each(Harness::advance);
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

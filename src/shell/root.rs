//! One plugin configuration in one VM.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{BufferType, ContextType};

use super::call::{dispatch, response};
use super::counters::Counters;
use super::host::{VmEntropy, VmEnvironment, ask_log_level, log, now};
use super::shared::VmSharedData;
use super::stream::Stream;
use super::verifier::VmVerifier;
use super::waiting::Waiting;
use crate::call::CallFailure;
use crate::config::{self, Surroundings};
use crate::env::Env;
use crate::filter::Filter;
use crate::gate::Gate;
use crate::keys::{HostAlgorithms, SignatureAlgorithm, Verifier};
use crate::provider::{Errands, FetchId, Keeper};
use crate::reply::Level;
use crate::revocation::Watch;
use crate::token::CacheCounts;

pub(super) struct Root {
    gate: Arc<Gate>,
    counters: Counters,
    trusted: HostAlgorithms,
    keeper: Keeper,
    watch: Watch,
    waiting: Waiting,
    /// The calls of the keeper, by the host's token. Those of an older configuration are in nobody's list.
    calls: HashMap<u32, FetchId>,
}

/// Closed until a configuration is loaded.
impl Default for Root {
    fn default() -> Self {
        Self {
            gate: Arc::new(Gate::closed()),
            counters: Counters::default(),
            trusted: HostAlgorithms::default(),
            keeper: Keeper::default(),
            watch: Watch::default(),
            waiting: Waiting::default(),
            calls: HashMap::new(),
        }
    }
}

impl Root {
    /// Lets keeper and watch do something, and does what the keeper then wants done.
    fn keep(&mut self, step: impl FnOnce(&mut Keeper, &mut Watch, &mut Env<'_>) -> Errands) {
        let verifier = Verifier { host: &VmVerifier, trusted: self.trusted };
        let mut entropy = VmEntropy;
        let env = &mut Env::new(now(), &mut entropy, verifier, &VmSharedData);
        let Errands { mut calls, mut notes } = step(&mut self.keeper, &mut self.watch, env);
        while let Some((id, call)) = calls.pop() {
            match dispatch(&call) {
                Ok(token) => drop(self.calls.insert(token, id)),
                Err(_) => {
                    let errands = self.keeper.called(id, Err(CallFailure::Refused), env);
                    calls.extend(errands.calls);
                    notes.extend(errands.notes);
                }
            }
        }
        for note in notes {
            self.counters.count(note.event);
            log(note.level, &note.line);
        }
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, _trailers: usize) {
        if let Some(id) = self.calls.remove(&token) {
            let result = response(headers, body);
            self.keep(|keeper, _, env| keeper.called(id, result, env));
        }
    }
}

impl RootContext for Root {
    /// Finds out what the host can verify. It stays so for the life of the VM.
    fn on_vm_start(&mut self, _size: usize) -> bool {
        ask_log_level();
        self.trusted = HostAlgorithms::probe(&VmVerifier);
        let (host, module): (Vec<_>, Vec<_>) =
            SignatureAlgorithm::ALL.into_iter().partition(|&algorithm| self.trusted.has(algorithm));
        for algorithm in SignatureAlgorithm::ALL {
            self.counters.set(&format!("host_verifies.{algorithm}"), self.trusted.has(algorithm).into());
        }
        let names = |algorithms: &[SignatureAlgorithm]| {
            algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(" ")
        };
        if hostcalls::set_tick_period(TICK).is_err() {
            log(Level::Warn, "the host gives no ticks, so no keys are fetched and little is counted");
        }
        log(
            Level::Info,
            &format!("signatures verified by the host: {}; by the module: {}", names(&host), names(&module)),
        );
        true
    }

    /// Fetches keys that are due, and looks which sessions other VMs have ended and which lines the log takes. What was counted is handed on
    /// here: a host call for each would cost as much as half a hit of the cache.
    fn on_tick(&mut self) {
        ask_log_level();
        let CacheCounts { hits, misses, evictions } = self.gate.take_token_counts();
        for (event, count) in
            [("token_cache_hits", hits), ("token_cache_misses", misses), ("token_cache_evictions", evictions)]
        {
            self.counters.add(event, count);
        }
        self.keep(|keeper, watch, env| {
            watch.tick(env);
            keeper.tick(env)
        });
        self.waiting.give_up(&self.counters);
        self.counters.tick();
    }

    /// Streams that are under way keep the gate that they began with. A configuration that is refused changes nothing.
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX).ok().flatten();
        match config::load(&bytes.unwrap_or_default(), Surroundings { environment: &VmEnvironment, host: self.trusted })
        {
            Ok(loaded) => {
                for problem in &loaded.problems {
                    self.counters.count("tenant_refused");
                    log(Level::Error, &format!("configuration: {problem}"));
                }
                let gate = Arc::new(loaded.gate);
                self.calls.clear();
                self.keep(|keeper, watch, env| {
                    *watch = Watch::new(&gate, env);
                    *keeper = Keeper::new(&gate, env);
                    Errands::default()
                });
                self.gate = gate;
                true
            }
            Err(errors) => {
                for error in &errors {
                    log(Level::Error, &format!("configuration refused: {error}"));
                }
                false
            }
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        let filter = Filter::new(self.gate.clone());
        Some(Box::new(Stream::new(id, filter, self.counters.clone(), self.trusted, self.waiting.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

const TICK: Duration = Duration::from_secs(1);

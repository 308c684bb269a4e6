//! One plugin configuration in one VM.

use std::sync::Arc;
use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{BufferType, ContextType};

use super::counters::Counters;
use super::host::{VmEnvironment, log};
use super::stream::Stream;
use super::verifier::VmVerifier;
use crate::config::{self, Surroundings};
use crate::filter::Filter;
use crate::gate::Gate;
use crate::keys::{HostAlgorithms, SignatureAlgorithm};
use crate::reply::Level;
use crate::token::CacheCounts;

pub(super) struct Root {
    gate: Arc<Gate>,
    counters: Counters,
    trusted: HostAlgorithms,
}

/// Closed until a configuration is loaded.
impl Default for Root {
    fn default() -> Self {
        Self { gate: Arc::new(Gate::closed()), counters: Counters::default(), trusted: HostAlgorithms::default() }
    }
}

impl Context for Root {}

impl RootContext for Root {
    /// Finds out what the host can verify. It stays so for the life of the VM.
    fn on_vm_start(&mut self, _size: usize) -> bool {
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
            log(Level::Warn, "the host gives no ticks, so little is counted");
        }
        log(
            Level::Info,
            &format!("signatures verified by the host: {}; by the module: {}", names(&host), names(&module)),
        );
        true
    }

    /// What was counted is handed on here: a host call for each would cost as much as half a hit of the cache.
    fn on_tick(&mut self) {
        let CacheCounts { hits, misses, evictions } = self.gate.take_token_counts();
        for (event, count) in
            [("token_cache_hits", hits), ("token_cache_misses", misses), ("token_cache_evictions", evictions)]
        {
            self.counters.add(event, count);
        }
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
                self.gate = Arc::new(loaded.gate);
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

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(Filter::new(self.gate.clone()), self.counters.clone(), self.trusted)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

const TICK: Duration = Duration::from_secs(1);

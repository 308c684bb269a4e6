//! The root context: the plugin configuration of one VM, and the work at each tick of the host.

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
use crate::base::event::{Event, Level};
use crate::config::{self, LoadContext};
use crate::env::Env;
use crate::filter::Filter;
use crate::http::call::CallFailure;
use crate::identity::CacheCounts;
use crate::jose::{HostAlgorithms, SignatureAlgorithm, Verifier};
use crate::oauth::discovery::{Actions, FetchId, JwksRefresher};
use crate::runtime::Runtime;
use crate::session::revocation::RevocationSync;

/// The root context of the plugin.
pub(super) struct Root {
    runtime: Arc<Runtime>,
    counters: Counters,
    trusted: HostAlgorithms,
    jwks_refresher: JwksRefresher,
    revocation_sync: RevocationSync,
    waiting: Waiting,
    /// The pending calls of the [`JwksRefresher`] by the token of the host. A new configuration
    /// clears them, so late responses for the old configuration are dropped.
    calls: HashMap<u32, FetchId>,
}

/// The context before a configuration is loaded. It refuses the requests for every host.
impl Default for Root {
    fn default() -> Self {
        Self {
            runtime: Arc::new(Runtime::closed()),
            counters: Counters::default(),
            trusted: HostAlgorithms::default(),
            jwks_refresher: JwksRefresher::default(),
            revocation_sync: RevocationSync::default(),
            waiting: Waiting::default(),
            calls: HashMap::new(),
        }
    }
}

impl Root {
    /// Runs `step` and carries out its actions: calls and log lines.
    fn maintain(&mut self, step: impl FnOnce(&mut JwksRefresher, &mut RevocationSync, &mut Env<'_>) -> Actions) {
        let verifier = Verifier { host: &VmVerifier, trusted: self.trusted };
        let mut entropy = VmEntropy;
        let env = &mut Env::new(now(), &mut entropy, verifier, &VmSharedData);
        let Actions { mut calls, log: mut lines } = step(&mut self.jwks_refresher, &mut self.revocation_sync, env);
        while let Some((id, call)) = calls.pop() {
            match dispatch(&call) {
                Ok(token) => drop(self.calls.insert(token, id)),
                Err(_) => {
                    let actions = self.jwks_refresher.called(id, Err(CallFailure::Refused), env);
                    calls.extend(actions.calls);
                    lines.extend(actions.log);
                }
            }
        }
        for line in lines {
            self.counters.count(line.event);
            log(line.level, &line.text);
        }
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, _trailers: usize) {
        if let Some(id) = self.calls.remove(&token) {
            let result = response(headers, body);
            self.maintain(|refresher, _, env| refresher.called(id, result, env));
        }
    }
}

impl RootContext for Root {
    /// Determines the algorithms that the host can verify, once for the lifetime of the VM.
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

    /// Fetches keys that are due, reads the revocations of other VMs and the log level, ends the
    /// wait for bodies that are late, and sends the pending counts. The counts of the bearer token
    /// cache are sent only here, because a host call for each would cost half as much as a cache
    /// hit.
    fn on_tick(&mut self) {
        ask_log_level();
        let CacheCounts { hits, misses, evictions } = self.runtime.take_cache_counts();
        for (event, count) in
            [(Event::TokenCacheHits, hits), (Event::TokenCacheMisses, misses), (Event::TokenCacheEvictions, evictions)]
        {
            self.counters.add(event, count);
        }
        self.maintain(|refresher, sync, env| {
            sync.tick(env);
            refresher.tick(env)
        });
        self.waiting.give_up(&self.counters);
        self.counters.tick();
    }

    /// Loads a configuration. Streams in progress keep the configuration that they began with. A
    /// refused configuration changes nothing.
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX).ok().flatten();
        match config::load(&bytes.unwrap_or_default(), LoadContext { environment: &VmEnvironment, host: self.trusted })
        {
            Ok(loaded) => {
                for problem in &loaded.problems {
                    self.counters.count(Event::TenantConfigError);
                    log(Level::Error, &format!("configuration: {problem}"));
                }
                let runtime = Arc::new(loaded.runtime);
                self.calls.clear();
                self.maintain(|refresher, sync, env| {
                    *sync = RevocationSync::new(runtime.revocations(), runtime.policy().lifetime, env);
                    *refresher = JwksRefresher::new(runtime.providers(), env);
                    Actions::default()
                });
                self.runtime = runtime;
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
        let filter = Filter::new(self.runtime.clone());
        Some(Box::new(Stream::new(id, filter, self.counters.clone(), self.trusted, self.waiting.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

const TICK: Duration = Duration::from_secs(1);

//! The root context: the plugin configuration of one VM, and the work at each tick of the host.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{BufferType, ContextType};

use super::call::{DispatchedCall, dispatch, response};
use super::counters::Counters;
use super::host::{VmEntropy, VmEnvironment, ask_log_level, log, now, variables};
use super::plugin_calls::{Caller, PluginCalls};
use super::shared::VmSharedData;
use super::stream::Stream;
use super::stream_state::Plugin;
use super::verifier::VmVerifier;
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::config::{self, ConfigError, LoadContext};
use crate::env::Env;
use crate::filter::{Awaited, Filter, calls_to_etcd};
use crate::identity::CacheCounts;
use crate::jose::{HostAlgorithms, SignatureAlgorithm, Verifier};
use crate::oauth::discovery::{Actions, FetchId, JwksRefresher};
use crate::runtime::{FoundTenants, LoadInput, NewTenants, Runtime, TenantCounts};
use crate::session::revocation::RevocationSync;

/// The root context of the plugin.
pub(super) struct Root {
    id: u32,
    runtime: Arc<Runtime>,
    plugin: Plugin,
    jwks_refresher: JwksRefresher,
    revocation_sync: RevocationSync,
    /// The tenants of documents that these two know.
    generation: u64,
    /// When the periodic work was done last.
    worked: Option<UnixTime>,
    /// When the ages of keys are recorded next.
    ages_due: UnixTime,
    /// The pending calls of the [`JwksRefresher`] by the token of the host. A new configuration
    /// clears them, so late responses for the old configuration are dropped.
    calls: HashMap<u32, (DispatchedCall, FetchId)>,
}

impl Root {
    /// The root context with this id, before a configuration is loaded. It refuses the requests for
    /// every host.
    pub(super) fn new(id: u32) -> Self {
        Self {
            id,
            runtime: Arc::new(Runtime::closed()),
            plugin: Plugin::default(),
            jwks_refresher: JwksRefresher::default(),
            revocation_sync: RevocationSync::default(),
            generation: 0,
            worked: None,
            ages_due: UnixTime::default(),
            calls: HashMap::new(),
        }
    }

    /// Runs `step` and carries out its actions: calls and log lines.
    fn maintain(&mut self, step: impl FnOnce(&mut JwksRefresher, &mut RevocationSync, &mut Env<'_>) -> Actions) {
        let verifier = Verifier { host: &VmVerifier, trusted: self.plugin.trusted };
        let mut entropy = VmEntropy;
        let env = &mut Env::new(now(), &mut entropy, verifier, &VmSharedData);
        self.add_tenants(env);
        let actions = step(&mut self.jwks_refresher, &mut self.revocation_sync, env);
        self.act(actions, env);
    }

    /// Tells the refresher and the sync of the tenants that are new to them.
    fn add_tenants(&mut self, env: &mut Env<'_>) {
        let NewTenants { providers, revocations } = self.runtime.take_compiled();
        self.jwks_refresher.add(providers, env);
        self.revocation_sync.add(revocations);
        if let Some(FoundTenants { providers, revocations }) = self.runtime.found_since(&mut self.generation) {
            self.jwks_refresher.set_found(providers, env);
            self.revocation_sync.set_found(revocations);
        }
    }

    fn act(&mut self, actions: Actions, env: &mut Env<'_>) {
        let Actions { mut calls, log: mut lines, mut has_fetched } = actions;
        while let Some((id, call)) = calls.pop() {
            match dispatch(&call) {
                Ok(call) => drop(self.calls.insert(call.token, (call, id))),
                Err(failure) => {
                    let actions = self.jwks_refresher.called(id, Err(failure), env);
                    calls.extend(actions.calls);
                    lines.extend(actions.log);
                    has_fetched |= actions.has_fetched;
                }
            }
        }
        lines.iter().for_each(|line| self.log(line));
        if has_fetched {
            self.wake(|awaited| awaited == Awaited::Fetch);
        }
    }

    fn log(&self, line: &LogLine) {
        self.plugin.counters.count_line(line);
        log(line.level, &line.text);
        line.audit.iter().for_each(|audit| log(Level::Info, audit));
    }

    /// Looks at etcd for what is new, if that is due.
    fn poll_etcd(&self) {
        let lines = self.plugin_calls(|calls, env| {
            let mut lines = Vec::new();
            for call in calls_to_etcd(&self.runtime, &self.revocation_sync, env) {
                lines.extend(calls.begin(call, env).log);
            }
            lines
        });
        lines.iter().for_each(|line| self.log(line));
    }

    /// Runs `step` for the calls that outlast a stream.
    fn plugin_calls<T>(&self, step: impl FnOnce(&PluginCalls, &mut Env<'_>) -> T) -> T {
        let verifier = Verifier { host: &VmVerifier, trusted: self.plugin.trusted };
        let mut entropy = VmEntropy;
        step(&self.plugin.calls, &mut Env::new(now(), &mut entropy, verifier, &VmSharedData))
    }

    /// Tells the streams that what they wait for has ended or may have ended.
    fn wake(&self, has_ended: impl Fn(Awaited) -> bool) {
        let waiting = self.plugin.calls.take_waiting(has_ended);
        for stream in &waiting {
            let Some(state) = stream.state.upgrade() else { continue };
            if hostcalls::set_effective_context(stream.id).is_ok()
                && let Ok(mut state) = state.try_borrow_mut()
            {
                state.awaited_may_have_ended();
            }
        }
        if !waiting.is_empty() {
            let _ = hostcalls::set_effective_context(self.id);
        }
    }

    /// Fetches keys that are due, reads the revocations of other VMs and the log level, ends the
    /// wait for bodies that are late, and sends the pending counts. The counts of the bearer token
    /// cache are sent only here, because a host call for each would cost half as much as a cache
    /// hit.
    fn work(&mut self) {
        ask_log_level();
        let CacheCounts { hits, misses, evictions } = self.runtime.take_cache_counts();
        for (event, count) in
            [(Event::TokenCacheHits, hits), (Event::TokenCacheMisses, misses), (Event::TokenCacheEvictions, evictions)]
        {
            self.plugin.counters.add(event, None, count);
        }
        self.maintain(|refresher, sync, env| {
            sync.tick(env);
            refresher.tick(env)
        });
        self.poll_etcd();
        // The wait for a fetch has a limit.
        self.wake(|awaited| awaited == Awaited::Fetch);
        for stream in self.plugin.waiting.take_late() {
            if let Some(state) = stream.state.upgrade()
                && hostcalls::set_effective_context(stream.id).is_ok()
                && let Ok(mut state) = state.try_borrow_mut()
            {
                state.body_timed_out();
            }
        }
        let _ = hostcalls::set_effective_context(self.id);
        Counters::tick();
        if let Some(now) = self.worked {
            if let Some(age) = self.runtime.store().and_then(|store| store.age(now)) {
                Counters::set("store_age_seconds", age);
            }
            if now >= self.ages_due {
                self.ages_due = now.plus(KEYS_AGE_INTERVAL);
                for (tenant, age) in self.jwks_refresher.ages(now) {
                    self.plugin.counters.set_keys_age(tenant, age);
                }
            }
            Counters::take_summary(now).iter().for_each(|line| log(Level::Info, line));
        }
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, _trailers: usize) {
        if let Some(Caller { id, state }) = self.plugin.calls.take_caller(token) {
            // The response belongs to the context of the stream.
            if let Some(state) = state.upgrade()
                && hostcalls::set_effective_context(id).is_ok()
                && let Ok(mut state) = state.try_borrow_mut()
            {
                state.called_after_wait(response(headers, body));
            }
            let _ = hostcalls::set_effective_context(self.id);
            return;
        }
        let result = response(headers, body);
        if let Some((call, id)) = self.calls.remove(&token) {
            call.ended();
            self.maintain(|refresher, _, env| refresher.called(id, result, env));
        } else {
            let ended = self.plugin_calls(|calls, env| calls.called(token, result, env));
            ended.log.iter().for_each(|line| self.log(line));
            if let Some(what) = ended.awaited {
                self.wake(|awaited| awaited == what);
            }
        }
    }
}

impl RootContext for Root {
    /// Determines the algorithms that the host can verify, once for the lifetime of the VM.
    fn on_vm_start(&mut self, _size: usize) -> bool {
        ask_log_level();
        Counters::define();
        self.plugin.trusted = HostAlgorithms::probe(&VmVerifier);
        let (host, module): (Vec<_>, Vec<_>) =
            SignatureAlgorithm::ALL.into_iter().partition(|&algorithm| self.plugin.trusted.has(algorithm));
        for algorithm in SignatureAlgorithm::ALL {
            Counters::set(&format!("host_verifies.{algorithm}"), self.plugin.trusted.has(algorithm).into());
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

    /// Does the work that is due. The ticks come more often than [`TICK`] while sessions are
    /// refreshed or requests wait for a fetch.
    fn on_tick(&mut self) {
        let lines = self.plugin_calls(|calls, env| calls.dispatch(env));
        lines.iter().for_each(|line| self.log(line));
        self.wake(|awaited| matches!(awaited, Awaited::Refresh(_) | Awaited::Store));
        let now = now();
        let has_more = self.plugin_calls(|_, env| self.runtime.compile_some(env));
        let was_early = self.plugin.calls.reset_period(TICK, has_more);
        if !was_early || now != self.worked {
            self.worked = now;
            self.work();
        } else {
            if self.plugin.calls.await_any(Awaited::Fetch) {
                self.maintain(|refresher, _, env| refresher.tick(env));
            }
            if self.plugin.calls.await_any(Awaited::Store) {
                self.poll_etcd();
            }
        }
    }

    /// Loads a configuration. Streams in progress keep the configuration that they began with. A
    /// refused configuration changes nothing.
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX).ok().flatten();
        let bytes = Arc::new(bytes.unwrap_or_default());
        let input = LoadInput::new(&bytes, variables());
        let (mut entropy, host) = (VmEntropy, self.plugin.trusted);
        let verifier = Verifier { host: &VmVerifier, trusted: host };
        let env = &mut Env::new(now(), &mut entropy, verifier, &VmSharedData);
        match config::load_in_vm(&input, &VmEnvironment, host, env) {
            Ok(loaded) => {
                self.plugin.counters = Counters::new(loaded.runtime.counts_tenants());
                let runtime = Arc::new(loaded.runtime);
                (self.runtime, self.generation) = (runtime.clone(), 0);
                self.calls.clear();
                let TenantCounts { serving, broken } = runtime.tenant_counts();
                Counters::set("tenants_serving", serving.try_into().unwrap_or(u64::MAX));
                Counters::set("tenants_broken", broken.try_into().unwrap_or(u64::MAX));
                self.maintain(|refresher, sync, env| {
                    runtime.prepare(env);
                    *sync = RevocationSync::new(runtime.revocations(), runtime.policy().lifetime, env);
                    *refresher = JwksRefresher::new(runtime.providers(), env);
                    let mut actions = Actions::default();
                    if runtime.reports_load(&input, env) {
                        let mut problems = loaded.problems;
                        // If another VM has checked the configuration before, this one does not
                        // know the mistakes.
                        if broken > 0 && problems.is_empty() {
                            let context = LoadContext { environment: &VmEnvironment, host };
                            problems = config::load(&bytes, context).map(|again| again.problems).unwrap_or_default();
                        }
                        actions.log.extend(problems.iter().map(ConfigError::log));
                        actions.log.push(runtime.load_report());
                    }
                    actions
                });
                // The host loads a configuration in a VM without ticks first.
                Counters::tick();
                if self.plugin_calls(|_, env| runtime.compile_some(env)) {
                    self.plugin.calls.reset_period(TICK, true);
                }
                true
            }
            Err(errors) => {
                for error in &errors {
                    log(Level::Error, &format!("configuration refused: {error}{}", error.advice()));
                }
                false
            }
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        let filter = Filter::new(self.runtime.clone());
        Some(Box::new(Stream::new(id, filter, self.plugin.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// The time between two records of the ages of keys. With 10,000 tenants, each record takes about a
/// millisecond.
const KEYS_AGE_INTERVAL: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_secs(1);

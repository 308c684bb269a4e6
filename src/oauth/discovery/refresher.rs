//! Keeps the fetched documents up to date: one refresher in each VM, driven by the ticks of the
//! host.
//!
//! Scenarios: tests/scenarios/keys.rs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::error::FetchError;
use super::fetch::{Fetch, FetchStep};
use super::provider::Provider;
use super::shared_store::{SharedJwksStore, changed_since, max_fetch_duration, postpone, publish};
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::Version;
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::tenant::Tenant;

/// Fetches for the tenants of one configuration. It does no input or output: it returns the calls
/// that are to be made, and receives their results.
#[derive(Default)]
pub struct JwksRefresher {
    providers: Vec<ScheduledProvider>,
    running: HashMap<FetchId, Fetch>,
    last_id: u64,
    last_change: Option<Version>,
}

/// Identifies a fetch that is in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FetchId(u64);

struct ScheduledProvider {
    provider: Arc<Provider>,
    store: SharedJwksStore,
    /// Before this time the shared schedule need not be read.
    next_look: UnixTime,
    /// The number in the shared schedule (`published`) of the documents that this VM has.
    published: u64,
}

/// The calls that are to be made, and the lines for the log.
#[derive(Default)]
pub struct Actions {
    /// The calls. Each ends with [`JwksRefresher::called`], even if the host did not make it.
    pub calls: Vec<(FetchId, HttpCall)>,
    /// Log lines, which also increment the counters.
    pub log: Vec<LogLine>,
    /// Whether a fetch of this VM or another one has ended, which requests may wait for.
    pub has_fetched: bool,
}

impl JwksRefresher {
    /// Refreshes these providers. Documents that this VM or another one has fetched before are used
    /// at once, so a new configuration does not begin without keys.
    pub fn new(providers: impl IntoIterator<Item = Arc<Provider>>, env: &Env<'_>) -> Self {
        let scheduled = providers.into_iter().filter_map(|provider| {
            let store = SharedJwksStore::new(provider.tenant())?;
            store.prepare(env.shared());
            Some(ScheduledProvider { provider, store, next_look: UnixTime(0), published: 0 })
        });
        let mut refresher = Self { providers: scheduled.collect(), ..Self::default() };
        if let Ok(now) = env.now() {
            refresher.read_published(now, env);
        }
        refresher
    }

    /// Whether no tenant fetches anything.
    pub fn is_idle(&self) -> bool {
        self.providers.is_empty()
    }

    /// Takes over documents that other VMs have fetched, and begins the fetches that are due.
    pub fn tick(&mut self, env: &Env<'_>) -> Actions {
        let mut actions = Actions::default();
        let Ok(now) = env.now() else { return actions };
        if self.is_idle() {
            return actions;
        }
        actions.has_fetched = self.read_published(now, env);
        // What requests wait for comes first, and has places of its own.
        let (requested, others): (Vec<_>, Vec<_>) =
            self.providers.iter_mut().partition(|scheduled| scheduled.provider.is_refresh_requested());
        for (providers, limit) in [(requested, MAX_RUNNING.saturating_mul(2)), (others, MAX_RUNNING)] {
            for scheduled in providers {
                if self.running.len() >= limit {
                    break;
                }
                if !scheduled.claim(now, env) {
                    continue;
                }
                let Some((fetch, call)) = Fetch::begin(&scheduled.provider) else { continue };
                self.last_id = self.last_id.wrapping_add(1);
                let id = FetchId(self.last_id);
                self.running.insert(id, fetch);
                actions.calls.push((id, call));
            }
        }
        actions
    }

    /// Continues the fetch whose call ended. A call of an unknown fetch is ignored.
    pub fn called(&mut self, id: FetchId, result: Result<CallResponse, CallFailure>, env: &mut Env<'_>) -> Actions {
        let mut actions = Actions::default();
        let (Some(fetch), Ok(now)) = (self.running.remove(&id), env.now()) else { return actions };
        match fetch.proceed(result, now) {
            FetchStep::Call(fetch, call) => {
                self.running.insert(id, fetch);
                actions.calls.push((id, call));
            }
            FetchStep::Done(provider, Ok(documents)) => {
                let omitted = documents.fetched.omitted;
                publish(&provider, documents, env);
                actions.log.push(fetched(provider.tenant(), omitted));
            }
            FetchStep::Done(provider, Err(error)) => {
                postpone(provider.tenant(), now, env);
                actions.log.push(failed(provider.tenant(), error));
            }
        }
        actions.has_fetched = actions.calls.is_empty();
        actions
    }

    /// Takes over documents that other VMs have fetched. Returns whether any fetch has ended since
    /// the last time.
    fn read_published(&mut self, now: UnixTime, env: &Env<'_>) -> bool {
        let (is_changed, version) = changed_since(env.shared(), self.last_change);
        self.last_change = version;
        for scheduled in self.providers.iter_mut().filter(|_| is_changed) {
            let published = scheduled.store.schedule(env.shared()).published;
            if published == scheduled.published {
                continue;
            }
            scheduled.published = published;
            if let Some(fetched) = scheduled.store.documents(env.shared(), scheduled.provider.tenant(), now) {
                scheduled.provider.replace(fetched);
            }
        }
        is_changed
    }
}

impl ScheduledProvider {
    /// Whether this VM is the one that fetches now.
    fn claim(&mut self, now: UnixTime, env: &Env<'_>) -> bool {
        let requested = self.provider.is_refresh_requested();
        // If the clock was set back, the VM must not wait until the old time is reached again.
        let set_back = self.next_look > now.plus(self.longest_wait());
        if !requested && now < self.next_look && !set_back {
            return false;
        }
        let claimed = self.store.claim(env.shared(), self.provider.tenant(), now, requested);
        if claimed {
            self.provider.refresh_begins();
        }
        self.next_look = self.store.schedule(env.shared()).next;
        claimed
    }

    fn longest_wait(&self) -> Duration {
        let tenant = self.provider.tenant();
        let interval = tenant.provider.source.as_ref().map(|source| source.interval);
        interval.unwrap_or_default().max(max_fetch_duration(tenant))
    }
}

fn fetched(tenant: &Tenant, omitted: usize) -> LogLine {
    let rest = if omitted == 0 { String::new() } else { format!("; {omitted} of no use here were left out") };
    log_line(Level::Info, Event::JwksFetched, tenant, &format!("the keys of the issuer were fetched{rest}"))
}

fn failed(tenant: &Tenant, error: FetchError) -> LogLine {
    let reason = format!("{error}; what was fetched before stays in use");
    log_line(Level::Warn, Event::JwksFetchFailed, tenant, &reason)
}

fn log_line(level: Level, event: Event, tenant: &Tenant, reason: &str) -> LogLine {
    LogLine { level, event, text: format!("{event} tenant={}: {reason}", tenant.name) }
}

/// Limits how many fetches run at the same time when there are thousands of tenants. As many more
/// may run that clients have caused.
const MAX_RUNNING: usize = 16;

//! Keeping what was fetched up to date: one refresher in each VM, driven by the ticks of the host.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::error::FetchError;
use super::fetch::{Fetch, FetchStep};
use super::provider::Provider;
use super::shared_store::{SharedJwksStore, news, patience, publish, put_off};
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::Version;
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::tenant::Tenant;

/// Fetches for the tenants of one configuration. It does no input or output: it says which calls are to be made, and
/// is told how they ended.
#[derive(Default)]
pub struct JwksRefresher {
    providers: Vec<ScheduledProvider>,
    running: HashMap<FetchId, Fetch>,
    last_id: u64,
    news: Option<Version>,
}

/// The name of a fetch that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FetchId(u64);

struct ScheduledProvider {
    provider: Arc<Provider>,
    store: SharedJwksStore,
    /// Before this time the schedule need not be read.
    next_look: UnixTime,
    /// The number of the published documents that this VM has.
    published: u64,
}

/// What is to be done and logged.
#[derive(Default)]
pub struct Actions {
    /// Calls to be made. Each ends with [`JwksRefresher::called`], also if the host does not make it.
    pub calls: Vec<(FetchId, HttpCall)>,
    /// For the log and the counters.
    pub log: Vec<LogLine>,
}

impl JwksRefresher {
    /// Refreshes these providers. What this or another VM has fetched before is put into use at once, so a new
    /// configuration does not begin without keys.
    pub fn new(providers: impl IntoIterator<Item = Arc<Provider>>, env: &Env<'_>) -> Self {
        let scheduled = providers.into_iter().filter_map(|provider| {
            let store = SharedJwksStore::new(provider.tenant())?;
            store.prepare(env.shared());
            Some(ScheduledProvider { provider, store, next_look: UnixTime(0), published: 0 })
        });
        let mut refresher = Self { providers: scheduled.collect(), ..Self::default() };
        if let Ok(now) = env.now() {
            refresher.read_news(now, env);
        }
        refresher
    }

    /// Whether it never has anything to do.
    pub fn is_idle(&self) -> bool {
        self.providers.is_empty()
    }

    /// Reads what other VMs have fetched, and begins the fetches that are due.
    pub fn tick(&mut self, env: &Env<'_>) -> Actions {
        let mut actions = Actions::default();
        let Ok(now) = env.now() else { return actions };
        if self.is_idle() {
            return actions;
        }
        self.read_news(now, env);
        for scheduled in &mut self.providers {
            if self.running.len() >= MAX_RUNNING {
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
        actions
    }

    /// A call ended. A call that belongs to no fetch of this refresher is ignored.
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
                put_off(provider.tenant(), now, env);
                actions.log.push(failed(provider.tenant(), error));
            }
        }
        actions
    }

    fn read_news(&mut self, now: UnixTime, env: &Env<'_>) {
        let (is_news, version) = news(env.shared(), self.news);
        self.news = version;
        for scheduled in self.providers.iter_mut().filter(|_| is_news) {
            let published = scheduled.store.schedule(env.shared()).published;
            if published == scheduled.published {
                continue;
            }
            scheduled.published = published;
            if let Some(fetched) = scheduled.store.documents(env.shared(), scheduled.provider.tenant(), now) {
                scheduled.provider.replace(fetched);
            }
        }
    }
}

impl ScheduledProvider {
    /// Whether this VM is the one that fetches now.
    fn claim(&mut self, now: UnixTime, env: &Env<'_>) -> bool {
        let requested = self.provider.is_refresh_requested();
        // After a clock was set back, the next look must not wait for the old time to come again.
        let set_back = self.next_look > now.plus(self.longest_wait());
        if !requested && now < self.next_look && !set_back {
            return false;
        }
        let claimed = self.store.claim(env.shared(), self.provider.tenant(), now, requested);
        self.next_look = self.store.schedule(env.shared()).next;
        claimed
    }

    fn longest_wait(&self) -> Duration {
        let tenant = self.provider.tenant();
        let interval = tenant.provider.source.as_ref().map(|source| source.interval);
        interval.unwrap_or_default().max(patience(tenant))
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

/// With thousands of tenants not all begin in the same moment.
const MAX_RUNNING: usize = 16;

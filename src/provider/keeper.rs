//! Keeping what was fetched up to date: one keeper in each VM, driven by the ticks of the host.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::fetch::{Fetch, FetchProblem, Progress};
use super::record::{Shelf, news, patience, publish, put_off};
use crate::call::{CallFailure, CallResponse, HttpCall};
use crate::env::{Env, UnixTime};
use crate::gate::{Entry, Gate};
use crate::reply::{Level, Note};
use crate::shared::Version;
use crate::tenant::Tenant;

/// Fetches for the tenants of one configuration. Like the filter it does nothing itself: it says which calls are to be made, and is told
/// how they ended.
#[derive(Default)]
pub struct Keeper {
    kept: Vec<Kept>,
    running: HashMap<FetchId, Fetch>,
    last_id: u64,
    news: Option<Version>,
}

/// Names a fetch that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FetchId(u64);

struct Kept {
    tenant: Arc<Tenant>,
    shelf: Shelf,
    /// Before this there is no need to look at the schedule.
    look: UnixTime,
    /// Which of the published documents this VM has.
    published: u64,
}

/// What a keeper wants done, and what it has to say.
#[derive(Default)]
pub struct Errands {
    /// Calls to be made. Each ends with [`Keeper::called`], also if the host does not make it.
    pub calls: Vec<(FetchId, HttpCall)>,
    /// For the log and the counters.
    pub notes: Vec<Note>,
}

impl Keeper {
    /// A keeper for `gate`, which already puts into use what other VMs, or this one before, have fetched. So a new configuration does
    /// not begin without keys.
    pub fn new(gate: &Gate, env: &Env<'_>) -> Self {
        let tenants = gate.entries().iter().filter_map(|entry| match entry {
            Entry::Serving(tenant) => Some(tenant.clone()),
            Entry::Broken(_) => None,
        });
        let kept = tenants.filter_map(|tenant| {
            let shelf = Shelf::of(&tenant)?;
            shelf.prepare(env.shared());
            Some(Kept { tenant, shelf, look: UnixTime(0), published: 0 })
        });
        let mut keeper = Self { kept: kept.collect(), ..Self::default() };
        if let Ok(now) = env.now() {
            keeper.read_news(now, env);
        }
        keeper
    }

    /// Whether it ever has anything to do.
    pub fn is_idle(&self) -> bool {
        self.kept.is_empty()
    }

    /// Time for what is due: reads what other VMs have fetched, and begins to fetch what nobody has.
    pub fn tick(&mut self, env: &Env<'_>) -> Errands {
        let mut errands = Errands::default();
        let Ok(now) = env.now() else { return errands };
        if self.is_idle() {
            return errands;
        }
        self.read_news(now, env);
        for kept in &mut self.kept {
            if self.running.len() >= MAX_RUNNING {
                break;
            }
            if !kept.takes_it_on(now, env) {
                continue;
            }
            let Some((fetch, call)) = Fetch::begin(&kept.tenant) else { continue };
            self.last_id = self.last_id.wrapping_add(1);
            let id = FetchId(self.last_id);
            self.running.insert(id, fetch);
            errands.calls.push((id, call));
        }
        errands
    }

    /// A call ended. What belongs to no fetch of this keeper is ignored.
    pub fn called(&mut self, id: FetchId, result: Result<CallResponse, CallFailure>, env: &mut Env<'_>) -> Errands {
        let mut errands = Errands::default();
        let (Some(fetch), Ok(now)) = (self.running.remove(&id), env.now()) else { return errands };
        match fetch.proceed(result, now) {
            Progress::Call(fetch, call) => {
                self.running.insert(id, fetch);
                errands.calls.push((id, call));
            }
            Progress::Done(tenant, Ok(documents)) => {
                let left_out = documents.fetched.left_out;
                publish(&tenant, documents, env);
                errands.notes.push(fetched(&tenant, left_out));
            }
            Progress::Done(tenant, Err(problem)) => {
                put_off(&tenant, now, env);
                errands.notes.push(failed(&tenant, problem));
            }
        }
        errands
    }

    fn read_news(&mut self, now: UnixTime, env: &Env<'_>) {
        let (is_news, mark) = news(env.shared(), self.news);
        self.news = mark;
        for kept in self.kept.iter_mut().filter(|_| is_news) {
            let published = kept.shelf.schedule(env.shared()).published;
            if published == kept.published {
                continue;
            }
            kept.published = published;
            if let Some(fetched) = kept.shelf.documents(env.shared(), &kept.tenant, now) {
                kept.tenant.provider.fetched.put(fetched);
            }
        }
    }
}

impl Kept {
    /// Whether this VM is the one that fetches now.
    fn takes_it_on(&mut self, now: UnixTime, env: &Env<'_>) -> bool {
        let wanted = self.tenant.provider.fetched.is_wanted();
        // A clock that was put back must not make it wait for the old time to come again.
        let put_back = self.look > now.plus(self.longest_wait());
        if !wanted && now < self.look && !put_back {
            return false;
        }
        let claimed = self.shelf.claim(env.shared(), &self.tenant, now, wanted);
        self.look = self.shelf.schedule(env.shared()).next;
        claimed
    }

    fn longest_wait(&self) -> Duration {
        let interval = self.tenant.provider.source.as_ref().map(|source| source.interval);
        interval.unwrap_or_default().max(patience(&self.tenant))
    }
}

fn fetched(tenant: &Tenant, left_out: usize) -> Note {
    let rest = if left_out == 0 { String::new() } else { format!("; {left_out} of no use here were left out") };
    let line = format!("keys_fetched tenant={}: the keys of the issuer were fetched{rest}", tenant.name);
    Note { level: Level::Info, event: "keys_fetched", line }
}

fn failed(tenant: &Tenant, problem: FetchProblem) -> Note {
    let line = format!("keys_not_fetched tenant={}: {problem}; what was fetched before stays in use", tenant.name);
    Note { level: Level::Warn, event: "keys_not_fetched", line }
}

/// With thousands of tenants not all begin in the same moment.
const MAX_RUNNING: usize = 16;

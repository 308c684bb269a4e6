//! The tenants that this VM has found, by host. The numbers are bounded: of tenants, of hosts
//! without one, and of lookups.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::followed::FollowedLog;
use crate::base::time::UnixTime;
use crate::env::shared::Version;
use crate::http::host::Host;
use crate::runtime::tenant_table::{ServedTenant, TenantEntry};

/// What is known of the tenant of a host.
#[derive(Debug)]
pub(crate) enum Found {
    /// Its tenant.
    Tenant(TenantEntry),
    /// It has none.
    Absent,
    /// etcd has not said, a moment ago.
    Away,
    /// It has to be looked up.
    Unknown,
}

/// A tenant that was found, by its name in lower case.
#[derive(Clone, Debug)]
pub(super) struct FoundTenant {
    pub(super) name: String,
    pub(super) entry: TenantEntry,
}

#[derive(Debug)]
pub(super) struct Cache {
    most_tenants: usize,
    hosts: HashMap<Host, Held>,
    /// The hosts without a tenant.
    others: HashMap<Host, Without>,
    lookups: HashMap<Host, Arc<AtomicBool>>,
    log: FollowedLog,
    version: Option<Version>,
    /// Counts the uses, so that the oldest use is known.
    uses: u64,
    generation: u64,
    /// The second in which hosts without a tenant were found last, and how many.
    absent: (UnixTime, u32),
}

/// The tenant of a host, and its last use.
#[derive(Debug)]
struct Held {
    tenant: Arc<FoundTenant>,
    used: u64,
}

/// Why a host has no tenant, and until when that is known.
#[derive(Debug)]
struct Without {
    is_away: bool,
    until: UnixTime,
}

impl Cache {
    pub(super) fn new(most_tenants: usize) -> Self {
        Self {
            most_tenants,
            hosts: HashMap::new(),
            others: HashMap::new(),
            lookups: HashMap::new(),
            log: FollowedLog::default(),
            version: None,
            uses: 0,
            generation: 0,
            absent: (UnixTime(0), 0),
        }
    }

    /// What is known of the tenant of this host.
    pub(super) fn find(&mut self, host: &Host, now: UnixTime) -> Found {
        self.uses = self.uses.saturating_add(1);
        if let Some(held) = self.hosts.get_mut(host) {
            held.used = self.uses;
            return Found::Tenant(held.tenant.entry.clone());
        }
        match self.others.get(host) {
            Some(without) if (now..=now.plus(ABSENT)).contains(&without.until) => {
                if without.is_away {
                    Found::Away
                } else {
                    Found::Absent
                }
            }
            _ => Found::Unknown,
        }
    }

    /// The lookup of this host that is in progress, or a new one. `None` if too many are in
    /// progress, or too many hosts without a tenant were asked for in this second: whoever asks for
    /// ever new hosts must not load etcd.
    pub(super) fn look_up(&mut self, host: &Host, now: UnixTime) -> Option<(Arc<AtomicBool>, bool)> {
        if let Some(lookup) = self.lookups.get(host) {
            return Some((lookup.clone(), false));
        }
        if self.lookups.len() >= MOST_LOOKUPS || (self.absent.0 == now && self.absent.1 >= MOST_ABSENT) {
            return None;
        }
        let lookup = Arc::<AtomicBool>::default();
        self.lookups.insert(host.clone(), lookup.clone());
        Some((lookup, true))
    }

    /// The lookup of this host has ended.
    pub(super) fn looked_up(&mut self, host: &Host) {
        self.lookups.remove(host);
    }

    /// The tenant with this name, if one of its hosts was found before.
    pub(super) fn tenant(&self, name: &str) -> Option<Arc<FoundTenant>> {
        self.hosts.values().find(|held| held.tenant.name == name).map(|held| held.tenant.clone())
    }

    /// Keeps the tenant of a host. Returns whether it is current: the log ended with `since` when
    /// it was read.
    pub(super) fn keep(&mut self, host: &Host, tenant: &Arc<FoundTenant>, since: u64) -> bool {
        if self.log.has_changed(since, Some(&tenant.name), host) {
            return false;
        }
        self.uses = self.uses.saturating_add(1);
        self.others.remove(host);
        self.hosts.insert(host.clone(), Held { tenant: tenant.clone(), used: self.uses });
        while self.hosts.len() > self.most_tenants {
            let Some(oldest) = self.hosts.iter().min_by_key(|(_, held)| held.used).map(|(host, _)| host.clone()) else {
                break;
            };
            self.hosts.remove(&oldest);
        }
        self.generation = self.generation.wrapping_add(1);
        true
    }

    /// Keeps for a while that a host has no tenant, or that etcd did not say.
    pub(super) fn keep_without(&mut self, host: &Host, is_away: bool, now: UnixTime) {
        if self.others.len() >= MOST_OTHERS {
            self.others.clear();
        }
        if !is_away {
            self.absent = if self.absent.0 == now { (now, self.absent.1.saturating_add(1)) } else { (now, 1) };
        }
        let until = now.plus(if is_away { AWAY } else { ABSENT });
        match self.others.entry(host.clone()) {
            Entry::Occupied(mut held) => drop(held.insert(Without { is_away, until })),
            Entry::Vacant(free) => drop(free.insert(Without { is_away, until })),
        }
    }

    /// Whether the log in the shared data is another than the one that is known.
    pub(super) fn is_new(&self, version: Version) -> bool {
        self.version != Some(version)
    }

    /// Forgets what has changed.
    pub(super) fn follow(&mut self, log: FollowedLog, version: Option<Version>) {
        // A log that is shorter than before is one of another etcd.
        let is_same = log.cluster == self.log.cluster && log.number >= self.log.number;
        let (since, before) = (self.log.number, self.hosts.len());
        if is_same && since >= log.from {
            self.hosts.retain(|host, held| !log.has_changed(since, Some(&held.tenant.name), host));
            self.others.retain(|host, _| !log.has_changed(since, None, host));
        } else {
            self.hosts.clear();
            self.others.clear();
        }
        if self.hosts.len() != before {
            self.generation = self.generation.wrapping_add(1);
        }
        (self.log, self.version) = (log, version);
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The tenants that serve, each once.
    pub(super) fn served(&self) -> Vec<Arc<ServedTenant>> {
        let mut by_name = HashMap::new();
        for held in self.hosts.values() {
            if let TenantEntry::Served(served) = &held.tenant.entry {
                by_name.insert(held.tenant.name.as_str(), served.clone());
            }
        }
        by_name.into_values().collect()
    }
}

/// How long it is known that a host has no tenant, unless the log says that it has one now.
const ABSENT: Duration = Duration::from_secs(10);
/// How long etcd is not asked again for a host after it has not answered.
const AWAY: Duration = Duration::from_secs(1);
/// The most hosts without a tenant that are known.
const MOST_OTHERS: usize = 1024;
/// The most lookups in progress.
const MOST_LOOKUPS: usize = 64;
/// The most hosts without a tenant that are looked up in one second.
const MOST_ABSENT: u32 = 20;

//! The tenants that this VM has found, by host. The numbers are bounded: of tenants, of hosts
//! without one, and of lookups.

use std::collections::{BTreeMap, HashMap};
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
    most_tenants: u32,
    hosts: HashMap<Host, HeldHost>,
    /// How many of the hosts have a tenant, have none, and are looked up.
    counts: [u32; 3],
    log: FollowedLog,
    version: Option<Version>,
    /// Counts the uses, so that the oldest use is known.
    uses: u64,
    generation: u64,
    /// The second in which hosts without a tenant were found last, and how many.
    absent: (UnixTime, u32),
}

/// What is known of a host, and its last use.
#[derive(Debug)]
struct HeldHost {
    used: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Tenant(Arc<FoundTenant>),
    /// It has no tenant, or etcd was away. This is known until then.
    Without {
        is_away: bool,
        until: UnixTime,
    },
    /// The flag says that the lookup has ended.
    LookedUp(Arc<AtomicBool>),
}

impl What {
    /// Its place in [`Cache::counts`].
    fn kind(&self) -> usize {
        match self {
            Self::Tenant(_) => TENANTS,
            Self::Without { .. } => OTHERS,
            Self::LookedUp(_) => LOOKUPS,
        }
    }

    fn tenant(&self) -> Option<&Arc<FoundTenant>> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Without { .. } | Self::LookedUp(_) => None,
        }
    }
}

impl Cache {
    pub(super) fn new(most_tenants: u32) -> Self {
        Self {
            most_tenants,
            hosts: HashMap::new(),
            counts: [0; 3],
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
        let Some(held) = self.hosts.get_mut(host) else { return Found::Unknown };
        held.used = self.uses;
        match &held.what {
            What::Tenant(tenant) => Found::Tenant(tenant.entry.clone()),
            What::Without { is_away, until } if (now..=now.plus(ABSENT)).contains(until) => {
                if *is_away {
                    Found::Away
                } else {
                    Found::Absent
                }
            }
            What::Without { .. } | What::LookedUp(_) => Found::Unknown,
        }
    }

    /// The lookup of this host that is in progress, or a new one. `None` if too many are in
    /// progress, or too many hosts without a tenant were found in this second: whoever asks for
    /// ever new hosts must not load etcd.
    pub(super) fn look_up(&mut self, host: &Host, now: UnixTime) -> Option<(Arc<AtomicBool>, bool)> {
        if let Some(HeldHost { what: What::LookedUp(lookup), .. }) = self.hosts.get(host) {
            return Some((lookup.clone(), false));
        }
        if self.counts[LOOKUPS] >= MOST_LOOKUPS || (self.absent.0 == now && self.absent.1 >= MOST_ABSENT) {
            return None;
        }
        let lookup = Arc::<AtomicBool>::default();
        self.put(host, What::LookedUp(lookup.clone()));
        Some((lookup, true))
    }

    /// The tenant with this name, if one of its hosts was found before.
    pub(super) fn tenant(&self, name: &str) -> Option<Arc<FoundTenant>> {
        self.hosts.values().filter_map(|held| held.what.tenant()).find(|tenant| tenant.name == name).cloned()
    }

    /// Ends the lookup of a host with its tenant. Returns whether that is current: the log ended
    /// with `since` when it was read. Otherwise the lookup goes on.
    pub(super) fn keep(&mut self, host: &Host, tenant: &Arc<FoundTenant>, since: u64) -> bool {
        if self.log.has_changed(since, Some(&tenant.name), host) {
            return false;
        }
        self.put(host, What::Tenant(tenant.clone()));
        self.generation = self.generation.wrapping_add(1);
        true
    }

    /// Ends the lookup of a host without a tenant, or of which etcd did not say. That is known for
    /// a while.
    pub(super) fn keep_without(&mut self, host: &Host, is_away: bool, now: UnixTime) {
        if !is_away {
            self.absent = if self.absent.0 == now { (now, self.absent.1.saturating_add(1)) } else { (now, 1) };
        }
        let until = now.plus(if is_away { AWAY } else { ABSENT });
        self.put(host, What::Without { is_away, until });
    }

    /// Puts in what is known of a host. Of too many of the kind, the one goes that was not used for
    /// the longest time.
    fn put(&mut self, host: &Host, what: What) {
        self.uses = self.uses.saturating_add(1);
        let kind = what.kind();
        let before = self.hosts.insert(host.clone(), HeldHost { used: self.uses, what });
        self.count(before.map(|held| held.what.kind()), Some(kind));
        let most = if kind == TENANTS { self.most_tenants } else { MOST_OTHERS };
        if self.counts.get(kind).is_some_and(|count| *count > most) {
            let of_kind = self.hosts.iter().filter(|(_, held)| held.what.kind() == kind);
            let oldest = of_kind.min_by_key(|(_, held)| held.used).map(|(host, _)| host.clone());
            if oldest.and_then(|oldest| self.hosts.remove(&oldest)).is_some() {
                self.count(Some(kind), None);
            }
        }
    }

    fn count(&mut self, less: Option<usize>, more: Option<usize>) {
        if let Some(count) = less.and_then(|kind| self.counts.get_mut(kind)) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = more.and_then(|kind| self.counts.get_mut(kind)) {
            *count = count.saturating_add(1);
        }
    }

    /// Whether the log in the shared data is another than the one that is known.
    pub(super) fn is_new(&self, version: Version) -> bool {
        self.version != Some(version)
    }

    /// Forgets what has changed. Lookups in progress notice it at their end.
    pub(super) fn follow(&mut self, log: FollowedLog, version: Option<Version>) {
        // A log that is shorter than before is one of another etcd.
        let is_same = log.cluster == self.log.cluster && log.number >= self.log.number;
        let since = self.log.number;
        let is_complete = is_same && since >= log.from;
        let is_current = |host: &Host, held: &HeldHost| {
            let name = held.what.tenant().map(|tenant| tenant.name.as_str());
            held.what.kind() == LOOKUPS || (is_complete && !log.has_changed(since, name, host))
        };
        let (tenants, mut counts) = (self.counts[TENANTS], [0u32; 3]);
        self.hosts.retain(|host, held| {
            let stays = is_current(host, held);
            if let Some(count) = counts.get_mut(held.what.kind()).filter(|_| stays) {
                *count = count.saturating_add(1);
            }
            stays
        });
        self.counts = counts;
        if counts[TENANTS] != tenants {
            self.generation = self.generation.wrapping_add(1);
        }
        (self.log, self.version) = (log, version);
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The tenants that serve, each once.
    pub(super) fn served(&self) -> Vec<Arc<ServedTenant>> {
        let mut seen = BTreeMap::<u64, u64>::new();
        let served = self.hosts.values().filter_map(|held| match &held.what.tenant()?.entry {
            TenantEntry::Served(served) => Some(served),
            TenantEntry::Broken(_) => None,
        });
        served.filter(|served| seen.insert(served.settings, 0).is_none()).cloned().collect()
    }
}

/// The kinds of hosts, by their places in [`Cache::counts`].
const TENANTS: usize = 0;
const OTHERS: usize = 1;
const LOOKUPS: usize = 2;
/// How long it is known that a host has no tenant, unless the log says that it has one now.
const ABSENT: Duration = Duration::from_secs(10);
/// How long etcd is not asked again for a host after it has not answered.
const AWAY: Duration = Duration::from_secs(1);
/// The most hosts without a tenant that are known.
const MOST_OTHERS: u32 = 1024;
/// The most lookups in progress.
const MOST_LOOKUPS: u32 = 64;
/// The most hosts without a tenant that are looked up in one second.
const MOST_ABSENT: u32 = 20;

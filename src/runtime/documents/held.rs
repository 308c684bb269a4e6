//! What is known of hosts: a table that holds so many of each kind. Of too many, the one goes that
//! was not used for the longest time.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::flood::HintKind;
use crate::base::time::UnixTime;
use crate::http::host::Host;
use crate::runtime::tenant_table::TenantEntry;

/// A tenant that was found, by its name in lower case.
#[derive(Clone, Debug)]
pub(super) struct FoundTenant {
    pub(super) name: String,
    pub(super) entry: TenantEntry,
}

/// Whether the host is one of the tenant, which the index names for it. Those of a value that is no
/// document are not known.
pub(super) fn has_host(entry: &TenantEntry, host: &Host) -> bool {
    let hosts = entry.hosts();
    hosts.is_empty() || hosts.iter().any(|pattern| pattern.matches(host))
}

/// What is known of a host.
#[derive(Debug)]
pub(super) enum What {
    Tenant(Arc<FoundTenant>),
    /// It has no tenant, or etcd was away. This is known until then.
    Without {
        is_away: bool,
        until: UnixTime,
    },
    /// The flag says that the lookup has ended. After the time it counts as lost.
    LookedUp(Arc<AtomicBool>, UnixTime, HintKind),
}

impl What {
    /// Its place in [`HeldHosts::counts`].
    fn kind(&self) -> usize {
        match self {
            Self::Tenant(_) => TENANTS,
            Self::Without { .. } => OTHERS,
            Self::LookedUp(_, _, hint) => looked_up(*hint),
        }
    }

    fn tenant(&self) -> Option<&Arc<FoundTenant>> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Without { .. } | Self::LookedUp(..) => None,
        }
    }
}

#[derive(Debug)]
struct Held {
    /// Its last use.
    used: u64,
    what: What,
    /// The domain of the wildcard by which it was found.
    wildcard: Option<String>,
}

#[derive(Debug)]
pub(super) struct HeldHosts {
    most_tenants: u32,
    hosts: HashMap<Host, Held>,
    /// The domains of wildcards, each with a host that was found by it. It may be forgotten since.
    wildcards: Vec<(String, Host)>,
    /// How many of the hosts have a tenant, have none, and are looked up, by the hint.
    counts: [u32; 5],
    /// Counts the uses.
    uses: u64,
}

impl HeldHosts {
    /// Holds so many hosts with a tenant.
    pub(super) fn new(most_tenants: u32) -> Self {
        Self { most_tenants, hosts: HashMap::new(), wildcards: Vec::new(), counts: [0; 5], uses: 0 }
    }

    /// What is known of this host, which is a use.
    pub(super) fn get(&mut self, host: &Host) -> Option<&What> {
        self.uses = self.uses.saturating_add(1);
        let held = self.hosts.get_mut(host)?;
        held.used = self.uses;
        Some(&held.what)
    }

    /// A host that was found by the wildcard of this domain.
    pub(super) fn found_by(&self, wildcard: &str) -> Option<&Host> {
        let (_, host) = self.wildcards.iter().find(|(domain, _)| domain == wildcard)?;
        let held = self.hosts.get(host)?;
        (held.wildcard.as_deref() == Some(wildcard)).then_some(host)
    }

    /// The tenants of the hosts. One with several hosts is there several times.
    pub(super) fn tenants(&self) -> impl Iterator<Item = &Arc<FoundTenant>> {
        self.hosts.values().filter_map(|held| held.what.tenant())
    }

    /// How many hosts with this hint are looked up.
    pub(super) fn lookups(&self, hint: HintKind) -> u32 {
        self.counts.get(looked_up(hint)).copied().unwrap_or_default()
    }

    /// Puts in what is known of a host, and the wildcard by which it was found.
    pub(super) fn put(&mut self, host: &Host, what: What, wildcard: Option<&str>) {
        self.uses = self.uses.saturating_add(1);
        let kind = what.kind();
        let wildcard = wildcard.map(str::to_owned);
        if let Some(domain) = &wildcard {
            let mut is_too_old = self.wildcards.len() >= MOST_WILDCARDS;
            self.wildcards.retain(|(other, _)| !std::mem::take(&mut is_too_old) && other != domain);
            self.wildcards.push((domain.clone(), host.clone()));
        }
        let before = self.hosts.insert(host.clone(), Held { used: self.uses, what, wildcard });
        self.count(before.map(|held| held.what.kind()), Some(kind));
        let most = if kind == TENANTS { self.most_tenants } else { MOST_OTHERS };
        if self.counts.get(kind).is_some_and(|count| *count > most) {
            self.forget_oldest(|held| held.what.kind() == kind);
        }
    }

    /// Forgets a host of this tenant, if it has as many as a tenant may have.
    pub(super) fn make_room_for(&mut self, tenant: &str) {
        let is_own = |held: &Held| held.what.tenant().is_some_and(|own| own.name == tenant);
        if self.hosts.values().filter(|held| is_own(held)).count() >= MOST_HOSTS {
            self.forget_oldest(is_own);
        }
    }

    /// Forgets the host that was not used for the longest time, of those that this is true of.
    fn forget_oldest(&mut self, is_of: impl Fn(&Held) -> bool) {
        let of_them = self.hosts.iter().filter(|(_, held)| is_of(held));
        let oldest = of_them.min_by_key(|(_, held)| held.used).map(|(host, _)| host.clone());
        if let Some(held) = oldest.and_then(|oldest| self.hosts.remove(&oldest)) {
            self.count(Some(held.what.kind()), None);
        }
    }

    /// Forgets the hosts that this is not true of, but no lookup. It gets the name of the tenant.
    /// Returns whether a tenant has gone.
    pub(super) fn retain(&mut self, is_current: impl Fn(&Host, Option<&str>) -> bool) -> bool {
        let tenants = self.counts[TENANTS];
        let mut counts = [0u32; 5];
        self.hosts.retain(|host, held| {
            let name = held.what.tenant().map(|tenant| tenant.name.as_str());
            let stays = matches!(held.what, What::LookedUp(..)) || is_current(host, name);
            if let Some(count) = counts.get_mut(held.what.kind()).filter(|_| stays) {
                *count = count.saturating_add(1);
            }
            stays
        });
        self.counts = counts;
        counts[TENANTS] != tenants
    }

    fn count(&mut self, less: Option<usize>, more: Option<usize>) {
        if let Some(count) = less.and_then(|kind| self.counts.get_mut(kind)) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = more.and_then(|kind| self.counts.get_mut(kind)) {
            *count = count.saturating_add(1);
        }
    }
}

/// The places in [`HeldHosts::counts`].
const TENANTS: usize = 0;
const OTHERS: usize = 1;

fn looked_up(hint: HintKind) -> usize {
    match hint {
        HintKind::None => 2,
        HintKind::Exact => 3,
        HintKind::Below => 4,
    }
}

/// The most hosts without a tenant that are known.
const MOST_OTHERS: u32 = 1024;
/// The most wildcards of which a host is known.
const MOST_WILDCARDS: usize = 1024;
/// The most hosts of one tenant. Anybody can ask for ever new hosts below a wildcard.
const MOST_HOSTS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        Host::from_name(name).unwrap()
    }

    fn tenant(name: &str) -> What {
        What::Tenant(Arc::new(FoundTenant { name: name.to_owned(), entry: TenantEntry::Broken(Arc::default()) }))
    }

    fn names(held: &HeldHosts) -> Vec<&str> {
        let mut names: Vec<&str> = held.hosts.keys().map(Host::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn the_host_goes_that_was_not_used_for_the_longest_time() {
        let mut held = HeldHosts::new(3);
        ["a", "b", "c"].iter().for_each(|name| held.put(&host(name), tenant(name), None));
        assert!(held.get(&host("a")).is_some());
        held.put(&host("d"), tenant("d"), None);
        assert_eq!(names(&held), ["a", "c", "d"]);
        // Hosts without a tenant take no places of those with one.
        for number in 0..2 * MOST_OTHERS {
            let away = What::Without { is_away: true, until: UnixTime(0) };
            held.put(&host(&format!("n{number}")), away, None);
        }
        assert_eq!(held.counts, [3, MOST_OTHERS, 0, 0, 0]);
        assert_eq!(held.hosts.len(), 3 + usize::try_from(MOST_OTHERS).unwrap());
    }

    /// Whoever asks for ever new hosts below the wildcard of one tenant forgets no other one.
    #[test]
    fn a_tenant_takes_a_few_places_only() {
        let mut held = HeldHosts::new(100);
        held.put(&host("other.example"), tenant("other"), None);
        for number in 0..200 {
            held.make_room_for("a");
            held.put(&host(&format!("h{number}.a.example")), tenant("a"), Some("a.example"));
        }
        assert!(held.get(&host("other.example")).is_some() && held.get(&host("h199.a.example")).is_some());
        assert_eq!(usize::try_from(held.counts[TENANTS]).unwrap(), MOST_HOSTS + 1);
    }

    /// Also if the host is found again in another way.
    #[test]
    fn a_wildcard_is_known_while_a_host_is_that_it_found() {
        let mut held = HeldHosts::new(3);
        held.put(&host("b.a.example"), tenant("a"), Some("a.example"));
        assert_eq!(held.found_by("a.example"), Some(&host("b.a.example")));
        assert_eq!(held.found_by("example"), None);
        held.put(&host("b.a.example"), tenant("b"), None);
        assert_eq!(held.found_by("a.example"), None);
        held.put(&host("c.a.example"), tenant("a"), Some("a.example"));
        assert_eq!(held.found_by("a.example"), Some(&host("c.a.example")));
        assert!(held.retain(|_, tenant| tenant != Some("a")));
        assert_eq!((held.found_by("a.example"), names(&held)), (None, vec!["b.a.example"]));
        // The list of wildcards is bounded, too.
        let mut held = HeldHosts::new(10_000);
        for number in 0..2 * MOST_WILDCARDS {
            held.put(&host(&format!("x.w{number}.example")), tenant("w"), Some(&format!("w{number}.example")));
        }
        assert_eq!(held.wildcards.len(), MOST_WILDCARDS);
        assert!(held.found_by("w2047.example").is_some() && held.found_by("w1023.example").is_none());
    }
}

//! The tenants that this VM has found, by host. The numbers are bounded: of hosts with a tenant, of
//! those without one, and of lookups.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::flood::{Flood, Hint, HintKind};
use super::followed::{FollowedLog, KnownLog};
use super::summary::IndexSummary;
use crate::base::time::UnixTime;
use crate::env::shared::Version;
use crate::http::host::{Host, HostPattern};
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

/// When something was read from etcd: the last number of its log, and what this VM knew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) number: u64,
    /// The id of the etcd cluster.
    pub(super) cluster: u64,
    /// How often this VM had forgotten everything.
    pub(super) cleared: u64,
}

#[derive(Debug)]
pub(super) struct Cache {
    most_hosts: u32,
    hosts: HashMap<Host, HeldHost>,
    /// How many of the hosts have a tenant, have none, and are looked up.
    counts: [u32; 3],
    known: KnownLog,
    version: Option<Version>,
    /// Counts the uses, so that the oldest use is known.
    uses: u64,
    generation: u64,
    flood: Flood,
    /// How often everything was forgotten.
    cleared: u64,
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
    /// The flag says that the lookup has ended. After the time it counts as lost.
    LookedUp(Arc<AtomicBool>, UnixTime, HintKind),
}

impl What {
    /// Its place in [`Cache::counts`].
    fn kind(&self) -> usize {
        match self {
            Self::Tenant(_) => TENANTS,
            Self::Without { .. } => OTHERS,
            Self::LookedUp(..) => LOOKUPS,
        }
    }

    fn tenant(&self) -> Option<&Arc<FoundTenant>> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Without { .. } | Self::LookedUp(..) => None,
        }
    }
}

impl Cache {
    pub(super) fn new(most_hosts: u32) -> Self {
        Self {
            most_hosts,
            hosts: HashMap::new(),
            counts: [0; 3],
            known: KnownLog::default(),
            version: None,
            uses: 0,
            generation: 0,
            flood: Flood::default(),
            cleared: 0,
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
            What::Without { .. } | What::LookedUp(..) => Found::Unknown,
        }
    }

    /// The lookup of this host that is in progress, or a new one. `None` if too many are in
    /// progress, or too many hosts without a tenant were found in this second.
    pub(super) fn look_up(&mut self, host: &Host, hint: &Hint, now: UnixTime) -> Option<(Arc<AtomicBool>, bool)> {
        if let Some(HeldHost { what: What::LookedUp(lookup, end, _), .. }) = self.hosts.get(host)
            && (now..=now.plus(LONGEST_LOOKUP)).contains(end)
        {
            return Some((lookup.clone(), false));
        }
        if self.counts[LOOKUPS] >= MOST_LOOKUPS || !self.flood.permits(hint.kind(), now) {
            return None;
        }
        let lookup = Arc::<AtomicBool>::default();
        self.put(host, What::LookedUp(lookup.clone(), now.plus(LONGEST_LOOKUP), hint.kind()));
        Some((lookup, true))
    }

    /// The tenant with this name, if one of its hosts was found before.
    pub(super) fn tenant(&self, name: &str) -> Option<Arc<FoundTenant>> {
        self.hosts.values().filter_map(|held| held.what.tenant()).find(|tenant| tenant.name == name).cloned()
    }

    /// How often everything was forgotten.
    pub(super) fn cleared(&self) -> u64 {
        self.cleared
    }

    /// The number of the last change that is known. `None` before the first look at the log.
    pub(super) fn number(&self) -> Option<u64> {
        Some(self.known.log()).filter(|log| log.cluster != 0).map(|log| log.number)
    }

    /// Whether what was read then about this tenant or host is out of date.
    fn is_late(&self, since: Moment, tenant: Option<&str>, host: &Host) -> bool {
        let cluster = self.known.log().cluster;
        let is_other = cluster != 0 && cluster != since.cluster;
        is_other || since.cleared != self.cleared || self.known.has_changed(since.number, tenant, host)
    }

    /// The summary of the index, if what it says of this host is up to date.
    pub(super) fn summary_for(&self, host: &Host) -> Option<IndexSummary> {
        self.flood.summary_for(host, &self.known)
    }

    /// Takes over a summary of the index. Returns the log from which another one can begin if it is
    /// needed.
    pub(super) fn take_summary(&mut self, summary: IndexSummary) -> Option<&FollowedLog> {
        self.flood.take_summary(summary, &self.known)
    }

    /// What the hint alone says of the tenant of a host.
    pub(super) fn find_without_lookup(&mut self, host: &Host, hint: &Hint) -> Found {
        match hint {
            Hint::None | Hint::Exact => Found::Unknown,
            Hint::NoTenant => Found::Absent,
            Hint::Below(domain) => self.find_below(domain, host).map_or(Found::Unknown, Found::Tenant),
        }
    }

    /// The tenant of all hosts below this domain, if it was found by another one of them. It is
    /// kept for this host, too.
    fn find_below(&mut self, domain: &str, host: &Host) -> Option<TenantEntry> {
        let tenant = self.hosts.iter().find_map(|(other, held)| {
            let tenant = held.what.tenant().filter(|_| other.parents().any(|parent| parent == domain))?;
            let hosts = tenant.entry.hosts();
            let has_domain =
                hosts.iter().any(|hosts| matches!(hosts, HostPattern::Below(below) if below.as_str() == domain));
            let is_by_wildcard = !hosts.contains(&HostPattern::Exact(other.clone()));
            (has_domain && is_by_wildcard).then(|| tenant.clone())
        })?;
        self.make_room_for(&tenant.name);
        self.put(host, What::Tenant(tenant.clone()));
        self.generation = self.generation.wrapping_add(1);
        Some(tenant.entry.clone())
    }

    /// Ends the lookup of a host with its tenant. Returns whether that is current. Otherwise the
    /// lookup goes on.
    pub(super) fn keep(&mut self, host: &Host, tenant: &Arc<FoundTenant>, since: Moment, now: UnixTime) -> bool {
        if self.is_late(since, Some(&tenant.name), host) {
            return false;
        }
        if !tenant.entry.hosts().contains(&HostPattern::Exact(host.clone())) {
            self.count_miss(host, now);
            self.make_room_for(&tenant.name);
        }
        self.put(host, What::Tenant(tenant.clone()));
        self.generation = self.generation.wrapping_add(1);
        true
    }

    /// Forgets the host of a tenant that was not used for the longest time, if it has too many.
    fn make_room_for(&mut self, name: &str) {
        let is_own = |held: &HeldHost| held.what.tenant().is_some_and(|tenant| tenant.name == name);
        if self.hosts.values().filter(|held| is_own(held)).count() >= MOST_HOSTS {
            let own = self.hosts.iter().filter(|(_, held)| is_own(held));
            let oldest = own.min_by_key(|(_, held)| held.used).map(|(host, _)| host.clone());
            if oldest.and_then(|oldest| self.hosts.remove(&oldest)).is_some() {
                self.count(Some(TENANTS), None);
            }
        }
    }

    /// Ends the lookup of a host that has no tenant, which is known for a while. Returns whether
    /// that is current. Otherwise the lookup goes on.
    pub(super) fn keep_absent(&mut self, host: &Host, since: Moment, now: UnixTime) -> bool {
        if self.is_late(since, None, host) {
            return false;
        }
        self.count_miss(host, now);
        self.put(host, What::Without { is_away: false, until: now.plus(ABSENT) });
        true
    }

    /// Ends the lookup of a host of which etcd did not say. That is not asked again for a moment.
    pub(super) fn keep_away(&mut self, host: &Host, now: UnixTime) {
        self.put(host, What::Without { is_away: true, until: now.plus(AWAY) });
    }

    /// Counts that the lookup of this host found no tenant, or one by a wildcard.
    fn count_miss(&mut self, host: &Host, now: UnixTime) {
        let kind = match self.hosts.get(host).map(|held| &held.what) {
            Some(What::LookedUp(_, _, kind)) => *kind,
            _ => HintKind::None,
        };
        self.flood.count(kind, now);
    }

    /// Puts in what is known of a host. Of too many of the kind, the one goes that was not used for
    /// the longest time.
    fn put(&mut self, host: &Host, what: What) {
        self.uses = self.uses.saturating_add(1);
        let kind = what.kind();
        let before = self.hosts.insert(host.clone(), HeldHost { used: self.uses, what });
        self.count(before.map(|held| held.what.kind()), Some(kind));
        let most = if kind == TENANTS { self.most_hosts } else { MOST_OTHERS };
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
        let before = self.known.log();
        let is_same = (log.cluster, log.gaps) == (before.cluster, before.gaps) && log.number >= before.number;
        let since = before.number;
        let is_complete = is_same && since >= log.from;
        if !is_complete {
            self.cleared = self.cleared.wrapping_add(1);
        }
        let known = KnownLog::from(log);
        let is_current = |host: &Host, held: &HeldHost| {
            let name = held.what.tenant().map(|tenant| tenant.name.as_str());
            held.what.kind() == LOOKUPS || (is_complete && !known.has_changed(since, name, host))
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
        (self.known, self.version) = (known, version);
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The tenants that serve, each once, in the order in which they were found.
    pub(super) fn served(&self) -> Vec<Arc<ServedTenant>> {
        let mut by_settings = BTreeMap::new();
        for held in self.hosts.values() {
            if let Some(TenantEntry::Served(served)) = held.what.tenant().map(|tenant| &tenant.entry) {
                by_settings.insert(served.settings, served);
            }
        }
        by_settings.into_values().cloned().collect()
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
/// The longest lookup: two calls that no member of etcd answers, and once again.
const LONGEST_LOOKUP: Duration = Duration::from_secs(30);
/// The most hosts without a tenant that are known.
const MOST_OTHERS: u32 = 1024;
/// The most lookups in progress.
const MOST_LOOKUPS: u32 = 512;
/// The most hosts of one tenant. Anybody can ask for ever new hosts below a wildcard.
const MOST_HOSTS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::tenant_table::BrokenTenant;
    use crate::tenant_documents::Change;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn host(name: &str) -> Host {
        Host::from_name(name).unwrap()
    }

    fn tenant(name: &str) -> Arc<FoundTenant> {
        let entry = TenantEntry::Broken(Arc::new(BrokenTenant::default()));
        Arc::new(FoundTenant { name: name.to_owned(), entry })
    }

    /// The log of this etcd cluster that begins after `from`, with changes of these tenants.
    fn log(cluster: u64, from: u64, tenants: &[&str]) -> FollowedLog {
        let mut log = FollowedLog { cluster, ..FollowedLog::default() };
        log.begin_at(from, UnixTime(0));
        for (tenant, number) in tenants.iter().zip(from.saturating_add(1)..) {
            log.add(number, Change { id: String::new(), tenant: (*tenant).to_owned(), hosts: Vec::new() }.write());
        }
        log
    }

    fn moment(cache: &Cache, number: u64, cluster: u64) -> Moment {
        Moment { number, cluster, cleared: cache.cleared() }
    }

    fn is_known(cache: &mut Cache, name: &str) -> bool {
        matches!(cache.find(&host(name), NOW), Found::Tenant(_))
    }

    /// The document was read before the change that this VM knows already.
    #[test]
    fn a_change_during_the_lookup_is_noticed() {
        let mut cache = Cache::new(10);
        cache.follow(log(1, 5, &[]), None);
        cache.look_up(&host("acme.example"), &Hint::None, NOW).unwrap();
        let before = moment(&cache, 5, 1);
        cache.follow(log(1, 5, &["acme"]), None);
        assert!(!cache.keep(&host("acme.example"), &tenant("acme"), before, NOW));
        assert!(!is_known(&mut cache, "acme.example"));
        let after = moment(&cache, 6, 1);
        assert!(cache.keep(&host("acme.example"), &tenant("acme"), after, NOW));
        assert!(is_known(&mut cache, "acme.example"));
        // The same for a host that has a tenant since, another etcd, and one that was set up again.
        let hosts = HostPattern::parse("new.example").unwrap();
        let mut log = log(1, 6, &[]);
        log.add(7, Change { id: String::new(), tenant: "new".to_owned(), hosts: vec![hosts] }.write());
        cache.follow(log, None);
        assert!(!cache.keep_absent(&host("new.example"), after, NOW));
        assert!(cache.keep_absent(&host("other.example"), after, NOW));
        let of_another = moment(&cache, 7, 2);
        assert!(!cache.keep(&host("b.example"), &tenant("b"), of_another, NOW));
        let before = moment(&cache, 7, 1);
        cache.follow(self::log(1, 3, &[]), None);
        assert!(!cache.keep(&host("b.example"), &tenant("b"), before, NOW));
    }

    /// etcd was emptied, and as many changes were written as before.
    #[test]
    fn a_gap_forgets_everything_whatever_its_number_is() {
        let mut cache = Cache::new(10);
        cache.follow(log(1, 5, &[]), None);
        let moment = moment(&cache, 5, 1);
        cache.look_up(&host("acme.example"), &Hint::None, NOW).unwrap();
        assert!(cache.keep(&host("acme.example"), &tenant("acme"), moment, NOW));
        let mut log = log(1, 5, &[]);
        cache.follow(log.clone(), None);
        assert!(is_known(&mut cache, "acme.example"));
        log.begin_at(5, UnixTime(0));
        cache.follow(log, None);
        assert!(!is_known(&mut cache, "acme.example"));
    }

    #[test]
    fn only_what_has_changed_is_forgotten() {
        let mut cache = Cache::new(10);
        cache.follow(log(1, 5, &[]), None);
        for name in ["acme", "globex"] {
            let now = moment(&cache, 5, 1);
            assert!(cache.keep(&host(&format!("{name}.example")), &tenant(name), now, NOW));
        }
        let generation = cache.generation();
        cache.follow(log(1, 5, &["acme"]), None);
        assert!(!is_known(&mut cache, "acme.example") && is_known(&mut cache, "globex.example"));
        assert_ne!(cache.generation(), generation);
        // The same log again, or a longer one without a gap.
        cache.follow(log(1, 5, &["acme"]), None);
        cache.follow(log(1, 6, &["other"]), None);
        assert!(is_known(&mut cache, "globex.example"));
    }

    #[test]
    fn after_a_gap_everything_is_forgotten() {
        for later in [log(1, 7, &[]), log(2, 6, &[]), log(1, 4, &[])] {
            let mut cache = Cache::new(10);
            cache.follow(log(1, 5, &["other"]), None);
            let now = moment(&cache, 6, 1);
            assert!(cache.keep(&host("acme.example"), &tenant("acme"), now, NOW));
            assert!(cache.keep_absent(&host("no.example"), now, NOW));
            cache.follow(later.clone(), None);
            assert!(!is_known(&mut cache, "acme.example"), "{later:?}");
            assert!(matches!(cache.find(&host("no.example"), NOW), Found::Unknown), "{later:?}");
        }
    }

    #[test]
    fn the_host_goes_that_was_not_used_for_the_longest_time() {
        let mut cache = Cache::new(3);
        for name in ["a", "b", "c"] {
            assert!(cache.keep(&host(name), &tenant(name), Moment::default(), NOW));
        }
        assert!(is_known(&mut cache, "a"));
        assert!(cache.keep(&host("d"), &tenant("d"), Moment::default(), NOW));
        assert_eq!(["a", "b", "c", "d"].map(|name| is_known(&mut cache, name)), [true, false, true, true]);
        // Hosts without a tenant take no places of those with one.
        (0..2 * MOST_OTHERS).for_each(|number| cache.keep_away(&host(&format!("n{number}")), NOW));
        assert_eq!(cache.counts, [3, MOST_OTHERS, 0]);
        assert_eq!(cache.hosts.len(), 3 + usize::try_from(MOST_OTHERS).unwrap());
    }

    /// An answer that a host has no tenant does not outlive a clock that is set back.
    #[test]
    fn a_host_without_a_tenant_is_looked_up_again() {
        let mut cache = Cache::new(3);
        cache.keep_absent(&host("a"), Moment::default(), NOW);
        for (now, is_absent) in [
            (NOW, true),
            (NOW.plus(ABSENT), true),
            (NOW.plus(ABSENT).plus(Duration::from_secs(1)), false),
            (UnixTime(NOW.0 - 1), false),
        ] {
            assert_eq!(matches!(cache.find(&host("a"), now), Found::Absent), is_absent, "{now:?}");
        }
    }

    #[test]
    fn lookups_are_shared_and_bounded() {
        let mut cache = Cache::new(3);
        let (first, is_new) = cache.look_up(&host("a"), &Hint::None, NOW).unwrap();
        let (second, is_second_new) = cache.look_up(&host("a"), &Hint::None, NOW).unwrap();
        assert!(is_new && !is_second_new && Arc::ptr_eq(&first, &second));
        let begun = (0..2 * MOST_LOOKUPS)
            .filter(|number| cache.look_up(&host(&format!("h{number}")), &Hint::None, NOW).is_some());
        assert_eq!(begun.count(), usize::try_from(MOST_LOOKUPS - 1).unwrap());
        // One that was lost is begun again.
        assert!(cache.look_up(&host("a"), &Hint::None, NOW.plus(LONGEST_LOOKUP)).is_some_and(|(_, is_new)| !is_new));
        let later = NOW.plus(LONGEST_LOOKUP).plus(Duration::from_secs(1));
        cache.keep_away(&host("h1"), NOW);
        assert!(cache.look_up(&host("a"), &Hint::None, later).is_some_and(|(_, is_new)| is_new));
    }

    /// Whoever asks for ever new hosts below the wildcard of one tenant forgets no other one.
    #[test]
    fn a_tenant_takes_a_few_places_only() {
        let mut cache = Cache::new(100);
        assert!(cache.keep(&host("other.example"), &tenant("other"), Moment::default(), NOW));
        for number in 0..200 {
            assert!(cache.keep(&host(&format!("h{number}.a.example")), &tenant("a"), Moment::default(), NOW));
        }
        assert!(is_known(&mut cache, "other.example") && is_known(&mut cache, "h199.a.example"));
        assert_eq!(usize::try_from(cache.counts[TENANTS]).unwrap(), MOST_HOSTS + 1);
        // They are looked up no faster than hosts without a tenant.
        assert!(cache.look_up(&host("h200.a.example"), &Hint::None, NOW).is_none());
        assert!(cache.look_up(&host("h200.a.example"), &Hint::None, NOW.plus(Duration::from_secs(1))).is_some());
    }

    /// What the index said of one host below the domain holds for the others.
    #[test]
    fn a_wildcard_that_was_found_is_not_looked_up_again() {
        let hosts = ["*.a.example", "own.a.example", "*.x.example"];
        let hosts: Vec<_> = hosts.map(|host| HostPattern::parse(host).unwrap()).into();
        let broken = BrokenTenant { hosts, ..BrokenTenant::default() };
        let tenant = Arc::new(FoundTenant { name: "a".to_owned(), entry: TenantEntry::Broken(Arc::new(broken)) });
        let below = |domain: &str| Hint::Below(domain.to_owned());
        let is_found = |cache: &mut Cache, name: &str, domain: &str| {
            matches!(cache.find_without_lookup(&host(name), &below(domain)), Found::Tenant(_))
        };
        let mut cache = Cache::new(100);
        // The index has the first of these hosts itself, and the second below another wildcard.
        for found in ["own.a.example", "a.x.example"] {
            assert!(cache.keep(&host(found), &tenant, Moment::default(), NOW));
        }
        assert!(!is_found(&mut cache, "b.a.example", "a.example"));
        assert!(cache.keep(&host("c.a.example"), &tenant, Moment::default(), NOW));
        assert!(
            !is_found(&mut cache, "b.b.example", "b.example") && !is_found(&mut cache, "b.c.a.example", "c.a.example")
        );
        for number in 0..200 {
            assert!(is_found(&mut cache, &format!("h{number}.a.example"), "a.example"), "{number}");
        }
        assert!(is_known(&mut cache, "h199.a.example") && !is_known(&mut cache, "h0.a.example"));
        assert_eq!(usize::try_from(cache.counts[TENANTS]).unwrap(), MOST_HOSTS);
        assert!(matches!(cache.find_without_lookup(&host("x.example"), &Hint::NoTenant), Found::Absent));
        for hint in [Hint::None, Hint::Exact] {
            assert!(matches!(cache.find_without_lookup(&host("d.a.example"), &hint), Found::Unknown), "{hint:?}");
        }
    }

    /// A flood of hosts that the index does not have keeps nobody from looking up one that it may
    /// have.
    #[test]
    fn lookups_are_counted_by_what_the_index_says() {
        let (mut cache, below) = (Cache::new(10), Hint::Below("a.example".to_owned()));
        for (number, (hint, others)) in [
            (&Hint::None, [&Hint::Exact, &below]),
            (&Hint::Exact, [&Hint::None, &below]),
            (&below, [&Hint::None, &Hint::Exact]),
        ]
        .into_iter()
        .enumerate()
        {
            let now = NOW.plus(Duration::from_secs(u64::try_from(number).unwrap()));
            let mut miss = |number: u32| {
                let host = host(&format!("h{number}"));
                cache.look_up(&host, hint, now).is_some() && cache.keep_absent(&host, Moment::default(), now)
            };
            assert_eq!((0..200).filter(|number| miss(*number)).count(), 100, "{hint:?}");
            assert!(others.iter().all(|hint| cache.look_up(&host("other"), hint, now).is_some()), "{hint:?}");
            cache.keep_away(&host("other"), now);
        }
    }
}

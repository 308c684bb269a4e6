//! The tenants that this VM has found, by host, and the lookups in progress.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::flood::{Flood, Hint, HintKind};
use super::followed::{FollowedLog, KnownLog};
use super::held::{FoundTenant, HeldHosts, What, has_host};
use super::summary::IndexSummary;
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
    hosts: HeldHosts,
    known: KnownLog,
    version: Option<Version>,
    generation: u64,
    flood: Flood,
    /// How often everything was forgotten.
    cleared: u64,
}

impl Cache {
    pub(super) fn new(most_hosts: u32) -> Self {
        Self {
            hosts: HeldHosts::new(most_hosts),
            known: KnownLog::default(),
            version: None,
            generation: 0,
            flood: Flood::default(),
            cleared: 0,
        }
    }

    /// What is known of the tenant of this host.
    pub(super) fn find(&mut self, host: &Host, now: UnixTime) -> Found {
        match self.hosts.get(host) {
            Some(What::Tenant(tenant)) => Found::Tenant(tenant.entry.clone()),
            Some(What::Without { is_away, until }) if (now..=now.plus(ABSENT)).contains(until) => {
                if *is_away {
                    Found::Away
                } else {
                    Found::Absent
                }
            }
            Some(What::Without { .. } | What::LookedUp(..)) | None => Found::Unknown,
        }
    }

    /// The lookup of this host that is in progress, or a new one. `None` if too many are in
    /// progress, or too many hosts without a tenant were found in this second.
    pub(super) fn look_up(&mut self, host: &Host, hint: &Hint, now: UnixTime) -> Option<(Arc<AtomicBool>, bool)> {
        if let Some(What::LookedUp(lookup, end, _)) = self.hosts.get(host)
            && (now..=now.plus(LONGEST_LOOKUP)).contains(end)
        {
            return Some((lookup.clone(), false));
        }
        let hint = hint.kind();
        if self.hosts.lookups(hint) >= MOST_LOOKUPS || !self.flood.permits(hint, now) {
            return None;
        }
        let lookup = Arc::<AtomicBool>::default();
        self.hosts.put(host, What::LookedUp(lookup.clone(), now.plus(LONGEST_LOOKUP), hint), None);
        Some((lookup, true))
    }

    /// The tenant with this name, if one of its hosts was found before.
    pub(super) fn tenant(&self, name: &str) -> Option<Arc<FoundTenant>> {
        self.hosts.tenants().find(|tenant| tenant.name == name).cloned()
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
    pub(super) fn summary_for(&self, host: &Host, now: UnixTime) -> Option<IndexSummary> {
        self.flood.summary_for(host, &self.known, now)
    }

    /// Whether the log has all changes since this summary was begun.
    pub(super) fn has_all_since(&self, summary: &IndexSummary, now: UnixTime) -> bool {
        summary.is_current(self.known.log(), now)
    }

    /// Takes over a summary of the index. Returns the log from which another one can begin if it is
    /// needed.
    pub(super) fn take_summary(&mut self, summary: IndexSummary, now: UnixTime) -> Option<&FollowedLog> {
        self.flood.take_summary(summary, &self.known, now)
    }

    /// What the hint alone says of the tenant of a host. For one below a wildcard, it is what is
    /// known of another host that was found by it, if the document of the tenant has both.
    pub(super) fn find_without_lookup(&mut self, host: &Host, hint: &Hint, now: UnixTime) -> Found {
        let found = match hint {
            Hint::None | Hint::Exact => None,
            Hint::NoTenant => Some(Found::Absent),
            Hint::Below(domain) => match self.hosts.found_by(domain).cloned().map(|other| self.find(&other, now)) {
                Some(Found::Tenant(entry)) => has_host(&entry, host).then_some(Found::Tenant(entry)),
                Some(Found::Absent) => Some(Found::Absent),
                Some(Found::Away | Found::Unknown) | None => None,
            },
        };
        if found.is_some() {
            self.flood.count_known(now);
        }
        found.unwrap_or(Found::Unknown)
    }

    /// Ends the lookup of a host with its tenant, which the index has for it or for the hosts below
    /// this domain. Returns whether that is current. Otherwise the lookup goes on.
    pub(super) fn keep(
        &mut self,
        host: &Host,
        wildcard: Option<&str>,
        tenant: &Arc<FoundTenant>,
        since: Moment,
        now: UnixTime,
    ) -> bool {
        if self.is_late(since, Some(&tenant.name), host) {
            return false;
        }
        if wildcard.is_some() {
            self.count_miss(host, now);
            self.hosts.make_room_for(&tenant.name);
        }
        self.hosts.put(host, What::Tenant(tenant.clone()), wildcard);
        self.generation = self.generation.wrapping_add(1);
        true
    }

    /// Ends the lookup of a host that has no tenant, also if the index has one for the hosts below
    /// this domain. That is known for a while. Returns whether it is current. Otherwise the lookup
    /// goes on.
    pub(super) fn keep_absent(&mut self, host: &Host, wildcard: Option<&str>, since: Moment, now: UnixTime) -> bool {
        if self.is_late(since, None, host) {
            return false;
        }
        self.count_miss(host, now);
        self.hosts.put(host, What::Without { is_away: false, until: now.plus(ABSENT) }, wildcard);
        true
    }

    /// Ends the lookup of a host of which etcd did not say. That is not asked again for a moment.
    pub(super) fn keep_away(&mut self, host: &Host, now: UnixTime) {
        self.hosts.put(host, What::Without { is_away: true, until: now.plus(AWAY) }, None);
    }

    /// Counts that the lookup of this host found no tenant, or one by a wildcard.
    fn count_miss(&mut self, host: &Host, now: UnixTime) {
        let hint = match self.hosts.get(host) {
            Some(What::LookedUp(_, _, hint)) => *hint,
            Some(What::Tenant(_) | What::Without { .. }) | None => HintKind::None,
        };
        self.flood.count(hint, now);
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
        let has_gone = self.hosts.retain(|host, tenant| is_complete && !known.has_changed(since, tenant, host));
        if has_gone {
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
        for tenant in self.hosts.tenants() {
            if let TenantEntry::Served(served) = &tenant.entry {
                by_settings.insert(served.settings, served);
            }
        }
        by_settings.into_values().cloned().collect()
    }
}

/// How long it is known that a host has no tenant, unless the log says that it has one now.
const ABSENT: Duration = Duration::from_secs(10);
/// How long etcd is not asked again for a host after it has not answered.
const AWAY: Duration = Duration::from_secs(1);
/// The longest lookup: two calls that no member of etcd answers, and once again.
const LONGEST_LOOKUP: Duration = Duration::from_secs(30);
/// The most lookups in progress of hosts with the same hint.
const MOST_LOOKUPS: u32 = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::host::HostPattern;
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
        assert!(!cache.keep(&host("acme.example"), None, &tenant("acme"), before, NOW));
        assert!(!is_known(&mut cache, "acme.example"));
        let after = moment(&cache, 6, 1);
        assert!(cache.keep(&host("acme.example"), None, &tenant("acme"), after, NOW));
        assert!(is_known(&mut cache, "acme.example"));
        // The same for a host that has a tenant since, another etcd, and one that was set up again.
        let hosts = HostPattern::parse("new.example").unwrap();
        let mut log = log(1, 6, &[]);
        log.add(7, Change { id: String::new(), tenant: "new".to_owned(), hosts: vec![hosts] }.write());
        cache.follow(log, None);
        assert!(!cache.keep_absent(&host("new.example"), None, after, NOW));
        assert!(cache.keep_absent(&host("other.example"), None, after, NOW));
        let of_another = moment(&cache, 7, 2);
        assert!(!cache.keep(&host("b.example"), None, &tenant("b"), of_another, NOW));
        let before = moment(&cache, 7, 1);
        cache.follow(self::log(1, 3, &[]), None);
        assert!(!cache.keep(&host("b.example"), None, &tenant("b"), before, NOW));
    }

    /// etcd was emptied, and as many changes were written as before.
    #[test]
    fn a_gap_forgets_everything_whatever_its_number_is() {
        let mut cache = Cache::new(10);
        cache.follow(log(1, 5, &[]), None);
        let moment = moment(&cache, 5, 1);
        cache.look_up(&host("acme.example"), &Hint::None, NOW).unwrap();
        assert!(cache.keep(&host("acme.example"), None, &tenant("acme"), moment, NOW));
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
            assert!(cache.keep(&host(&format!("{name}.example")), None, &tenant(name), now, NOW));
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
            assert!(cache.keep(&host("acme.example"), None, &tenant("acme"), now, NOW));
            assert!(cache.keep_absent(&host("no.example"), None, now, NOW));
            cache.follow(later.clone(), None);
            assert!(!is_known(&mut cache, "acme.example"), "{later:?}");
            assert!(matches!(cache.find(&host("no.example"), NOW), Found::Unknown), "{later:?}");
        }
    }

    /// An answer that a host has no tenant does not outlive a clock that is set back.
    #[test]
    fn a_host_without_a_tenant_is_looked_up_again() {
        let mut cache = Cache::new(3);
        cache.keep_absent(&host("a"), None, Moment::default(), NOW);
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

    /// Whoever asks for ever new hosts below a wildcard has them looked up no faster than hosts
    /// without a tenant.
    #[test]
    fn hosts_below_a_known_wildcard_are_counted() {
        let mut cache = Cache::new(100);
        for number in 0..200 {
            let host = host(&format!("h{number}.a.example"));
            let lookup = cache.look_up(&host, &Hint::None, NOW);
            let is_kept = cache.keep(&host, Some("a.example"), &tenant("a"), Moment::default(), NOW);
            assert_eq!((lookup.is_some(), is_kept), (number < 100, true), "{number}");
        }
        let later = NOW.plus(Duration::from_secs(1));
        assert!(cache.look_up(&host("h200.a.example"), &Hint::None, later).is_some());
        // Whoever has one host is not counted.
        for number in 0..200 {
            assert!(cache.look_up(&host(&format!("t{number}.example")), &Hint::None, later).is_some());
            let (host, tenant) = (host(&format!("t{number}.example")), tenant(&format!("t{number}")));
            assert!(cache.keep(&host, None, &tenant, Moment::default(), later));
        }
    }

    /// What the index said of one host below the domain holds for the others.
    #[test]
    fn a_wildcard_that_was_found_is_not_looked_up_again() {
        let below = |domain: &str| Hint::Below(domain.to_owned());
        let find =
            |cache: &mut Cache, name: &str, hint: &Hint, now| match cache.find_without_lookup(&host(name), hint, now) {
                Found::Tenant(_) => "tenant",
                Found::Absent => "absent",
                Found::Away | Found::Unknown => "unknown",
            };
        let mut cache = Cache::new(100);
        cache.follow(log(1, 5, &[]), None);
        let now = moment(&cache, 5, 1);
        // The index has the first of these hosts itself.
        assert!(cache.keep(&host("own.a.example"), None, &tenant("a"), now, NOW));
        assert_eq!(find(&mut cache, "x.a.example", &below("a.example"), NOW), "unknown");
        assert!(cache.keep(&host("b.a.example"), Some("a.example"), &tenant("a"), now, NOW));
        assert!(cache.keep_absent(&host("b.c.example"), Some("c.example"), now, NOW));
        assert_eq!(find(&mut cache, "x.a.example", &below("a.example"), NOW), "tenant");
        assert_eq!(find(&mut cache, "x.c.example", &below("c.example"), NOW), "absent");
        for unknown in [Hint::None, Hint::Exact, below("b.a.example"), below("example")] {
            assert_eq!(find(&mut cache, "x.b.a.example", &unknown, NOW), "unknown", "{unknown:?}");
        }
        let later = NOW.plus(ABSENT).plus(Duration::from_secs(1));
        assert_eq!(find(&mut cache, "x.c.example", &below("c.example"), later), "unknown");
        assert_eq!(find(&mut cache, "x.example", &Hint::NoTenant, NOW), "absent");
        cache.follow(log(1, 5, &["a"]), None);
        assert_eq!(find(&mut cache, "x.a.example", &below("a.example"), NOW), "unknown");
    }

    /// The index alone gives no host to a tenant.
    #[test]
    fn a_tenant_has_the_hosts_of_its_document_only() {
        let hosts = vec![HostPattern::parse("h.d.example").unwrap()];
        let broken = BrokenTenant { hosts, ..BrokenTenant::default() };
        let tenant = Arc::new(FoundTenant { name: "d".to_owned(), entry: TenantEntry::Broken(Arc::new(broken)) });
        let (mut cache, hint) = (Cache::new(100), Hint::Below("d.example".to_owned()));
        assert!(cache.keep(&host("h.d.example"), Some("d.example"), &tenant, Moment::default(), NOW));
        assert!(matches!(cache.find_without_lookup(&host("h.d.example"), &hint, NOW), Found::Tenant(_)));
        assert!(matches!(cache.find_without_lookup(&host("x.d.example"), &hint, NOW), Found::Unknown));
    }

    /// A flood of hosts that the index does not have keeps nobody from looking up one that it may
    /// have.
    #[test]
    fn lookups_are_counted_by_what_the_index_says() {
        let below = Hint::Below("a.example".to_owned());
        let look_up = |cache: &mut Cache, name: &str, hint: &Hint| cache.look_up(&host(name), hint, NOW).is_some();
        for (hint, others) in [
            (&Hint::None, [&Hint::Exact, &below]),
            (&Hint::Exact, [&Hint::None, &below]),
            (&below, [&Hint::None, &Hint::Exact]),
        ] {
            let (mut missed, mut begun) = (Cache::new(10), Cache::new(10));
            let misses = (0..200).map(|number| format!("h{number}")).filter(|name| {
                let is_begun = look_up(&mut missed, name, hint);
                is_begun && missed.keep_absent(&host(name), None, Moment::default(), NOW)
            });
            assert_eq!(misses.count(), 100, "{hint:?}");
            let lookups = (0..600).filter(|number| look_up(&mut begun, &format!("h{number}"), hint));
            assert_eq!(lookups.count(), 512, "{hint:?}");
            for cache in [&mut missed, &mut begun] {
                assert!(look_up(cache, "x", others[0]) && look_up(cache, "y", others[1]), "{hint:?}");
            }
        }
    }
}

//! Reads the keys of the index of hosts, page by page, in a flood of unknown hosts.

use std::sync::Arc;
use std::time::Duration;

use super::source::DocumentSource;
use super::step::Next;
use super::summary::{IndexFilter, IndexSummary, SharedSummary};
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::etcd::{Answer, EtcdError, Operation, Pages};

/// A read of the index in progress.
pub(crate) struct IndexScan {
    source: Arc<DocumentSource>,
    summary: IndexSummary,
    filter: IndexFilter,
    keys: Pages,
    count: usize,
    end: UnixTime,
}

impl IndexScan {
    /// Takes over what another VM has read, and begins to read if this VM meets a flood of unknown
    /// hosts and no other VM of this process reads.
    pub(super) fn begin(source: &Arc<DocumentSource>, env: &mut Env<'_>) -> Option<(Self, Operation)> {
        let now = env.now().ok()?;
        let (shared, version) = SharedSummary::read(source.shared_key(), source.ring(), env)?;
        let log = source.with_cache(|cache| cache.take_summary(shared.summary, now).cloned())??;
        if !shared.is_due(now) {
            return None;
        }
        let summary = IndexSummary::new(env.random().ok()?, &log, now);
        // If this VM disappears, another one reads after this time.
        let end = now.plus(LONGEST);
        let claimed = SharedSummary { next: end.0, ..shared };
        if !claimed.write(source.shared_key(), source.ring(), Some(version), env) {
            return None;
        }
        let (filter, keys) = (IndexFilter::new(summary), Pages::keys_below(&source.keys().hosts()));
        let operation = keys.operation();
        Some((Self { source: source.clone(), summary, filter, keys, count: 0, end }, operation))
    }

    /// Takes an answer.
    pub(super) fn answered(mut self, result: Result<Answer, EtcdError>, env: &mut Env<'_>) -> Next<Self> {
        let answer = match result {
            Ok(answer) => answer,
            Err(EtcdError::TooLong) if self.keys.shorten() => return self.next(),
            Err(error) => return self.failed(&error.to_string(), PAUSE, env),
        };
        let now = env.now().unwrap_or_default();
        if answer.cluster != self.summary.cluster() {
            return self.failed("another etcd answers", PAUSE, env);
        }
        if now > self.end {
            return self.failed("it takes too long", LONGEST_PAUSE, env);
        }
        if self.source.with_cache(|cache| cache.has_all_since(&self.summary, now)) != Some(true) {
            return self.failed("too much has changed meanwhile", PAUSE, env);
        }
        answer.pairs.iter().for_each(|pair| self.filter.add(&pair.key));
        self.count = self.count.saturating_add(answer.pairs.len());
        if self.keys.turn(&answer) {
            return self.next();
        }
        let Self { source, filter, count, .. } = self;
        let summary = filter.share(now.plus(PAUSE), source.shared_key(), source.ring(), env);
        source.with_cache(|cache| {
            cache.take_summary(summary, now);
        });
        let text = format!("many requests for new hosts: the {count} hosts in etcd were read, so that they are known");
        Next::End(vec![LogLine::with_text(Level::Info, Event::HostsRead, None, text)])
    }

    fn next(self) -> Next<Self> {
        let operation = self.keys.operation();
        Next::Operate(self, operation)
    }

    /// Ends without a summary. The next attempt is made after this pause.
    fn failed(self, reason: &str, pause: Duration, env: &mut Env<'_>) -> Next<Self> {
        let Self { source, .. } = self;
        let (key, ring) = (source.shared_key(), source.ring());
        if let Some((shared, version)) = SharedSummary::read(key, ring, env) {
            let next = env.now().unwrap_or_default().plus(pause).0;
            SharedSummary { next, ..shared }.write(key, ring, Some(version), env);
        }
        let cluster = source.cluster();
        let reason = format!("the hosts of the tenants were not read from etcd (cluster \"{cluster}\"): {reason}");
        Next::End(vec![LogLine::new(Level::Warn, Event::StoreFailed, None, &reason)])
    }
}

/// The longest time that a read takes. 100,000 hosts take some five seconds.
const LONGEST: Duration = Duration::from_secs(60);
/// The time between two reads, and that after one that took too long.
const PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::base::secret::Secret;
    use crate::env::shared::SharedData;
    use crate::etcd::{Etcd, Pair};
    use crate::http::host::Host;
    use crate::jose::KeySet;
    use crate::runtime::documents::cache::{Found, Moment};
    use crate::runtime::documents::followed::FollowedLog;
    use crate::runtime::documents::source::{CompiledTenant, DocumentSettings, TenantCompiler};
    use crate::seal::{KeyRing, SealingKey};
    use crate::testing::{TestHost, TestSharedData};

    const NOW: UnixTime = UnixTime(1_800_000_000);

    #[derive(Debug)]
    struct NoCompiler;

    impl TenantCompiler for NoCompiler {
        fn compile(&self, _document: &Value, _env: &Env<'_>) -> CompiledTenant {
            CompiledTenant { name: None, hosts: Vec::new().into(), tenant: Err(Vec::new()) }
        }
    }

    /// The documents as a VM sees them that follows a log of the etcd cluster 1.
    fn source() -> Arc<DocumentSource> {
        let etcd = Arc::new(Etcd::new("etcd".to_owned(), "/t/".to_owned(), None));
        let keys = KeySet::default();
        let settings = DocumentSettings { etcd, interval: Duration::from_secs(1), keys, most_hosts: 10 };
        let key = SealingKey::new("k".to_owned(), Secret::new([1; SealingKey::LENGTH]));
        let source = DocumentSource::new(settings, Arc::new(KeyRing::new(vec![key])), Box::new(NoCompiler));
        let mut log = FollowedLog { cluster: 1, ..FollowedLog::default() };
        log.begin_at(7, NOW);
        source.with_cache(|cache| cache.follow(log, None)).unwrap();
        Arc::new(source)
    }

    /// Lets the VM know a change.
    fn change(source: &DocumentSource, number: u64) {
        let mut log = FollowedLog { cluster: 1, ..FollowedLog::default() };
        log.begin_at(7, NOW);
        (8..=number).for_each(|number| log.add(number, "junk".to_owned()));
        source.with_cache(|cache| cache.follow(log, None)).unwrap();
    }

    /// Lets many unknown hosts come.
    fn flood(source: &DocumentSource) {
        (0..50).for_each(|number| {
            let host = Host::from_name(&format!("h{number}")).unwrap();
            source.with_cache(|cache| {
                let since = Moment { number: u64::MAX, cluster: 1, cleared: cache.cleared() };
                assert!(cache.keep_absent(&host, None, since, NOW));
            });
        });
    }

    fn act<T>(shared: &dyn SharedData, now: UnixTime, act: impl FnOnce(&mut Env<'_>) -> T) -> T {
        let mut host = TestHost::default();
        let verifier = host.env().verifier();
        act(&mut Env::new(Some(now), &mut TestHost::default(), verifier, shared))
    }

    fn answer(cluster: u64, hosts: &[&str], more: bool) -> Answer {
        let key = |host: &&str| format!("/t/hosts/{host}");
        let pair = |host| Pair { key: key(host), value: Vec::new(), modified: 1 };
        let last_key = hosts.last().map(|host| key(host).into_bytes());
        Answer { cluster, pairs: hosts.iter().map(pair).collect(), last_key, more, ..Answer::default() }
    }

    fn is_absent(source: &DocumentSource, host: &str, shared: &dyn SharedData) -> bool {
        is_absent_at(NOW, source, host, shared)
    }

    fn is_absent_at(now: UnixTime, source: &DocumentSource, host: &str, shared: &dyn SharedData) -> bool {
        let host = Host::from_name(host).unwrap();
        act(shared, now, |env| matches!(source.find(&host, env), Found::Absent))
    }

    #[test]
    fn one_vm_reads_for_all() {
        let (shared, vms) = (TestSharedData::default(), [source(), source()]);
        let begin = |vm: usize, now| act(&shared, now, |env| IndexScan::begin(&vms[vm], env));
        assert!(begin(0, NOW).is_none(), "without a flood");
        vms.iter().for_each(|source| flood(source));
        let (scan, _) = begin(0, NOW).unwrap();
        assert!(begin(1, NOW).is_none() && begin(0, NOW).is_none(), "another one reads");
        let first = act(&shared, NOW, |env| scan.answered(Ok(answer(1, &["example.a"], true)), env));
        let Next::Operate(scan, _) = first else { panic!("there is more") };
        assert!(!is_absent(&vms[0], "x.example", &shared));
        let end = act(&shared, NOW, |env| scan.answered(Ok(answer(1, &["example.b"], false)), env));
        assert!(matches!(end, Next::End(lines) if lines[0].text.contains("the 2 hosts")));
        assert!(is_absent(&vms[0], "x.example", &shared) && !is_absent(&vms[1], "x.example", &shared));
        assert!(begin(1, NOW).is_none(), "another one has read");
        for vm in &vms {
            assert!(is_absent(vm, "x.example", &shared));
            assert!(["a.example", "b.example"].iter().all(|host| !is_absent(vm, host, &shared)));
        }
    }

    /// Another one is made later, if there are changes of which this one says nothing.
    #[test]
    fn there_is_a_pause_between_two_reads() {
        let (shared, source) = (TestSharedData::default(), source());
        let begin = |now| act(&shared, now, |env| IndexScan::begin(&source, env));
        flood(&source);
        let (scan, _) = begin(NOW).unwrap();
        act(&shared, NOW, |env| scan.answered(Ok(answer(1, &["example.a"], false)), env));
        flood(&source);
        assert!(begin(NOW.plus(PAUSE)).is_none(), "there is no more to know");
        change(&source, 8);
        assert!(!is_absent(&source, "x.example", &shared), "it may have changed");
        flood(&source);
        assert!(begin(UnixTime(NOW.plus(PAUSE).0 - 1)).is_none());
        assert!(begin(NOW.plus(PAUSE)).is_none(), "the flood has ended");
        flood(&source);
        let (scan, _) = begin(NOW.plus(PAUSE)).unwrap();
        act(&shared, NOW.plus(PAUSE), |env| scan.answered(Ok(answer(1, &["example.a"], false)), env));
        assert!(is_absent_at(NOW.plus(PAUSE), &source, "x.example", &shared));
    }

    /// Hosts that are not looked up any more are a flood, too.
    #[test]
    fn it_is_read_again_while_the_flood_goes_on() {
        let (shared, source) = (TestSharedData::default(), source());
        let begin = |now| act(&shared, now, |env| IndexScan::begin(&source, env));
        flood(&source);
        let (scan, _) = begin(NOW).unwrap();
        act(&shared, NOW, |env| scan.answered(Ok(answer(1, &["example.a"], false)), env));
        let later = NOW.plus(Duration::from_secs(200));
        assert!(begin(later).is_none());
        assert!((0..50).all(|number| is_absent_at(later, &source, &format!("x{number}.example"), &shared)));
        assert!(begin(later).is_some());
    }

    /// A host that comes behind the page that is read is not in the filter.
    #[test]
    fn a_change_during_the_read_is_looked_up() {
        let (shared, source) = (TestSharedData::default(), source());
        flood(&source);
        let (scan, _) = act(&shared, NOW, |env| IndexScan::begin(&source, env)).unwrap();
        let next = act(&shared, NOW, |env| scan.answered(Ok(answer(1, &["example.a"], true)), env));
        let Next::Operate(scan, _) = next else { panic!("there is more") };
        change(&source, 8);
        act(&shared, NOW, |env| scan.answered(Ok(answer(1, &["example.b"], false)), env));
        assert!(!is_absent(&source, "x.example", &shared));
    }

    /// It is tried again later.
    #[test]
    fn a_read_that_fails_tells_nothing() {
        let late = NOW.plus(LONGEST).plus(Duration::from_secs(1));
        for (result, changes, now, next) in [
            (Ok(answer(2, &["example.a"], false)), 7, NOW, NOW.plus(PAUSE)),
            (Ok(answer(1, &["example.a"], false)), 7, late, late.plus(LONGEST_PAUSE)),
            (Err(EtcdError::Invalid), 7, NOW, NOW.plus(PAUSE)),
            (Ok(answer(1, &["example.a"], true)), 500, NOW, NOW.plus(PAUSE)),
        ] {
            let (shared, source) = (TestSharedData::default(), source());
            let begin = |now| {
                flood(&source);
                act(&shared, now, |env| IndexScan::begin(&source, env))
            };
            let (scan, _) = begin(NOW).unwrap();
            change(&source, changes);
            let end = act(&shared, now, |env| scan.answered(result, env));
            assert!(matches!(end, Next::End(lines) if lines[0].event == Event::StoreFailed));
            assert!(!is_absent(&source, "x.example", &shared));
            assert!(begin(UnixTime(next.0 - 1)).is_none() && begin(next).is_some());
        }
    }

    #[test]
    fn an_answer_that_is_too_long_is_asked_for_in_parts() {
        let (shared, source) = (TestSharedData::default(), source());
        flood(&source);
        let (scan, _) = act(&shared, NOW, |env| IndexScan::begin(&source, env)).unwrap();
        let next = act(&shared, NOW, |env| scan.answered(Err(EtcdError::TooLong), env));
        assert!(matches!(next, Next::Operate(_, Operation::Range(range)) if range.limit == 25));
    }

    /// Another VM claims the read at the same time.
    #[test]
    fn a_read_that_another_vm_has_begun_is_not_made() {
        let (shared, vms) = (TestSharedData::default(), [source(), source()]);
        vms.iter().for_each(|source| flood(source));
        let key = [vms[0].shared_key(), "/index"].concat();
        act(&shared, NOW, |env| IndexScan::begin(&vms[1], env)).unwrap();
        let (claimed, _) = shared.get(&key).unwrap();
        let late = NOW.plus(LONGEST);
        shared.before_write.replace(Some((key, claimed)));
        assert!(act(&shared, late, |env| IndexScan::begin(&vms[0], env)).is_none());
        flood(&vms[0]);
        assert!(act(&shared, late, |env| IndexScan::begin(&vms[0], env)).is_some());
    }
}

//! A VM of the unit tests that has a store, and a model of etcd without leases.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::load::Load;
use super::outcome::Outcome;
use super::poll::Poll;
use super::publish::Publish;
use super::replica::Store;
use super::settings::{StoreSettings, WhenAway};
use super::step::{Next, Step};
use super::tenants::StoreTenants;
use crate::base::event::{Event, LogLine};
use crate::base::secret::Secret;
use crate::base::time::UnixTime;
use crate::env::{Entropy, Env, NoEntropy};
use crate::etcd::{Answer, Etcd, EtcdError, Operation, Pair, Range};
use crate::jose::{HostAlgorithms, NoHostVerifier, Verifier};
use crate::runtime::TenantEntry;
use crate::seal::{KeyRing, SealingKey};
use crate::session::SessionId;
use crate::session::revocation::{RevocableSession, Revocation, Revocations};
use crate::testing::{TestSharedData, runtime};

/// When the tests begin.
pub(super) const NOW: u64 = 1_800_000_000;
/// What every key in etcd begins with.
pub(super) const PREFIX: &str = "/t/";

/// A VM whose configuration has a store: it polls every two seconds, and refuses after 30 without
/// an answer.
pub(super) struct TestVm {
    pub(super) store: Arc<Store>,
    /// The lists of the tenants `a`, which is one of the file, and `b`, which is one of a document.
    pub(super) lists: [Arc<Revocations>; 2],
    pub(super) shared: Rc<TestSharedData>,
    random: Counter,
}

impl TestVm {
    /// A VM of a process of its own. `number` tells its random bytes from those of others.
    pub(super) fn new(number: u8) -> Self {
        Self::of_process(number, &Rc::default())
    }

    /// Another VM of the process with these shared data.
    pub(super) fn of_process(number: u8, shared: &Rc<TestSharedData>) -> Self {
        let (ring, runtime) = (ring(), runtime(&["k"]));
        let [TenantEntry::Served(a), TenantEntry::Served(b)] = runtime.entries() else { panic!("two tenants serve") };
        let a = Arc::new(Revocations::joined(a.model.clone(), ring.clone(), &**shared));
        let b = Arc::new(Revocations::of_document(b.model.clone(), ring, &**shared));
        let store = store(StoreTenants::compiled(std::slice::from_ref(&a))).with_others(true);
        store.set_others(std::slice::from_ref(&b));
        Self { store: Arc::new(store), lists: [a, b], shared: shared.clone(), random: Counter(u64::from(number) << 32) }
    }

    /// The VM with these tenants of the file, and none of documents.
    pub(super) fn with_tenants(self, tenants: StoreTenants) -> Self {
        Self { store: Arc::new(store(tenants)), ..self }
    }

    /// Two replicas that have polled, and their etcd.
    pub(super) fn two() -> (Self, Self, TestEtcd) {
        let (mut vm, mut other, mut etcd) = (Self::new(1), Self::new(2), TestEtcd::default());
        for vm in [&mut vm, &mut other] {
            vm.poll(NOW, &mut etcd).unwrap();
        }
        (vm, other, etcd)
    }

    /// Writes the sign-outs of 250 users of the tenant `a`, and of `ada` of the tenant `b`.
    pub(super) fn sign_many_out(&mut self, etcd: &mut TestEtcd) {
        for sub in 0..250 {
            self.sign_out(0, &sub.to_string(), NOW, etcd);
        }
        self.sign_out(1, "ada", NOW, etcd);
    }

    /// Does something at this time.
    pub(super) fn at<T>(&mut self, now: u64, act: impl FnOnce(&Arc<Store>, &mut Env<'_>) -> T) -> T {
        let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() };
        act(&self.store, &mut Env::new(Some(UnixTime(now)), &mut self.random, verifier, &*self.shared))
    }

    /// Polls if that is due, and returns the events.
    pub(super) fn poll(&mut self, now: u64, etcd: &mut TestEtcd) -> Option<Vec<Event>> {
        self.at(now, |store, env| {
            let (poll, operation) = Poll::begin(store, env)?;
            Some(events(&etcd.make(poll, operation, |poll, result| poll.answered(result, env))))
        })
    }

    /// Reads the list of a tenant, and returns the events.
    pub(super) fn load(&mut self, list: usize, now: u64, etcd: &mut TestEtcd) -> Vec<Event> {
        let list = self.lists[list].clone();
        self.at(now, |store, env| {
            let (load, operation) = Load::begin(store, &list, &Arc::new(Outcome::default()), env);
            events(&etcd.make(load, operation, |load, result| load.answered(result, env)))
        })
    }

    /// Writes that the sessions of a user of a tenant end, in etcd only.
    pub(super) fn sign_out(&mut self, list: usize, sub: &str, now: u64, etcd: &mut TestEtcd) {
        let (list, revocation) = (self.lists[list].clone(), Revocation::of_user(sub, UnixTime(now)));
        self.at(now, |store, env| {
            let (_, publish, operation) = Publish::begin(store, &list, &revocation, false, env).unwrap();
            etcd.make(publish, operation, Publish::answered);
        });
    }

    /// Whether the list of a tenant was read since the last gap between polls.
    pub(super) fn is_loaded(&mut self, list: usize) -> bool {
        let list = self.lists[list].clone();
        self.at(NOW, |store, env| {
            store.look(env);
            store.is_loaded(&list, env)
        })
    }

    /// Whether this VM knows of the sign-out of a user of a tenant.
    pub(super) fn knows(&self, list: usize, sub: &str) -> bool {
        self.ends(list, sub, NOW)
    }

    /// Whether this VM ends the session of a user of a tenant that began at this time.
    pub(super) fn ends(&self, list: usize, sub: &str, signed_in: u64) -> bool {
        let (id, signed_in) = (SessionId([7; 16]), UnixTime(signed_in));
        self.lists[list].contain(&RevocableSession { id, user: "", sub, sid: None, signed_in }, UnixTime(NOW))
    }
}

fn ring() -> Arc<KeyRing> {
    Arc::new(KeyRing::new(vec![SealingKey::new("k".to_owned(), Secret::new([7; 32]))]))
}

fn store(tenants: StoreTenants) -> Store {
    let settings = StoreSettings {
        etcd: Arc::new(Etcd::new("etcd".to_owned(), PREFIX.to_owned(), None)),
        interval: Duration::from_secs(2),
        max_staleness: Duration::from_secs(30),
        when_away: WhenAway::Refuse,
    };
    Store::new(settings, ring(), LIFETIME, tenants)
}

/// Bytes that never come again.
struct Counter(u64);

impl Entropy for Counter {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        self.0 = self.0.wrapping_add(1);
        buffer.iter_mut().zip(self.0.to_be_bytes().into_iter().cycle()).for_each(|(byte, next)| *byte = next);
        Ok(())
    }
}

fn events(log: &[LogLine]) -> Vec<Event> {
    log.iter().map(|line| line.event).collect()
}

/// A model of etcd.
pub(super) struct TestEtcd {
    pub(super) cluster: u64,
    pub(super) revision: u64,
    /// The keys, each with its value and the revision of its last write.
    pub(super) pairs: BTreeMap<Vec<u8>, (Vec<u8>, u64)>,
    /// The most bytes of values in an answer.
    pub(super) longest: usize,
    /// Whether it does not answer.
    pub(super) is_away: bool,
    /// Every operation, as it was made.
    pub(super) made: Vec<Operation>,
}

impl Default for TestEtcd {
    fn default() -> Self {
        let (pairs, made) = (BTreeMap::new(), Vec::new());
        Self { cluster: 1, revision: 1000, pairs, longest: usize::MAX, is_away: false, made }
    }
}

impl TestEtcd {
    /// Makes an operation and those that follow, and returns the log.
    pub(super) fn make<W>(
        &mut self,
        mut work: W,
        mut operation: Operation,
        mut answered: impl FnMut(W, Result<Answer, EtcdError>) -> Step<W>,
    ) -> Vec<LogLine> {
        for _ in 0..1000 {
            let Step { next, log } = answered(work, self.answer(&operation));
            match next {
                Next::Operate(next, following) => (work, operation) = (next, following),
                Next::Later(..) | Next::End => return log,
            }
        }
        panic!("the work does not end");
    }

    /// Puts a value that no replica has written.
    pub(super) fn put(&mut self, key: &str, value: &[u8]) {
        self.revision = self.revision.saturating_add(1);
        self.pairs.insert(key.as_bytes().to_vec(), (value.to_vec(), self.revision));
    }

    pub(super) fn answer(&mut self, operation: &Operation) -> Result<Answer, EtcdError> {
        self.made.push(operation.clone());
        if self.is_away {
            return Err(EtcdError::Invalid);
        }
        let mut answer = Answer { cluster: self.cluster, revision: self.revision, ..Answer::default() };
        match operation {
            Operation::Range(range) => self.read(range, &mut answer),
            Operation::Read(_) => panic!("the store reads one range"),
            Operation::Write(write) => {
                answer.pairs = write.absent.iter().filter_map(|key| self.pair(key.as_bytes())).collect();
                answer.succeeded = answer.pairs.is_empty();
                if answer.succeeded {
                    self.revision = self.revision.saturating_add(1);
                    for put in &write.puts {
                        let value = put.value.as_bytes().to_vec();
                        self.pairs.insert(put.key.as_bytes().to_vec(), (value, self.revision));
                    }
                }
                answer.revision = self.revision;
            }
        }
        let length: usize = answer.pairs.iter().map(|pair| pair.value.len()).sum();
        if length > self.longest { Err(EtcdError::TooLong) } else { Ok(answer) }
    }

    fn read(&self, range: &Range, answer: &mut Answer) {
        let found = self.pairs.range(range.from.clone()..range.to.clone());
        let mut keys: Vec<&Vec<u8>> = found.map(|(key, _)| key).collect();
        let limit = usize::try_from(range.limit).unwrap();
        answer.more = keys.len() > limit;
        answer.count = u64::try_from(keys.len()).unwrap();
        keys.truncate(limit);
        answer.last_key = keys.last().map(|key| (*key).clone());
        answer.pairs = keys.into_iter().filter_map(|key| self.pair(key)).collect();
        if range.keys_only {
            answer.pairs.iter_mut().for_each(|pair| pair.value.clear());
        }
    }

    fn pair(&self, key: &[u8]) -> Option<Pair> {
        let (value, modified) = self.pairs.get(key)?.clone();
        Some(Pair { key: String::from_utf8(key.to_vec()).unwrap(), value, modified })
    }
}

const LIFETIME: Duration = Duration::from_secs(8 * 3600);

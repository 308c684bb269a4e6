//! Bearer tokens that were verified a moment ago. An API client sends the same token many times, and verifying costs several times what
//! looking it up does.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex};

use crate::env::UnixTime;
use crate::identity::VerifiedIdentity;
use crate::tenant::{Tenant, TenantName};

/// The identities that good tokens proved. It belongs to one configuration and goes with it, so nothing that was verified under an
/// older one is ever found.
///
/// Only good tokens are kept: a flood of bad ones cannot push a good one out.
#[derive(Debug, Default)]
pub(crate) struct TokenCache(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<Arc<str>, Entry, Tails>,
    /// Every key once, the oldest first.
    by_turn: BTreeMap<u64, Arc<str>>,
    /// Every turn once, the first to expire first.
    by_expiry: BTreeSet<(UnixTime, u64)>,
    next_turn: u64,
    bytes: usize,
    counts: CacheCounts,
}

#[derive(Debug)]
struct Entry {
    identity: Arc<VerifiedIdentity>,
    expires: UnixTime,
    turn: u64,
    /// What it counts for in `bytes`.
    size: usize,
    /// Whether it was asked for since it was last put at the end.
    used: bool,
}

/// What happened in the cache since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Tokens that were found, and still valid.
    pub hits: u64,
    /// Tokens that were not.
    pub misses: u64,
    /// Entries that made room for others before they had expired.
    pub evictions: u64,
}

impl TokenCache {
    /// The identity that `token` proved to `tenant`, if it is known, `now` is before its expiry and the key that vouched for it is
    /// still one of the tenant's.
    pub(crate) fn find(&self, tenant: &Tenant, token: &str, now: UnixTime) -> Option<Arc<VerifiedIdentity>> {
        let mut entries = self.0.lock().ok()?;
        let key = key(&tenant.name, token);
        let known = entries.by_key.get_mut(key.as_str()).map(|entry| {
            entry.used = true;
            let good = now < entry.expires && tenant.has_key(&entry.identity.vouched_by(), now);
            good.then(|| entry.identity.clone())
        });
        if matches!(known, Some(None)) {
            entries.remove(&key);
        }
        let found = known.flatten();
        let counts = &mut entries.counts;
        let count = if found.is_some() { &mut counts.hits } else { &mut counts.misses };
        *count = count.saturating_add(1);
        found
    }

    /// Remembers what `token` proved at `now`, until `expires`.
    pub(crate) fn insert(&self, token: &str, identity: &Arc<VerifiedIdentity>, expires: UnixTime, now: UnixTime) {
        let Ok(mut entries) = self.0.lock() else { return };
        let key: Arc<str> = key(identity.tenant(), token).into();
        let size = key.len().saturating_add(identity.size()).saturating_add(OVERHEAD);
        if size > MAX_SIZE {
            return;
        }
        entries.let_expired_go(now);
        let turn = entries.take_turn();
        entries.bytes = entries.bytes.saturating_add(size);
        entries.by_turn.insert(turn, key.clone());
        entries.by_expiry.insert((expires, turn));
        let entry = Entry { identity: identity.clone(), expires, turn, size, used: false };
        if let Some(old) = entries.by_key.insert(key, entry) {
            entries.forget(&old);
        }
        entries.make_room();
    }

    /// What happened since the last call.
    pub(crate) fn take_counts(&self) -> CacheCounts {
        self.0.lock().map(|mut entries| std::mem::take(&mut entries.counts)).unwrap_or_default()
    }
}

impl Entries {
    fn take_turn(&mut self) -> u64 {
        let turn = self.next_turn;
        self.next_turn = turn.saturating_add(1);
        turn
    }

    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.by_key.remove(key) {
            self.forget(&entry);
        }
    }

    /// Takes an entry that is gone out of the account.
    fn forget(&mut self, entry: &Entry) {
        self.by_turn.remove(&entry.turn);
        self.by_expiry.remove(&(entry.expires, entry.turn));
        self.bytes = self.bytes.saturating_sub(entry.size);
    }

    /// What has expired never takes the room of what has not. Each call adds one entry and takes more than one away, so none stay
    /// for long, and no call takes long.
    fn let_expired_go(&mut self, now: UnixTime) {
        for _ in 0..EXPIRED_AT_ONCE {
            let Some(&(expires, turn)) = self.by_expiry.first() else { return };
            if now < expires {
                return;
            }
            let Some(key) = self.by_turn.get(&turn).cloned() else { return };
            self.remove(&key);
        }
    }

    /// Lets the oldest go until the bounds are kept; one that was used gets a second round, within a fixed number of steps.
    fn make_room(&mut self) {
        let mut chances = SECOND_CHANCES;
        while self.by_key.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some((old, key)) = self.by_turn.pop_first() else { return };
            let new = self.take_turn();
            match self.by_key.get_mut(&key) {
                Some(entry) if entry.used && chances > 0 => {
                    chances = chances.saturating_sub(1);
                    self.by_expiry.remove(&(entry.expires, old));
                    (entry.used, entry.turn) = (false, new);
                    self.by_expiry.insert((entry.expires, new));
                    self.by_turn.insert(new, key);
                }
                _ => {
                    self.remove(&key);
                    self.counts.evictions = self.counts.evictions.saturating_add(1);
                }
            }
        }
    }
}

/// The whole token, so that no collision can matter. A tenant name has no space.
fn key(tenant: &TenantName, token: &str) -> String {
    [tenant.as_str(), " ", token].concat()
}

/// Hashes the end of a key only: that is where a token has its signature, which is as good as random, and a key is hashed several
/// times on its way through the cache. Keys are compared whole.
#[derive(Debug, Default)]
struct Tails(RandomState);

struct Tail<H>(H);

impl BuildHasher for Tails {
    type Hasher = Tail<<RandomState as BuildHasher>::Hasher>;

    fn build_hasher(&self) -> Self::Hasher {
        Tail(self.0.build_hasher())
    }
}

impl<H: Hasher> Hasher for Tail<H> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes.last_chunk::<TAIL>().map_or(bytes, |tail| tail));
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

/// As long as the shortest signature in base64url, but for some bytes.
const TAIL: usize = 64;

const MAX_ENTRIES: usize = 4096;
/// Of keys, identities and what it takes to keep them.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Of one entry, so that no insertion pushes out more than a few others.
const MAX_SIZE: usize = 256 * 1024;
/// About what an entry takes beside its texts.
const OVERHEAD: usize = 512;
const EXPIRED_AT_ONCE: usize = 4;
const SECOND_CHANCES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{gate, gate_with, identity, tenants};

    const START: UnixTime = UnixTime(0);
    const LATER: UnixTime = UnixTime(100);

    #[test]
    fn a_token_is_found_by_its_tenant_until_it_expires() {
        let gate = gate(&["k"]);
        let [a, b] = tenants(&gate);
        let cache = TokenCache::default();
        cache.insert("token", &identity(&gate, a, "ada"), LATER, START);
        let user = |tenant: &Tenant, token, now| {
            cache.find(tenant, token, UnixTime(now)).map(|identity| identity.user().to_owned())
        };
        assert_eq!(user(a, "token", 99).as_deref(), Some("ada"));
        assert_eq!(user(a, "token", 100), None);
        assert_eq!(user(a, "toke", 99), None);
        assert_eq!(user(b, "token", 99), None);
        assert_eq!(cache.take_counts(), CacheCounts { hits: 1, misses: 3, evictions: 0 });
        assert_eq!(cache.take_counts(), CacheCounts::default());
    }

    #[test]
    fn the_number_of_entries_is_bounded_and_the_used_stay() {
        let gate = gate(&["k"]);
        let [a, _] = tenants(&gate);
        let ada = identity(&gate, a, "ada");
        let cache = TokenCache::default();
        let find = |token: &str| cache.find(a, token, UnixTime(0)).is_some();
        cache.insert("hot", &ada, LATER, START);
        for number in 0..3 * MAX_ENTRIES {
            cache.insert(&number.to_string(), &ada, LATER, START);
            assert!(find("hot"), "{number}");
        }
        let entries = cache.0.lock().unwrap();
        assert_eq!(entries.by_key.len(), MAX_ENTRIES);
        assert_consistent(&entries);
        assert_eq!(entries.counts.evictions, u64::try_from(2 * MAX_ENTRIES + 1).unwrap());
    }

    #[track_caller]
    fn assert_consistent(entries: &Entries) {
        let count = entries.by_key.len();
        assert_eq!((entries.by_turn.len(), entries.by_expiry.len()), (count, count));
        assert_eq!(entries.bytes, entries.by_key.values().map(|entry| entry.size).sum::<usize>());
        for (key, entry) in &entries.by_key {
            assert_eq!(entries.by_turn.get(&entry.turn), Some(key));
            assert!(entries.by_expiry.contains(&(entry.expires, entry.turn)));
        }
    }

    #[test]
    fn what_has_expired_makes_room_before_anything_good() {
        let gate = gate(&["k"]);
        let [a, _] = tenants(&gate);
        let ada = identity(&gate, a, "ada");
        let cache = TokenCache::default();
        cache.insert("good", &ada, UnixTime(1000), START);
        for number in 1..MAX_ENTRIES {
            let token = number.to_string();
            cache.insert(&token, &ada, LATER, START);
            assert!(cache.find(a, &token, START).is_some());
        }
        for number in 0..MAX_ENTRIES / 2 {
            cache.insert(&format!("new {number}"), &ada, UnixTime(1000), LATER);
        }
        let entries = cache.0.lock().unwrap();
        assert_consistent(&entries);
        assert_eq!(entries.counts.evictions, 0);
        assert_eq!(entries.by_key.len(), 1 + MAX_ENTRIES / 2);
        assert!(entries.by_key.contains_key("a good"));
    }

    #[test]
    fn nothing_is_found_after_its_key_has_left_the_tenant() {
        let gate = gate(&["k"]);
        let rotated = gate_with(&["k"], include_str!("../../tests/vectors/keys/ed.public.pem"));
        let [a, _] = tenants(&gate);
        let cache = TokenCache::default();
        cache.insert("token", &identity(&gate, a, "ada"), LATER, START);
        assert!(cache.find(a, "token", START).is_some());
        let [rotated, _] = tenants(&rotated);
        assert!(cache.find(rotated, "token", START).is_none());
        // Nor after it came back.
        assert!(cache.find(a, "token", START).is_none());
        assert!(cache.0.lock().unwrap().by_key.is_empty());
    }

    #[test]
    fn identities_count_too() {
        let gate = gate(&["k"]);
        let [a, _] = tenants(&gate);
        let cache = TokenCache::default();
        let large = identity(&gate, a, &"x".repeat(2_000));
        for number in 0..MAX_ENTRIES {
            cache.insert(&number.to_string(), &large, LATER, START);
        }
        cache.insert(&"x".repeat(MAX_SIZE), &large, LATER, START);
        let entries = cache.0.lock().unwrap();
        assert_consistent(&entries);
        assert!(entries.bytes <= MAX_BYTES && (3_000..3_400).contains(&entries.by_key.len()));
        assert!(entries.by_key.values().all(|entry| entry.size <= MAX_SIZE));
    }

    #[test]
    fn the_bytes_are_bounded() {
        let gate = gate(&["k"]);
        let [a, _] = tenants(&gate);
        let ada = identity(&gate, a, "ada");
        let cache = TokenCache::default();
        for number in 0..600 {
            cache.insert(&format!("{number}{}", "x".repeat(30_000)), &ada, LATER, START);
        }
        let entries = cache.0.lock().unwrap();
        assert!(entries.bytes <= MAX_BYTES && entries.by_key.len() > 200);
    }
}

//! Cache of bearer tokens and sessions that were verified before. Clients send the same ones many
//! times, and verifying one costs several times what a lookup costs.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex};

use subtle::ConstantTimeEq as _;

use crate::base::time::UnixTime;
use crate::tenant::TenantName;

/// What was verified, by the bytes that prove it: a bearer token, or a sealed session. The cache
/// belongs to one configuration, and each entry to the settings of its tenant, so a token that was
/// verified under older ones is never found. A sealed session is a token here, too.
///
/// Only valid tokens are stored, so a flood of invalid ones cannot evict a valid one. A token is
/// stored when it is verified for the second time, so a flood of valid tokens that are sent once
/// cannot evict the others either. Storing each token at once made the request some nine
/// microseconds slower, a third of all that the filter adds to a request.
pub(crate) struct VerifiedCache<V>(Mutex<CacheState<V>>);

/// What was verified.
pub(crate) trait Verified {
    /// The tenant for which it was verified.
    fn tenant(&self) -> &TenantName;

    /// Its approximate size in memory, in bytes.
    fn size(&self) -> usize;
}

struct CacheState<V> {
    /// By the hash of tenant and token. Of two entries with the same hash, the later replaces the
    /// earlier.
    by_hash: HashMap<u64, CacheEntry<V>, BuildHasherDefault<Hashed>>,
    /// Every hash once, by its position in the queue: the least recently queued first.
    queue: BTreeMap<u64, u64>,
    /// Every position once, by expiry: the first to expire first.
    by_expiry: BTreeSet<(UnixTime, u64)>,
    /// The upper halves of the hashes of tokens that came once: [`WAYS`] of those with the same low
    /// bits.
    seen_once: Vec<[u32; WAYS]>,
    /// The place that the next hash takes among the [`WAYS`].
    next_way: usize,
    hasher: RandomState,
    next_queue_position: u64,
    bytes: usize,
    counts: CacheCounts,
}

struct CacheEntry<V> {
    /// The whole token, so that a hash collision never yields a wrong identity.
    token: Box<[u8]>,
    /// The settings of the tenant with which it was verified.
    settings: u64,
    value: Arc<V>,
    expires: UnixTime,
    queue_position: u64,
    /// The share of this entry in [`CacheState::bytes`], in bytes.
    size: usize,
    /// Whether the entry was found since it was last queued.
    used: bool,
}

impl<V: Verified> CacheEntry<V> {
    fn is_of(&self, tenant: &TenantName, settings: u64, token: &[u8]) -> bool {
        same(&self.token, token) && self.settings == settings && self.value.tenant() == tenant
    }
}

/// The number of events in the cache since the counts were last taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Lookups that found a valid token.
    pub hits: u64,
    /// Lookups that found none.
    pub misses: u64,
    /// Entries that were evicted before they had expired.
    pub evictions: u64,
}

impl<V: Verified> VerifiedCache<V> {
    /// What `token` proved at `tenant`, if the token is cached and has not expired at `now`, and
    /// its value `is_valid` still. `settings` identifies the settings of the tenant, which can
    /// change within a configuration.
    pub(crate) fn find(
        &self,
        (tenant, settings): (&TenantName, u64),
        token: &[u8],
        now: UnixTime,
        is_valid: impl Fn(&V) -> bool,
    ) -> Option<Arc<V>> {
        let mut entries = self.0.lock().ok()?;
        let hash = entries.hash(tenant, token);
        let known = entries.by_hash.get_mut(&hash).filter(|entry| entry.is_of(tenant, settings, token)).map(|entry| {
            entry.used = true;
            let is_valid = now < entry.expires && is_valid(&entry.value);
            is_valid.then(|| entry.value.clone())
        });
        if matches!(known, Some(None)) {
            entries.remove(hash);
        }
        let found = known.flatten();
        let counts = &mut entries.counts;
        let count = if found.is_some() { &mut counts.hits } else { &mut counts.misses };
        *count = count.saturating_add(1);
        found
    }

    /// Stores what `token` proved until `expires`, unless the token comes for the first time or
    /// the entry would exceed [`MAX_SIZE`].
    pub(crate) fn insert(&self, token: &[u8], (value, settings): (&Arc<V>, u64), expires: UnixTime, now: UnixTime) {
        let Ok(mut entries) = self.0.lock() else { return };
        let size = token.len().saturating_add(value.size()).saturating_add(OVERHEAD);
        if size > MAX_SIZE {
            return;
        }
        let hash = entries.hash(value.tenant(), token);
        if entries.is_first(hash) {
            return;
        }
        entries.remove_expired(now);
        let queue_position = entries.take_queue_position();
        entries.bytes = entries.bytes.saturating_add(size);
        entries.queue.insert(queue_position, hash);
        entries.by_expiry.insert((expires, queue_position));
        let entry = CacheEntry {
            token: token.into(),
            settings,
            value: value.clone(),
            expires,
            queue_position,
            size,
            used: false,
        };
        if let Some(old) = entries.by_hash.insert(hash, entry) {
            entries.forget(&old);
        }
        entries.make_room();
    }

    /// Returns the counts since the last call and resets them.
    pub(crate) fn take_counts(&self) -> CacheCounts {
        self.0.lock().map(|mut entries| std::mem::take(&mut entries.counts)).unwrap_or_default()
    }
}

impl<V> Default for VerifiedCache<V> {
    fn default() -> Self {
        Self(Mutex::new(CacheState {
            by_hash: HashMap::default(),
            queue: BTreeMap::new(),
            by_expiry: BTreeSet::new(),
            seen_once: Vec::new(),
            next_way: 0,
            hasher: RandomState::new(),
            next_queue_position: 0,
            bytes: 0,
            counts: CacheCounts::default(),
        }))
    }
}

/// Omits the tokens.
impl<V> fmt::Debug for VerifiedCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedCache").finish_non_exhaustive()
    }
}

impl<V> CacheState<V> {
    /// Hashes only the end of the token. It is part of the signature or the tag, which is as good
    /// as random.
    fn hash(&self, tenant: &TenantName, token: &[u8]) -> u64 {
        let tail = token.last_chunk::<TAIL>().map_or(token, |tail| tail);
        self.hasher.hash_one((tenant, tail))
    }

    /// Whether this hash is not among those seen lately. Records it.
    fn is_first(&mut self, hash: u64) -> bool {
        self.seen_once.resize(ONCE / WAYS, [0; WAYS]);
        let [a, b, c, d, high @ ..] = hash.to_le_bytes();
        let (low, high) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes(high));
        let Some(alike) = usize::try_from(low).ok().and_then(|low| self.seen_once.get_mut(low % (ONCE / WAYS))) else {
            return true;
        };
        if alike.contains(&high) {
            return false;
        }
        // The oldest is not replaced: tokens that take turns would replace each other before they
        // come again.
        self.next_way = self.next_way.wrapping_add(1) % WAYS;
        if let Some(place) = alike.get_mut(self.next_way) {
            *place = high;
        }
        true
    }

    fn take_queue_position(&mut self) -> u64 {
        let queue_position = self.next_queue_position;
        self.next_queue_position = queue_position.saturating_add(1);
        queue_position
    }

    fn remove(&mut self, hash: u64) {
        if let Some(entry) = self.by_hash.remove(&hash) {
            self.forget(&entry);
        }
    }

    /// Removes an entry that left `by_hash` from the two orders and from the byte count.
    fn forget(&mut self, entry: &CacheEntry<V>) {
        self.queue.remove(&entry.queue_position);
        self.by_expiry.remove(&(entry.expires, entry.queue_position));
        self.bytes = self.bytes.saturating_sub(entry.size);
    }

    /// Removes expired entries first, so that they never displace valid ones. Each insertion adds
    /// one entry and removes up to [`EXPIRED_AT_ONCE`] expired ones, so they do not accumulate and
    /// no call takes long.
    fn remove_expired(&mut self, now: UnixTime) {
        for _ in 0..EXPIRED_AT_ONCE {
            let Some(&(expires, queue_position)) = self.by_expiry.first() else { return };
            if now < expires {
                return;
            }
            let Some(&hash) = self.queue.get(&queue_position) else { return };
            self.remove(hash);
        }
    }

    /// Evicts the oldest entries until the limits are kept. An entry that was used is queued once
    /// more, at most [`SECOND_CHANCES`] times per call.
    fn make_room(&mut self) {
        let mut chances = SECOND_CHANCES;
        while self.by_hash.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some((old, hash)) = self.queue.pop_first() else { return };
            let new = self.take_queue_position();
            match self.by_hash.get_mut(&hash) {
                Some(entry) if entry.used && chances > 0 => {
                    chances = chances.saturating_sub(1);
                    self.by_expiry.remove(&(entry.expires, old));
                    (entry.used, entry.queue_position) = (false, new);
                    self.by_expiry.insert((entry.expires, new));
                    self.queue.insert(new, hash);
                }
                _ => {
                    self.remove(hash);
                    self.counts.evictions = self.counts.evictions.saturating_add(1);
                }
            }
        }
    }
}

/// Whether two byte strings are equal, in constant time for equal lengths: the end of a token finds
/// an entry, and the rest is as secret. The compiler's `==` compares byte by byte in WebAssembly,
/// which took an eighth of the time spent on a cached token; this function compares eight bytes at
/// once.
fn same(a: &[u8], b: &[u8]) -> bool {
    let ((a_words, a_rest), (b_words, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let words = a_words.iter().zip(b_words).map(|(a, b)| u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b));
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| u64::from(a ^ b));
    let different = words.chain(rest).fold(0, |different, bits| different | bits);
    a.len() == b.len() && different.ct_eq(&0).into()
}

/// Passes a `u64` through that is already a hash.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, &byte| hash.rotate_left(8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Slightly shorter than the shortest signature in base64url, in bytes.
const TAIL: usize = 64;

const MAX_ENTRIES: usize = 4096;
/// Twice the number of entries; otherwise tokens that take turns would replace each other before
/// they come again.
const ONCE: usize = 2 * MAX_ENTRIES;
const WAYS: usize = 4;
/// For tokens, identities and the overhead of storing them.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// For one entry, so that one insertion evicts only a few others.
const MAX_SIZE: usize = 256 * 1024;
/// The approximate size of an entry without its strings, in bytes.
const OVERHEAD: usize = 512;
const EXPIRED_AT_ONCE: usize = 4;
const SECOND_CHANCES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::VerifiedIdentity;
    use crate::jose::TrustedKeys;
    use crate::tenant::Tenant;
    use crate::testing::{identity, runtime, runtime_with, tenants};

    type BearerCache = VerifiedCache<VerifiedIdentity>;

    impl BearerCache {
        /// Inserts a token as if it were sent twice, so that it is stored.
        fn keep(&self, token: &[u8], identity: &Arc<VerifiedIdentity>, expires: UnixTime, now: UnixTime) {
            for _ in 0..2 {
                self.insert(token, (identity, 0), expires, now);
            }
        }
    }

    /// Looks a token up with the configured keys of its tenant.
    fn find(cache: &BearerCache, tenant: &Tenant, token: &[u8], now: UnixTime) -> Option<Arc<VerifiedIdentity>> {
        let keys = TrustedKeys::new(&tenant.keys, None, false);
        cache.find((&tenant.name, 0), token, now, |identity| keys.contains(&identity.verified_with()))
    }

    const START: UnixTime = UnixTime(0);
    const LATER: UnixTime = UnixTime(100);

    #[test]
    fn a_token_is_found_by_its_tenant_until_it_expires() {
        let runtime = runtime(&["k"]);
        let [a, b] = tenants(&runtime);
        let cache = BearerCache::default();
        cache.keep(b"token", &identity(&runtime, a, "ada"), LATER, START);
        let user = |tenant: &Tenant, token: &str, now| {
            find(&cache, tenant, token.as_bytes(), UnixTime(now)).map(|identity| identity.user().to_owned())
        };
        assert_eq!(user(a, "token", 99).as_deref(), Some("ada"));
        assert_eq!(user(a, "token", 100), None);
        assert_eq!(user(a, "toke", 99), None);
        assert_eq!(user(b, "token", 99), None);
        assert_eq!(cache.take_counts(), CacheCounts { hits: 1, misses: 3, evictions: 0 });
        assert_eq!(cache.take_counts(), CacheCounts::default());
    }

    #[test]
    fn entries_in_use_stay_and_their_number_is_limited() {
        let runtime = runtime(&["k"]);
        let [a, _] = tenants(&runtime);
        let ada = identity(&runtime, a, "ada");
        let cache = BearerCache::default();
        let is_found = |token: &str| find(&cache, a, token.as_bytes(), UnixTime(0)).is_some();
        cache.keep(b"hot", &ada, LATER, START);
        for number in 0..3 * MAX_ENTRIES {
            cache.keep(number.to_string().as_bytes(), &ada, LATER, START);
            assert!(is_found("hot"), "{number}");
        }
        let entries = cache.0.lock().unwrap();
        assert_eq!(entries.by_hash.len(), MAX_ENTRIES);
        assert_consistent(&entries);
        assert_eq!(entries.counts.evictions, u64::try_from(2 * MAX_ENTRIES + 1).unwrap());
    }

    #[track_caller]
    fn assert_consistent(entries: &CacheState<VerifiedIdentity>) {
        let count = entries.by_hash.len();
        assert_eq!((entries.queue.len(), entries.by_expiry.len()), (count, count));
        assert_eq!(entries.bytes, entries.by_hash.values().map(|entry| entry.size).sum::<usize>());
        for (hash, entry) in &entries.by_hash {
            assert_eq!(entries.queue.get(&entry.queue_position), Some(hash));
            assert!(entries.by_expiry.contains(&(entry.expires, entry.queue_position)));
        }
    }

    #[test]
    fn expired_entries_are_removed_before_valid_ones() {
        let runtime = runtime(&["k"]);
        let [a, _] = tenants(&runtime);
        let ada = identity(&runtime, a, "ada");
        let cache = BearerCache::default();
        cache.keep(b"good", &ada, UnixTime(1000), START);
        for number in 1..MAX_ENTRIES {
            let token = number.to_string();
            cache.keep(token.as_bytes(), &ada, LATER, START);
            assert!(find(&cache, a, token.as_bytes(), START).is_some());
        }
        for number in 0..MAX_ENTRIES / 2 {
            cache.keep(format!("new {number}").as_bytes(), &ada, UnixTime(1000), LATER);
        }
        let entries = cache.0.lock().unwrap();
        assert_consistent(&entries);
        assert_eq!(entries.counts.evictions, 0);
        assert_eq!(entries.by_hash.len(), 1 + MAX_ENTRIES / 2);
        assert!(entries.by_hash.values().any(|entry| entry.is_of(&a.name, 0, b"good")));
    }

    #[test]
    fn a_token_is_not_found_after_its_key_was_removed() {
        let runtime = runtime(&["k"]);
        let rotated = runtime_with(&["k"], include_str!("../../tests/vectors/keys/ed.public.pem"));
        let [a, _] = tenants(&runtime);
        let cache = BearerCache::default();
        cache.keep(b"token", &identity(&runtime, a, "ada"), LATER, START);
        assert!(find(&cache, a, b"token", START).is_some());
        let [rotated, _] = tenants(&rotated);
        assert!(find(&cache, rotated, b"token", START).is_none());
        // The failed lookup removed it, so it is not found with the old key either.
        assert!(find(&cache, a, b"token", START).is_none());
        assert!(cache.0.lock().unwrap().by_hash.is_empty());
    }

    #[test]
    fn the_size_of_identities_is_limited() {
        let runtime = runtime(&["k"]);
        let [a, _] = tenants(&runtime);
        let cache = BearerCache::default();
        let large = identity(&runtime, a, &"x".repeat(2_000));
        for number in 0..MAX_ENTRIES {
            cache.keep(number.to_string().as_bytes(), &large, LATER, START);
        }
        cache.keep("x".repeat(MAX_SIZE).as_bytes(), &large, LATER, START);
        let entries = cache.0.lock().unwrap();
        assert_consistent(&entries);
        assert!(entries.bytes <= MAX_BYTES && (1_600..1_900).contains(&entries.by_hash.len()));
        assert!(entries.by_hash.values().all(|entry| entry.size <= MAX_SIZE));
    }

    #[test]
    fn the_size_of_tokens_is_limited() {
        let runtime = runtime(&["k"]);
        let [a, _] = tenants(&runtime);
        let ada = identity(&runtime, a, "ada");
        let cache = BearerCache::default();
        for number in 0..600 {
            cache.keep(format!("{}{number}", "x".repeat(30_000)).as_bytes(), &ada, LATER, START);
        }
        let entries = cache.0.lock().unwrap();
        assert!(entries.bytes <= MAX_BYTES && entries.by_hash.len() > 200);
    }

    #[test]
    fn same_compares_every_byte() {
        let text: Vec<u8> = (0..19).collect();
        assert!(same(&text, &text) && same(b"", b""));
        for position in 0..text.len() {
            let mut other = text.clone();
            other[position] ^= 1;
            assert!(!same(&text, &other), "{position}");
            assert!(!same(&text, &text[..position]) && !same(&text[..position], &text), "{position}");
        }
    }

    /// A token with the same hash is not found; when it is inserted, it replaces the entry.
    #[test]
    fn a_hash_collision_finds_nothing() {
        let runtime = runtime(&["k"]);
        let [a, b] = tenants(&runtime);
        let cache = BearerCache::default();
        let tail = "x".repeat(TAIL);
        let [one, two] = ["1", "2"].map(|start| format!("{start}{tail}").into_bytes());
        cache.keep(&one, &identity(&runtime, a, "ada"), LATER, START);
        assert!(find(&cache, a, &two, START).is_none());
        cache.keep(&two, &identity(&runtime, a, "eve"), LATER, START);
        assert!(find(&cache, a, &one, START).is_none());
        assert_eq!(find(&cache, a, &two, START).map(|identity| identity.user().to_owned()).as_deref(), Some("eve"));
        let entries = cache.0.lock().unwrap();
        assert_consistent(&entries);
        let kept =
            |tenant: &Tenant, token: &[u8]| entries.by_hash.values().any(|entry| entry.is_of(&tenant.name, 0, token));
        assert!(kept(a, &two) && !kept(b, &two) && !kept(a, &one));
    }

    #[test]
    fn a_token_is_stored_when_it_comes_again() {
        let runtime = runtime(&["k"]);
        let [a, b] = tenants(&runtime);
        let cache = BearerCache::default();
        let [ada, eve] = [(a, "ada"), (b, "eve")].map(|(tenant, user)| identity(&runtime, tenant, user));
        cache.insert(b"token", (&ada, 0), LATER, START);
        cache.insert(b"token", (&eve, 0), LATER, START);
        assert!(find(&cache, a, b"token", START).is_none() && find(&cache, b, b"token", START).is_none());
        cache.insert(b"token", (&ada, 0), LATER, START);
        assert!(find(&cache, a, b"token", START).is_some() && find(&cache, b, b"token", START).is_none());
        assert_consistent(&cache.0.lock().unwrap());
    }

    /// Any number of tokens that come once evict nothing, and tokens that take turns are stored up
    /// to the limit.
    #[test]
    fn tokens_that_come_once_evict_nothing() {
        let runtime = runtime(&["k"]);
        let [a, _] = tenants(&runtime);
        let ada = identity(&runtime, a, "ada");
        let cache = BearerCache::default();
        let send = |token: String| {
            let known = find(&cache, a, token.as_bytes(), START).is_some();
            if !known {
                cache.insert(token.as_bytes(), (&ada, 0), LATER, START);
            }
            known
        };
        let rounds: Vec<usize> =
            (0..8).map(|_| (0..MAX_ENTRIES).filter(|number| send(format!("often {number}"))).count()).collect();
        assert!(rounds[7] > MAX_ENTRIES / 10 * 9, "{rounds:?}");
        assert!((0..4 * MAX_ENTRIES).all(|number| !send(format!("once {number}"))));
        let known = (0..MAX_ENTRIES).filter(|number| send(format!("often {number}"))).count();
        assert!(known > MAX_ENTRIES / 10 * 9, "{known}");
    }
}

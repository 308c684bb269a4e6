//! Bearer tokens that were verified a moment ago. An API client sends the same token many times, and verifying costs several times what
//! looking it up does.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex};

use super::verified::VerifiedIdentity;
use crate::base::time::UnixTime;
use crate::jose::TrustedKeys;
use crate::tenant::TenantName;

/// The identities that good tokens proved. It belongs to one configuration and goes with it, so nothing that was verified under an
/// older one is ever found.
///
/// Only good tokens are kept, so a flood of bad ones cannot push a good one out; and only those that come again, so neither can good ones
/// that are sent once. Keeping each of those at once made the request some nine microseconds dearer, a third of all that the gate adds to one.
#[derive(Debug, Default)]
pub(crate) struct BearerCache(Mutex<CacheState>);

#[derive(Debug, Default)]
struct CacheState {
    /// By the hash of tenant and token; of two with the same one, the later stays.
    by_hash: HashMap<u64, CacheEntry, BuildHasherDefault<Hashed>>,
    /// Every hash once, the oldest first.
    by_turn: BTreeMap<u64, u64>,
    /// Every turn once, the first to expire first.
    by_expiry: BTreeSet<(UnixTime, u64)>,
    /// Halves of hashes of tokens that came once, four of those with the same low bits.
    once: Vec<[u32; WAYS]>,
    /// Which of four makes room next.
    way: usize,
    hasher: RandomState,
    next_turn: u64,
    bytes: usize,
    counts: CacheCounts,
}

#[derive(Debug)]
struct CacheEntry {
    /// The whole token, so that no collision can matter.
    token: Box<[u8]>,
    identity: Arc<VerifiedIdentity>,
    expires: UnixTime,
    turn: u64,
    /// What it counts for in `bytes`.
    size: usize,
    /// Whether it was asked for since it was last put at the end.
    used: bool,
}

impl CacheEntry {
    fn is_of(&self, tenant: &TenantName, token: &[u8]) -> bool {
        same(&self.token, token) && self.identity.tenant() == tenant
    }
}

/// What happened in the cache since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Tokens that were found, and still valid.
    pub hits: u64,
    /// Tokens that were not.
    pub misses: u64,
    /// CacheState that made room for others before they had expired.
    pub evictions: u64,
}

impl BearerCache {
    /// The identity that `token` proved to `tenant`, if it is known, `now` is before its expiry and the key that vouched for it is
    /// still one of the tenant's.
    pub(crate) fn find(
        &self,
        tenant: &TenantName,
        token: &[u8],
        keys: &TrustedKeys<'_>,
        now: UnixTime,
    ) -> Option<Arc<VerifiedIdentity>> {
        let mut entries = self.0.lock().ok()?;
        let hash = entries.hash(tenant, token);
        let known = entries.by_hash.get_mut(&hash).filter(|entry| entry.is_of(tenant, token)).map(|entry| {
            entry.used = true;
            let good = now < entry.expires && keys.contains(&entry.identity.verified_with());
            good.then(|| entry.identity.clone())
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

    /// Remembers what `token` proved at `now`, until `expires`, if it is not the first time.
    pub(crate) fn insert(&self, token: &[u8], identity: &Arc<VerifiedIdentity>, expires: UnixTime, now: UnixTime) {
        let Ok(mut entries) = self.0.lock() else { return };
        let size = token.len().saturating_add(identity.size()).saturating_add(OVERHEAD);
        if size > MAX_SIZE {
            return;
        }
        let hash = entries.hash(identity.tenant(), token);
        if entries.is_first(hash) {
            return;
        }
        entries.let_expired_go(now);
        let turn = entries.take_turn();
        entries.bytes = entries.bytes.saturating_add(size);
        entries.by_turn.insert(turn, hash);
        entries.by_expiry.insert((expires, turn));
        let entry = CacheEntry { token: token.into(), identity: identity.clone(), expires, turn, size, used: false };
        if let Some(old) = entries.by_hash.insert(hash, entry) {
            entries.forget(&old);
        }
        entries.make_room();
    }

    /// What happened since the last call.
    pub(crate) fn take_counts(&self) -> CacheCounts {
        self.0.lock().map(|mut entries| std::mem::take(&mut entries.counts)).unwrap_or_default()
    }
}

impl CacheState {
    /// Of the end of a token only: that is where its signature is, which is as good as random.
    fn hash(&self, tenant: &TenantName, token: &[u8]) -> u64 {
        let tail = token.last_chunk::<TAIL>().map_or(token, |tail| tail);
        self.hasher.hash_one((tenant, tail))
    }

    /// Whether this hash was not there lately. From now on it was.
    fn is_first(&mut self, hash: u64) -> bool {
        self.once.resize(ONCE / WAYS, [0; WAYS]);
        let [a, b, c, d, high @ ..] = hash.to_le_bytes();
        let (low, high) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes(high));
        let Some(alike) = usize::try_from(low).ok().and_then(|low| self.once.get_mut(low % (ONCE / WAYS))) else {
            return true;
        };
        if alike.contains(&high) {
            return false;
        }
        // Not the oldest: tokens that take turns would never meet themselves.
        self.way = self.way.wrapping_add(1) % WAYS;
        if let Some(place) = alike.get_mut(self.way) {
            *place = high;
        }
        true
    }

    fn take_turn(&mut self) -> u64 {
        let turn = self.next_turn;
        self.next_turn = turn.saturating_add(1);
        turn
    }

    fn remove(&mut self, hash: u64) {
        if let Some(entry) = self.by_hash.remove(&hash) {
            self.forget(&entry);
        }
    }

    /// Takes an entry that is gone out of the account.
    fn forget(&mut self, entry: &CacheEntry) {
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
            let Some(&hash) = self.by_turn.get(&turn) else { return };
            self.remove(hash);
        }
    }

    /// Lets the oldest go until the bounds are kept; one that was used gets a second round, within a fixed number of steps.
    fn make_room(&mut self) {
        let mut chances = SECOND_CHANCES;
        while self.by_hash.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some((old, hash)) = self.by_turn.pop_first() else { return };
            let new = self.take_turn();
            match self.by_hash.get_mut(&hash) {
                Some(entry) if entry.used && chances > 0 => {
                    chances = chances.saturating_sub(1);
                    self.by_expiry.remove(&(entry.expires, old));
                    (entry.used, entry.turn) = (false, new);
                    self.by_expiry.insert((entry.expires, new));
                    self.by_turn.insert(new, hash);
                }
                _ => {
                    self.remove(hash);
                    self.counts.evictions = self.counts.evictions.saturating_add(1);
                }
            }
        }
    }
}

/// Whether two texts are the same. The comparison that the compiler makes of `==` goes byte by byte in WebAssembly, which took an eighth of what
/// is done with a known token; this one takes eight at once.
fn same(a: &[u8], b: &[u8]) -> bool {
    let ((a_words, a_rest), (b_words, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    a.len() == b.len() && a_words.iter().zip(b_words).all(|(a, b)| a == b) && a_rest == b_rest
}

/// Takes what is a hash already.
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

/// As long as the shortest signature in base64url, but for some bytes.
const TAIL: usize = 64;

const MAX_ENTRIES: usize = 4096;
/// Twice as many as are kept, or tokens that take turns would push each other out before they come again.
const ONCE: usize = 2 * MAX_ENTRIES;
const WAYS: usize = 4;
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
    use crate::tenant::Tenant;
    use crate::testing::{identity, runtime, runtime_with, tenants};

    impl BearerCache {
        /// What comes of a token that is sent twice.
        fn keep(&self, token: &[u8], identity: &Arc<VerifiedIdentity>, expires: UnixTime, now: UnixTime) {
            for _ in 0..2 {
                self.insert(token, identity, expires, now);
            }
        }
    }

    /// Looks a token up with the configured keys of its tenant.
    fn find(cache: &BearerCache, tenant: &Tenant, token: &[u8], now: UnixTime) -> Option<Arc<VerifiedIdentity>> {
        cache.find(&tenant.name, token, &TrustedKeys::new(&tenant.keys, None, false), now)
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
    fn the_number_of_entries_is_bounded_and_the_used_stay() {
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
    fn assert_consistent(entries: &CacheState) {
        let count = entries.by_hash.len();
        assert_eq!((entries.by_turn.len(), entries.by_expiry.len()), (count, count));
        assert_eq!(entries.bytes, entries.by_hash.values().map(|entry| entry.size).sum::<usize>());
        for (hash, entry) in &entries.by_hash {
            assert_eq!(entries.by_turn.get(&entry.turn), Some(hash));
            assert!(entries.by_expiry.contains(&(entry.expires, entry.turn)));
        }
    }

    #[test]
    fn what_has_expired_makes_room_before_anything_good() {
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
        assert!(entries.by_hash.values().any(|entry| entry.is_of(&a.name, b"good")));
    }

    #[test]
    fn nothing_is_found_after_its_key_has_left_the_tenant() {
        let runtime = runtime(&["k"]);
        let rotated = runtime_with(&["k"], include_str!("../../tests/vectors/keys/ed.public.pem"));
        let [a, _] = tenants(&runtime);
        let cache = BearerCache::default();
        cache.keep(b"token", &identity(&runtime, a, "ada"), LATER, START);
        assert!(find(&cache, a, b"token", START).is_some());
        let [rotated, _] = tenants(&rotated);
        assert!(find(&cache, rotated, b"token", START).is_none());
        // Nor after it came back.
        assert!(find(&cache, a, b"token", START).is_none());
        assert!(cache.0.lock().unwrap().by_hash.is_empty());
    }

    #[test]
    fn identities_count_too() {
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
        assert!(entries.bytes <= MAX_BYTES && (3_000..3_400).contains(&entries.by_hash.len()));
        assert!(entries.by_hash.values().all(|entry| entry.size <= MAX_SIZE));
    }

    #[test]
    fn the_bytes_are_bounded() {
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
    fn texts_are_the_same_in_every_byte() {
        let text: Vec<u8> = (0..19).collect();
        assert!(same(&text, &text) && same(b"", b""));
        for position in 0..text.len() {
            let mut other = text.clone();
            other[position] ^= 1;
            assert!(!same(&text, &other), "{position}");
            assert!(!same(&text, &text[..position]) && !same(&text[..position], &text), "{position}");
        }
    }

    /// Another token with the same hash is not taken for it, and takes its place.
    #[test]
    fn a_collision_finds_nothing() {
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
            |tenant: &Tenant, token: &[u8]| entries.by_hash.values().any(|entry| entry.is_of(&tenant.name, token));
        assert!(kept(a, &two) && !kept(b, &two) && !kept(a, &one));
    }

    #[test]
    fn a_token_is_kept_when_it_comes_again() {
        let runtime = runtime(&["k"]);
        let [a, b] = tenants(&runtime);
        let cache = BearerCache::default();
        let [ada, eve] = [(a, "ada"), (b, "eve")].map(|(tenant, user)| identity(&runtime, tenant, user));
        cache.insert(b"token", &ada, LATER, START);
        cache.insert(b"token", &eve, LATER, START);
        assert!(find(&cache, a, b"token", START).is_none() && find(&cache, b, b"token", START).is_none());
        cache.insert(b"token", &ada, LATER, START);
        assert!(find(&cache, a, b"token", START).is_some() && find(&cache, b, b"token", START).is_none());
        assert_consistent(&cache.0.lock().unwrap());
    }

    /// However many tokens come once, those that were kept stay; and as many as there is room for are kept, even if they take turns.
    #[test]
    fn tokens_that_come_once_push_nothing_out() {
        let runtime = runtime(&["k"]);
        let [a, _] = tenants(&runtime);
        let ada = identity(&runtime, a, "ada");
        let cache = BearerCache::default();
        let send = |token: String| {
            let known = find(&cache, a, token.as_bytes(), START).is_some();
            if !known {
                cache.insert(token.as_bytes(), &ada, LATER, START);
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

//! Bearer tokens that were verified a moment ago. An API client sends the same token many times, and verifying costs four
//! times what looking it up does (49 and 12 microseconds of a request to Envoy).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::env::UnixTime;
use crate::identity::VerifiedIdentity;
use crate::tenant::TenantName;

/// The identities that good tokens proved. It belongs to one configuration and goes with it, so nothing that was verified under an
/// older one is ever found.
///
/// Only good tokens are kept: a flood of bad ones cannot push a good one out.
#[derive(Debug, Default)]
pub(crate) struct TokenCache(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<Arc<str>, Entry>,
    /// Every key once, the oldest first.
    order: VecDeque<Arc<str>>,
    bytes: usize,
    counts: CacheCounts,
}

#[derive(Debug)]
struct Entry {
    identity: VerifiedIdentity,
    expires: UnixTime,
    /// Whether it was asked for since it was last at the front.
    used: bool,
}

/// What happened in the cache since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Tokens that were found, and still valid.
    pub hits: u64,
    /// Tokens that were not.
    pub misses: u64,
    /// Entries that made room for others.
    pub evictions: u64,
}

impl TokenCache {
    /// The identity that `token` proved to `tenant`, if it is known and `now` is before its expiry.
    pub(crate) fn find(&self, tenant: &TenantName, token: &str, now: UnixTime) -> Option<VerifiedIdentity> {
        let mut entries = self.0.lock().ok()?;
        let found = entries.by_key.get_mut(&*key(tenant, token)).filter(|entry| now < entry.expires).map(|entry| {
            entry.used = true;
            entry.identity.clone()
        });
        let counts = &mut entries.counts;
        let count = if found.is_some() { &mut counts.hits } else { &mut counts.misses };
        *count = count.saturating_add(1);
        found
    }

    /// Remembers what `token` proved, until `expires`.
    pub(crate) fn insert(&self, token: &str, identity: &VerifiedIdentity, expires: UnixTime) {
        let Ok(mut entries) = self.0.lock() else { return };
        let key = key(identity.tenant(), token);
        let entry = Entry { identity: identity.clone(), expires, used: false };
        if entries.by_key.insert(key.clone(), entry).is_none() {
            entries.bytes = entries.bytes.saturating_add(key.len());
            entries.order.push_back(key);
        }
        entries.make_room();
    }

    /// What happened since the last call.
    pub(crate) fn take_counts(&self) -> CacheCounts {
        self.0.lock().map(|mut entries| std::mem::take(&mut entries.counts)).unwrap_or_default()
    }
}

impl Entries {
    /// Lets the oldest go until the bounds are kept; one that was used gets a second round, within a fixed number of steps.
    fn make_room(&mut self) {
        let mut chances = SECOND_CHANCES;
        while self.order.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some(key) = self.order.pop_front() else { return };
            match self.by_key.get_mut(&key) {
                Some(entry) if entry.used && chances > 0 => {
                    chances = chances.saturating_sub(1);
                    entry.used = false;
                    self.order.push_back(key);
                }
                _ => {
                    self.by_key.remove(&key);
                    self.bytes = self.bytes.saturating_sub(key.len());
                    self.counts.evictions = self.counts.evictions.saturating_add(1);
                }
            }
        }
    }
}

/// The whole token, so that no collision can matter. A tenant name has no space.
fn key(tenant: &TenantName, token: &str) -> Arc<str> {
    [tenant.as_str(), " ", token].concat().into()
}

const MAX_ENTRIES: usize = 4096;
/// Of keys; the identities are smaller than the tokens they come from.
const MAX_BYTES: usize = 8 * 1024 * 1024;
const SECOND_CHANCES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{gate, identity, tenants};

    const LATER: UnixTime = UnixTime(100);

    #[test]
    fn a_token_is_found_by_its_tenant_until_it_expires() {
        let gate = gate(&["k"]);
        let [a, b] = tenants(&gate);
        let cache = TokenCache::default();
        cache.insert("token", &identity(&gate, a, "ada"), LATER);
        let user = |tenant: &crate::tenant::Tenant, token, now| {
            cache.find(&tenant.name, token, UnixTime(now)).map(|identity| identity.user().to_owned())
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
        let find = |token: &str| cache.find(&a.name, token, UnixTime(0)).is_some();
        cache.insert("hot", &ada, LATER);
        for number in 0..3 * MAX_ENTRIES {
            cache.insert(&number.to_string(), &ada, LATER);
            assert!(find("hot"), "{number}");
        }
        let entries = cache.0.lock().unwrap();
        assert_eq!((entries.by_key.len(), entries.order.len()), (MAX_ENTRIES, MAX_ENTRIES));
        assert_eq!(entries.bytes, entries.by_key.keys().map(|key| key.len()).sum::<usize>());
        assert_eq!(entries.counts.evictions, u64::try_from(2 * MAX_ENTRIES + 1).unwrap());
    }

    #[test]
    fn the_bytes_are_bounded() {
        let gate = gate(&["k"]);
        let [a, _] = tenants(&gate);
        let ada = identity(&gate, a, "ada");
        let cache = TokenCache::default();
        for number in 0..600 {
            cache.insert(&format!("{number}{}", "x".repeat(30_000)), &ada, LATER);
        }
        let entries = cache.0.lock().unwrap();
        assert!(entries.bytes <= MAX_BYTES && entries.by_key.len() > 200);
    }
}

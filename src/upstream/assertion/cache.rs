//! Cache of signed assertions. Signing costs more than everything else that a request needs.

use std::collections::HashMap;
use std::mem;
use std::sync::Mutex;

use crate::base::time::UnixTime;

/// The assertions that were signed before, by their claims without `iat` and `exp`.
///
/// There are two generations. An entry that is used moves to the young one, and when that is full,
/// the old one is dropped. So entries in use stay, and the size is limited.
#[derive(Debug, Default)]
pub(super) struct AssertionCache(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<String, CachedAssertion>,
    old: HashMap<String, CachedAssertion>,
    /// The size of the young generation, in bytes.
    bytes: usize,
}

#[derive(Debug)]
struct CachedAssertion {
    assertion: String,
    from: UnixTime,
    until: UnixTime,
}

impl AssertionCache {
    /// The cached assertion for `subject`, if it is fresh. An assertion from the future is not
    /// used: the clock was set back.
    pub(super) fn find(&self, subject: &str, now: UnixTime) -> Option<String> {
        let mut generations = self.0.lock().ok()?;
        if !generations.young.contains_key(subject)
            && let Some((subject, signed)) = generations.old.remove_entry(subject)
        {
            generations.insert(subject, signed);
        }
        let signed = generations.young.get(subject)?;
        (signed.from <= now && now < signed.until).then(|| signed.assertion.clone())
    }

    /// Caches an assertion that is fresh from `from` until before `until`.
    pub(super) fn insert(&self, subject: String, assertion: &str, from: UnixTime, until: UnixTime) {
        if let Ok(mut generations) = self.0.lock() {
            generations.insert(subject, CachedAssertion { assertion: assertion.to_owned(), from, until });
        }
    }
}

impl Generations {
    fn insert(&mut self, subject: String, signed: CachedAssertion) {
        self.bytes = self.bytes.saturating_add(subject.len()).saturating_add(signed.assertion.len());
        self.young.insert(subject, signed);
        if self.young.len() >= MAX_ENTRIES || self.bytes >= MAX_BYTES {
            self.old = mem::take(&mut self.young);
            self.bytes = 0;
        }
    }
}

/// For each generation.
const MAX_ENTRIES: usize = 2048;
const MAX_BYTES: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(100);
    const LATER: UnixTime = UnixTime(110);

    #[test]
    fn an_assertion_is_found_while_it_is_fresh() {
        let cache = AssertionCache::default();
        cache.insert("ada".to_owned(), "signed", NOW, LATER);
        assert_eq!(cache.find("ada", NOW).as_deref(), Some("signed"));
        assert_eq!(cache.find("ada", UnixTime(109)).as_deref(), Some("signed"));
        for (subject, now) in [("ada", LATER), ("ada", UnixTime(99)), ("bob", NOW)] {
            assert_eq!(cache.find(subject, now), None, "{subject} {now:?}");
        }
        cache.insert("ada".to_owned(), "again", LATER, UnixTime(120));
        assert_eq!(cache.find("ada", LATER).as_deref(), Some("again"));
    }

    #[test]
    fn three_megabytes_are_kept() {
        let cache = AssertionCache::default();
        (0..30).for_each(|number| cache.insert(number.to_string(), &"x".repeat(100_000), NOW, LATER));
        assert!((0..30).all(|number| cache.find(&number.to_string(), NOW).is_some()));
    }

    #[test]
    fn entries_in_use_stay_and_the_size_is_limited() {
        for long in ["", &"x".repeat(100_000)] {
            let cache = AssertionCache::default();
            cache.insert("ada".to_owned(), "signed", NOW, LATER);
            for number in 0..3 * MAX_ENTRIES {
                cache.insert(format!("{number}"), long, NOW, LATER);
                assert!(number % 10 != 0 || cache.find("ada", NOW).is_some(), "{number}");
            }
            assert_eq!(cache.find("0", NOW), None);
            let generations = cache.0.lock().unwrap();
            assert!(generations.young.len() + generations.old.len() <= 2 * MAX_ENTRIES);
            assert!(generations.bytes <= MAX_BYTES);
        }
    }
}

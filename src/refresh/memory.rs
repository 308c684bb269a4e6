//! What a worker remembers of refreshes, so that each refresh token is sent once. Many issuers take one only once, and some end the
//! whole grant when they see it again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::env::UnixTime;
use crate::session::Grant;
use crate::tenant::TenantName;

/// The refreshes that this worker began, by their [`Key`]. It belongs to one configuration and goes with it, and may vanish at any time.
#[derive(Debug, Default)]
pub(crate) struct Refreshes(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<Key, Entry>,
    /// Every key once, the oldest first.
    order: VecDeque<Key>,
    bytes: usize,
}

/// One refresh token at one moment: issuers that give no new one are asked with the old one again. A hash, so that no token is kept here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// The key of what `grant` can be used for at `tenant`, whose name has no space.
    pub(super) fn of(tenant: &TenantName, grant: &Grant) -> Self {
        Self(Sha256::digest(format!("{tenant} {} {}", grant.renewed, grant.refresh_token)).into())
    }
}

#[derive(Debug)]
enum Entry {
    /// A call is under way, or its client went away. Others leave it alone until `until`; `first` is when it all began.
    Called { first: UnixTime, until: UnixTime },
    /// It led to nothing; nobody asks again before this moment.
    Failed { until: UnixTime },
    /// This sealed session came of it.
    Renewed(Arc<str>),
    /// The issuer took it back.
    Refused,
}

/// What is to be done with a session whose refresh is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Ask the issuer.
    Call,
    /// Somebody else does, or it is of no use now: go on as it is.
    Leave,
    /// It was done already: this is the session.
    Renewed(Arc<str>),
    /// The issuer took it back.
    Refused,
}

impl Refreshes {
    /// Whose turn it is. `overdue`: the session is too old to go on with, but for as long as one call may take while there is one.
    pub(super) fn turn(&self, key: Key, overdue: bool, timeout: Duration, now: UnixTime) -> Turn {
        let Ok(mut entries) = self.0.lock() else { return Turn::Call };
        // Time comes in seconds.
        let timeout = timeout.max(Duration::from_secs(1));
        let mut first = now;
        match entries.by_key.get(&key) {
            Some(Entry::Renewed(sealed)) => return Turn::Renewed(sealed.clone()),
            Some(Entry::Refused) => return Turn::Refused,
            Some(Entry::Failed { until }) if now < *until => return Turn::Leave,
            // A client that hangs up again and again must not keep an old identity alive.
            Some(Entry::Called { first, until }) if now < *until && (!overdue || now < first.plus(timeout)) => {
                return Turn::Leave;
            }
            Some(Entry::Called { first: since, .. }) => first = *since,
            Some(Entry::Failed { .. }) | None => {}
        }
        entries.put(key, Entry::Called { first, until: now.plus(timeout) });
        Turn::Call
    }

    /// A call led to nothing.
    pub(super) fn failed(&self, key: Key, until: UnixTime) {
        self.put(key, Entry::Failed { until });
    }

    /// A call led to this sealed session.
    pub(super) fn renewed(&self, key: Key, sealed: &str) {
        self.put(key, Entry::Renewed(sealed.into()));
    }

    /// The issuer took the refresh token back.
    pub(super) fn refused(&self, key: Key) {
        self.put(key, Entry::Refused);
    }

    /// What came of a token is not forgotten for what did not.
    fn put(&self, key: Key, entry: Entry) {
        let Ok(mut entries) = self.0.lock() else { return };
        if !matches!(entries.by_key.get(&key), Some(Entry::Renewed(_))) {
            entries.put(key, entry);
        }
    }
}

impl Entries {
    /// Lets the oldest go until the bounds are kept.
    fn put(&mut self, key: Key, entry: Entry) {
        self.bytes = self.bytes.saturating_add(entry.size());
        match self.by_key.insert(key, entry) {
            Some(old) => self.bytes = self.bytes.saturating_sub(old.size()),
            None => self.order.push_back(key),
        }
        while self.order.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.order.pop_front() else { return };
            let gone = self.by_key.remove(&oldest);
            self.bytes = self.bytes.saturating_sub(gone.map_or(0, |entry| entry.size()));
        }
    }
}

impl Entry {
    fn size(&self) -> usize {
        match self {
            Self::Renewed(sealed) => sealed.len(),
            Self::Called { .. } | Self::Failed { .. } | Self::Refused => 0,
        }
    }
}

const MAX_ENTRIES: usize = 4096;
const MAX_BYTES: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(5);

    fn key(tenant: &str, token: &str, renewed: u64) -> Key {
        let grant = Grant { refresh_token: token.to_owned(), renewed, ..Grant::default() };
        Key::of(&TenantName::parse(tenant).unwrap(), &grant)
    }

    fn turn(refreshes: &Refreshes, token: &str, overdue: bool, now: u64) -> Turn {
        refreshes.turn(key("acme", token, 0), overdue, TIMEOUT, UnixTime(now))
    }

    #[test]
    fn one_calls_and_the_others_leave_it_alone() {
        let refreshes = Refreshes::default();
        assert_eq!(turn(&refreshes, "t", false, 100), Turn::Call);
        assert_eq!(turn(&refreshes, "t", false, 104), Turn::Leave);
        assert_eq!(turn(&refreshes, "t", true, 104), Turn::Leave);
        assert_eq!(turn(&refreshes, "u", false, 104), Turn::Call);
        for other in [key("globex", "t", 0), key("acme", "t", 1)] {
            assert_eq!(refreshes.turn(other, false, TIMEOUT, UnixTime(104)), Turn::Call);
        }
        refreshes.renewed(key("acme", "t", 0), "sealed");
        refreshes.refused(key("acme", "t", 0));
        assert_eq!(turn(&refreshes, "t", true, 104), Turn::Renewed("sealed".into()));
        refreshes.failed(key("acme", "u", 0), UnixTime(130));
        assert_eq!(turn(&refreshes, "u", true, 129), Turn::Leave);
        assert_eq!(turn(&refreshes, "u", true, 130), Turn::Call);
        refreshes.refused(key("acme", "u", 0));
        assert_eq!(turn(&refreshes, "u", true, 130), Turn::Refused);
    }

    /// Calls that are given up one after the other hold the deadline open for as long as one call may take, and no longer.
    #[test]
    fn who_hangs_up_again_and_again_gains_nothing() {
        let refreshes = Refreshes::default();
        assert_eq!(turn(&refreshes, "t", true, 100), Turn::Call);
        assert_eq!(turn(&refreshes, "t", true, 104), Turn::Leave);
        for now in 105..120 {
            assert_eq!(turn(&refreshes, "t", true, now), Turn::Call);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let refreshes = Refreshes::default();
        for number in 0..3 * MAX_ENTRIES {
            turn(&refreshes, &number.to_string(), false, 100);
        }
        assert_eq!(refreshes.0.lock().unwrap().by_key.len(), MAX_ENTRIES);
        for number in 0..1000 {
            refreshes.renewed(key("acme", &format!("big {number}"), 0), &"x".repeat(20_000));
        }
        let entries = refreshes.0.lock().unwrap();
        assert!(entries.bytes <= MAX_BYTES && entries.order.len() == entries.by_key.len());
        assert_eq!(entries.bytes, entries.by_key.values().map(Entry::size).sum::<usize>());
    }
}

//! What a worker remembers of refreshes, so that each refresh token is sent once. Many issuers take one only once, and some end the
//! whole grant when they see it again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::refresh_grant::RefreshGrant;
use crate::base::time::UnixTime;
use crate::tenant::TenantName;

/// The refreshes that this worker began, by their [`RefreshKey`]. It belongs to one configuration and goes with it, and may vanish at any time.
#[derive(Debug, Default)]
pub(crate) struct RefreshMemory(Mutex<MemoryState>);

#[derive(Debug, Default)]
struct MemoryState {
    by_key: HashMap<RefreshKey, RefreshState>,
    /// Every key once, the oldest first.
    order: VecDeque<RefreshKey>,
    bytes: usize,
}

/// One refresh token at one moment: issuers that give no new one are asked with the old one again. A hash, so that no token is kept here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RefreshKey([u8; 32]);

impl RefreshKey {
    /// The key of what `grant` can be used for at `tenant`, whose name has no space.
    pub(crate) fn new(tenant: &TenantName, grant: &RefreshGrant) -> Self {
        Self(Sha256::digest(format!("{tenant} {} {}", grant.renewed, grant.refresh_token)).into())
    }
}

#[derive(Debug)]
enum RefreshState {
    /// A call is under way, or its client went away. Others leave it alone until `until`; `first` is when it all began.
    Called { first: UnixTime, until: UnixTime },
    /// It led to nothing; nobody asks again before this moment.
    Failed { until: UnixTime },
    /// This sealed session came of it.
    Renewed(Arc<str>),
    /// The issuer took it back.
    Rejected,
}

/// What is to be done with a session whose refresh is due.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RefreshDecision {
    /// Ask the issuer.
    Call,
    /// Somebody else does, or it is of no use now: go on as it is.
    Continue,
    /// It was done already: this is the session.
    Renewed(Arc<str>),
    /// The issuer took it back.
    Rejected,
}

impl RefreshMemory {
    /// Whose turn it is. `overdue`: the session is too old to go on with, but for as long as one call may take while there is one.
    pub(crate) fn decide(&self, key: RefreshKey, overdue: bool, timeout: Duration, now: UnixTime) -> RefreshDecision {
        let Ok(mut entries) = self.0.lock() else { return RefreshDecision::Call };
        // Time comes in seconds.
        let timeout = timeout.max(Duration::from_secs(1));
        let mut first = now;
        match entries.by_key.get(&key) {
            Some(RefreshState::Renewed(sealed)) => return RefreshDecision::Renewed(sealed.clone()),
            Some(RefreshState::Rejected) => return RefreshDecision::Rejected,
            Some(RefreshState::Failed { until }) if now < *until => return RefreshDecision::Continue,
            // A client that hangs up again and again must not keep an old identity alive.
            Some(RefreshState::Called { first, until }) if now < *until && (!overdue || now < first.plus(timeout)) => {
                return RefreshDecision::Continue;
            }
            Some(RefreshState::Called { first: since, .. }) => first = *since,
            Some(RefreshState::Failed { .. }) | None => {}
        }
        entries.put(key, RefreshState::Called { first, until: now.plus(timeout) });
        RefreshDecision::Call
    }

    /// A call led to nothing.
    pub(crate) fn failed(&self, key: RefreshKey, until: UnixTime) {
        self.put(key, RefreshState::Failed { until });
    }

    /// A call led to this sealed session.
    pub(crate) fn renewed(&self, key: RefreshKey, sealed: &str) {
        self.put(key, RefreshState::Renewed(sealed.into()));
    }

    /// The issuer took the refresh token back.
    pub(crate) fn rejected(&self, key: RefreshKey) {
        self.put(key, RefreshState::Rejected);
    }

    /// What came of a token is not forgotten for what did not.
    fn put(&self, key: RefreshKey, entry: RefreshState) {
        let Ok(mut entries) = self.0.lock() else { return };
        if !matches!(entries.by_key.get(&key), Some(RefreshState::Renewed(_))) {
            entries.put(key, entry);
        }
    }
}

impl MemoryState {
    /// Lets the oldest go until the bounds are kept.
    fn put(&mut self, key: RefreshKey, entry: RefreshState) {
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

impl RefreshState {
    fn size(&self) -> usize {
        match self {
            Self::Renewed(sealed) => sealed.len(),
            Self::Called { .. } | Self::Failed { .. } | Self::Rejected => 0,
        }
    }
}

const MAX_ENTRIES: usize = 4096;
const MAX_BYTES: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(5);

    fn key(tenant: &str, token: &str, renewed: u64) -> RefreshKey {
        let grant = RefreshGrant { refresh_token: token.to_owned(), renewed, ..RefreshGrant::default() };
        RefreshKey::new(&TenantName::parse(tenant).unwrap(), &grant)
    }

    fn decide(memory: &RefreshMemory, token: &str, overdue: bool, now: u64) -> RefreshDecision {
        memory.decide(key("acme", token, 0), overdue, TIMEOUT, UnixTime(now))
    }

    #[test]
    fn one_calls_and_the_others_leave_it_alone() {
        let memory = RefreshMemory::default();
        assert_eq!(decide(&memory, "t", false, 100), RefreshDecision::Call);
        assert_eq!(decide(&memory, "t", false, 104), RefreshDecision::Continue);
        assert_eq!(decide(&memory, "t", true, 104), RefreshDecision::Continue);
        assert_eq!(decide(&memory, "u", false, 104), RefreshDecision::Call);
        for other in [key("globex", "t", 0), key("acme", "t", 1)] {
            assert_eq!(memory.decide(other, false, TIMEOUT, UnixTime(104)), RefreshDecision::Call);
        }
        memory.renewed(key("acme", "t", 0), "sealed");
        memory.rejected(key("acme", "t", 0));
        assert_eq!(decide(&memory, "t", true, 104), RefreshDecision::Renewed("sealed".into()));
        memory.failed(key("acme", "u", 0), UnixTime(130));
        assert_eq!(decide(&memory, "u", true, 129), RefreshDecision::Continue);
        assert_eq!(decide(&memory, "u", true, 130), RefreshDecision::Call);
        memory.rejected(key("acme", "u", 0));
        assert_eq!(decide(&memory, "u", true, 130), RefreshDecision::Rejected);
    }

    /// Calls that are given up one after the other hold the deadline open for as long as one call may take, and no longer.
    #[test]
    fn who_hangs_up_again_and_again_gains_nothing() {
        let memory = RefreshMemory::default();
        assert_eq!(decide(&memory, "t", true, 100), RefreshDecision::Call);
        assert_eq!(decide(&memory, "t", true, 104), RefreshDecision::Continue);
        for now in 105..120 {
            assert_eq!(decide(&memory, "t", true, now), RefreshDecision::Call);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let memory = RefreshMemory::default();
        for number in 0..3 * MAX_ENTRIES {
            decide(&memory, &number.to_string(), false, 100);
        }
        assert_eq!(memory.0.lock().unwrap().by_key.len(), MAX_ENTRIES);
        for number in 0..1000 {
            memory.renewed(key("acme", &format!("big {number}"), 0), &"x".repeat(20_000));
        }
        let entries = memory.0.lock().unwrap();
        assert!(entries.bytes <= MAX_BYTES && entries.order.len() == entries.by_key.len());
        assert_eq!(entries.bytes, entries.by_key.values().map(RefreshState::size).sum::<usize>());
    }
}

//! The refreshes that a worker has begun, so that each refresh token is sent once. Many issuers
//! accept a refresh token only once, and some revoke the whole grant when they see it again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::refresh_grant::RefreshGrant;
use crate::base::time::UnixTime;
use crate::tenant::TenantName;

/// The refreshes that this worker began, by [`RefreshKey`]. The memory belongs to one configuration
/// and may be lost at any time.
#[derive(Debug, Default)]
pub(crate) struct RefreshMemory(Mutex<MemoryState>);

#[derive(Debug, Default)]
struct MemoryState {
    by_key: HashMap<RefreshKey, RefreshState>,
    /// Every key once, the oldest first.
    order: VecDeque<RefreshKey>,
    bytes: usize,
}

/// Identifies one refresh: the refresh token and the time of the last refresh, because an issuer
/// that issues no new refresh token receives the same one each time. It is a hash, so no token is
/// stored here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RefreshKey([u8; 32]);

impl RefreshKey {
    /// The key of the refresh that `grant` permits at `tenant`. A tenant name has no space.
    pub(crate) fn new(tenant: &TenantName, grant: &RefreshGrant) -> Self {
        Self(Sha256::digest(format!("{tenant} {} {}", grant.renewed, grant.refresh_token)).into())
    }
}

#[derive(Debug)]
enum RefreshState {
    /// A call is in progress, or its client disconnected. Other requests do not refresh before
    /// `until`. `first` is when the first call of this refresh began.
    /// `is_retry` is whether an earlier call of this refresh failed.
    Called { first: UnixTime, until: UnixTime, is_retry: bool },
    /// The call failed. No request refreshes before `until`.
    Failed { until: UnixTime },
    /// The call succeeded with this sealed session.
    Renewed(Arc<str>),
    /// The issuer rejected the refresh token.
    Rejected,
}

/// The decision about a session whose refresh is due.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RefreshDecision {
    /// Send the refresh request.
    Call,
    /// Continue with the session as it is: another request refreshes it.
    Continue,
    /// Continue with the session as it is, unless it is stale: the last attempt failed.
    BackOff,
    /// Continue with this sealed session, which an earlier refresh gave.
    Renewed(Arc<str>),
    /// End the session: the issuer rejected the refresh token.
    Rejected,
}

impl RefreshMemory {
    /// Decides whether this request refreshes the session. An `overdue` session continues without a
    /// refresh only within `timeout` after the first call began, or until the next attempt after a
    /// failed call.
    pub(crate) fn decide(&self, key: RefreshKey, overdue: bool, timeout: Duration, now: UnixTime) -> RefreshDecision {
        let Ok(mut entries) = self.0.lock() else { return RefreshDecision::Call };
        // Time has a resolution of one second, so a shorter timeout could be over at once.
        let timeout = timeout.max(Duration::from_secs(1));
        let (mut first, mut is_retry) = (now, false);
        match entries.by_key.get(&key) {
            Some(RefreshState::Renewed(sealed)) => return RefreshDecision::Renewed(sealed.clone()),
            Some(RefreshState::Rejected) => return RefreshDecision::Rejected,
            Some(RefreshState::Failed { until }) if now < *until => return RefreshDecision::BackOff,
            // A client that disconnects again and again must not extend the use of an old identity.
            Some(RefreshState::Called { first, until, is_retry })
                if now < *until && (!overdue || now < first.plus(timeout)) =>
            {
                // A stale session must not go on each time that a failed call is repeated.
                return if *is_retry { RefreshDecision::BackOff } else { RefreshDecision::Continue };
            }
            Some(RefreshState::Called { first: since, is_retry: was_retry, .. }) => {
                (first, is_retry) = (*since, *was_retry);
            }
            Some(RefreshState::Failed { .. }) => is_retry = true,
            None => {}
        }
        entries.put(key, RefreshState::Called { first, until: now.plus(timeout), is_retry });
        RefreshDecision::Call
    }

    /// Records that the call failed. No request refreshes before `until`.
    pub(crate) fn failed(&self, key: RefreshKey, until: UnixTime) {
        self.put(key, RefreshState::Failed { until });
    }

    /// Records that the call succeeded with this sealed session.
    pub(crate) fn renewed(&self, key: RefreshKey, sealed: &str) {
        self.put(key, RefreshState::Renewed(sealed.into()));
    }

    /// Records that the issuer rejected the refresh token.
    pub(crate) fn rejected(&self, key: RefreshKey) {
        self.put(key, RefreshState::Rejected);
    }

    /// Records the result of a call. A success is never replaced.
    fn put(&self, key: RefreshKey, entry: RefreshState) {
        let Ok(mut entries) = self.0.lock() else { return };
        if !matches!(entries.by_key.get(&key), Some(RefreshState::Renewed(_))) {
            entries.put(key, entry);
        }
    }
}

impl MemoryState {
    /// Stores the state of a refresh, and evicts the oldest until the limits are kept.
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
    fn one_request_refreshes_and_the_others_continue() {
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
        assert_eq!(decide(&memory, "u", true, 129), RefreshDecision::BackOff);
        assert_eq!(decide(&memory, "u", true, 130), RefreshDecision::Call);
        memory.rejected(key("acme", "u", 0));
        assert_eq!(decide(&memory, "u", true, 130), RefreshDecision::Rejected);
    }

    /// While a failed refresh is tried again, a stale session does not continue beside the call.
    #[test]
    fn a_second_attempt_is_no_second_grace_period() {
        let memory = RefreshMemory::default();
        assert_eq!(decide(&memory, "t", true, 100), RefreshDecision::Call);
        assert_eq!(decide(&memory, "t", true, 101), RefreshDecision::Continue);
        memory.failed(key("acme", "t", 0), UnixTime(131));
        assert_eq!(decide(&memory, "t", true, 131), RefreshDecision::Call);
        assert_eq!(decide(&memory, "t", true, 132), RefreshDecision::BackOff);
        // The client of the second call disconnected.
        assert_eq!(decide(&memory, "t", true, 136), RefreshDecision::Call);
    }

    /// Calls that clients abandon one after the other extend an overdue session by one call's
    /// timeout only.
    #[test]
    fn disconnecting_clients_do_not_extend_an_overdue_session() {
        let memory = RefreshMemory::default();
        assert_eq!(decide(&memory, "t", true, 100), RefreshDecision::Call);
        assert_eq!(decide(&memory, "t", true, 104), RefreshDecision::Continue);
        for now in 105..120 {
            assert_eq!(decide(&memory, "t", true, now), RefreshDecision::Call);
        }
    }

    #[test]
    fn the_memory_is_limited() {
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

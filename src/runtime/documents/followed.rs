//! What the VMs of a process know of the log of changes: a sealed value in the shared data.

use serde::{Deserialize, Serialize};

use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::{Version, create};
use crate::http::host::Host;
use crate::seal::{KeyRing, Purpose};
use crate::tenant_documents::Change;

/// The log as it is known. Times are in seconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FollowedLog {
    /// When the next look is due.
    pub(super) next: u64,
    /// The id of the etcd cluster that answered last. 0 before the first answer.
    pub(super) cluster: u64,
    /// The number of the last change. 0 if there was none.
    pub(super) number: u64,
    /// The revision at which it was written. An etcd that was set up from a backup may have another
    /// change with the same number.
    pub(super) revision: u64,
    /// What is older than this change is not known here.
    pub(super) from: u64,
    /// The numbers and values of the changes since.
    pub(super) changes: Vec<(u64, String)>,
    /// Whether the last look had no answer.
    pub(super) is_away: bool,
}

impl FollowedLog {
    /// The log under this key. A value that does not open counts as none.
    pub(super) fn read(key: &str, ring: &KeyRing, env: &Env<'_>) -> Option<(Self, Version)> {
        create(env.shared(), key).ok()?;
        let (bytes, version) = env.shared().get(key)?;
        Some((ring.open_for_all(Purpose::TenantLog, &bytes).unwrap_or_default(), version))
    }

    /// Writes the log if no other VM has written since. Returns whether it is written.
    pub(super) fn write(&self, key: &str, ring: &KeyRing, version: Option<Version>, env: &mut Env<'_>) -> bool {
        let sealed = ring.seal_for_all(Purpose::TenantLog, self, env);
        sealed.is_ok_and(|sealed| env.shared().set(key, sealed.as_bytes(), version).is_ok())
    }

    /// Whether a look is due. If the clock was set back, the next one is not waited for until the
    /// old time is reached again.
    pub(super) fn is_due(&self, now: UnixTime) -> bool {
        now.0 >= self.next || self.next > now.0.saturating_add(MAX_PAUSE)
    }

    /// Adds a change. The oldest go if there are too many.
    pub(super) fn add(&mut self, number: u64, value: String) {
        self.number = number;
        self.changes.push((number, value));
        let size = |changes: &[(u64, String)]| changes.iter().map(|(_, value)| value.len()).sum::<usize>();
        while self.changes.len() > MOST_CHANGES || size(&self.changes) > MOST_BYTES {
            let (oldest, _) = self.changes.remove(0);
            self.from = oldest;
        }
    }

    /// The same log after a gap: nothing is known before this change.
    pub(super) fn begin_at(&mut self, number: u64, revision: u64) {
        (self.number, self.revision, self.from) = (number, revision, number);
        self.changes.clear();
    }

    /// The changes after this one.
    pub(super) fn changes_after(&self, since: u64) -> Vec<LaterChange> {
        let later = self.changes.iter().filter(|(number, _)| *number > since);
        later.map(|(_, value)| LaterChange(Change::read(value.as_bytes()))).collect()
    }

    /// Whether what was read when the log ended with `since` may have changed for this tenant or
    /// host.
    pub(super) fn has_changed(&self, since: u64, tenant: Option<&str>, host: &Host) -> bool {
        since < self.from || self.changes_after(since).iter().any(|change| change.concern(tenant, host))
    }
}

/// A change, or an entry that is none. That one may be about anything.
pub(super) struct LaterChange(Option<Change>);

impl LaterChange {
    /// Whether another tenant than before may belong to `host`, or another document to this tenant.
    pub(super) fn concern(&self, tenant: Option<&str>, host: &Host) -> bool {
        self.0.as_ref().is_none_or(|change| change.concerns(tenant, host))
    }
}

/// The longest time to the next look, in seconds.
const MAX_PAUSE: u64 = 120;
/// The most changes that are handed on, and their most bytes. A sealed value has at most 20 KiB.
const MOST_CHANGES: usize = 128;
const MOST_BYTES: usize = 12 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn change(tenant: &str) -> String {
        Change { tenant: tenant.to_owned(), hosts: Vec::new() }.write()
    }

    #[test]
    fn what_the_log_does_not_have_may_have_changed() {
        let host = Host::from_name("acme.example").unwrap();
        let mut log = FollowedLog::default();
        log.begin_at(7, 70);
        assert!(log.has_changed(6, None, &host) && !log.has_changed(7, Some("acme"), &host));
        log.add(8, change("acme"));
        log.add(9, change("globex"));
        assert!(log.has_changed(7, Some("acme"), &host) && !log.has_changed(8, Some("acme"), &host));
        log.add(10, "junk".to_owned());
        assert!(log.has_changed(9, Some("acme"), &host));
        (11..=11 + 128).for_each(|number| log.add(number, change("globex")));
        assert!(log.has_changed(10, Some("acme"), &host) && !log.has_changed(11, Some("acme"), &host));
        log.add(100, "x".repeat(13_000));
        assert_eq!((log.from, log.changes.len()), (100, 0));
    }
}

//! What the VMs of a process know of the polls of etcd: a sealed value in the shared data.

use serde::{Deserialize, Serialize};

use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::{Version, is_due};
use crate::seal::{KeyRing, Purpose};

/// The state of the polls. Times are in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PollState {
    /// When the next poll is due.
    pub(super) next: u64,
    /// The id of the etcd cluster that answered last.
    pub(super) cluster: u64,
    /// The generation of the store, which changes when etcd has lost data. 0 if none is known.
    pub(super) generation: u64,
    /// Every write up to this revision of etcd is known.
    pub(super) revision: u64,
    /// Polls without a gap have the same number. It grows with each gap: then some sign-outs may
    /// have been missed, and the lists of the tenants are read again.
    pub(super) epoch: u64,
    /// The last of these numbers that began because etcd had lost data. 0 if none did.
    pub(super) lost: u64,
    /// When the last poll began that had an answer.
    pub(super) confirmed: u64,
    /// Whether the last poll had no answer.
    pub(super) is_away: bool,
}

impl PollState {
    /// The state under this key. A value that does not open counts as none.
    pub(super) fn read(key: &str, ring: &KeyRing, env: &Env<'_>) -> Option<(Self, Version)> {
        ring.read_shared(Purpose::Store, key, env)
    }

    /// Writes the state if no other VM has written since. Returns whether it is written.
    pub(super) fn write(self, key: &str, ring: &KeyRing, version: Option<Version>, env: &mut Env<'_>) -> bool {
        ring.write_shared(Purpose::Store, key, &self, version, env)
    }

    /// Whether this etcd cluster may be at this revision after this state, if it has lost nothing.
    pub(super) fn may_precede(&self, cluster: u64, revision: u64) -> bool {
        self.revision == 0 || (cluster == self.cluster && revision >= self.revision)
    }

    /// Whether a poll is due.
    pub(super) fn is_due(&self, now: UnixTime) -> bool {
        is_due(UnixTime(self.next), now)
    }
}

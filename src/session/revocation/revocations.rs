//! The revocations of one tenant in this VM.

use std::sync::{Arc, Mutex};

use super::list::{RevocableSession, RevocationList};
use crate::base::time::UnixTime;
use crate::tenant::Tenant;

/// This VM's copy of a tenant's revocation list.
#[derive(Debug)]
pub struct Revocations {
    tenant: Arc<Tenant>,
    list: Mutex<Arc<RevocationList>>,
}

impl Revocations {
    /// An empty list for `tenant`.
    pub(crate) fn new(tenant: Arc<Tenant>) -> Self {
        Self { tenant, list: Mutex::default() }
    }

    /// The tenant of the list.
    pub(super) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Whether the session is revoked, by the list or by the configuration (`sessions_not_before`).
    pub(crate) fn contain(&self, session: &RevocableSession<'_>, now: UnixTime) -> bool {
        self.not_before(session.signed_in, now) || self.list().contains(session)
    }

    /// Whether `sessions_not_before` ends a session that began at this time.
    pub(crate) fn not_before(&self, signed_in: UnixTime, now: UnixTime) -> bool {
        // A time in the future has no effect before it is reached; otherwise nobody could sign in
        // until then.
        self.tenant.sessions_not_before.is_some_and(|moment| now >= moment && signed_in < moment)
    }

    pub(super) fn list(&self) -> Arc<RevocationList> {
        match self.list.lock() {
            Ok(list) => list.clone(),
            // No code panics while it holds the lock. If it did, the list would still be complete.
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    pub(super) fn replace(&self, list: RevocationList) {
        match self.list.lock() {
            Ok(mut current) => *current = Arc::new(list),
            Err(poisoned) => *poisoned.into_inner() = Arc::new(list),
        }
    }
}

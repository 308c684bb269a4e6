//! The revocations of one tenant in this VM.

use std::sync::{Arc, Mutex};

use super::list::{RevocableSession, RevocationList};
use crate::base::time::UnixTime;
use crate::tenant::Tenant;

/// The copy of a tenant's revocations in this VM.
#[derive(Debug)]
pub struct Revocations {
    tenant: Arc<Tenant>,
    list: Mutex<Arc<RevocationList>>,
}

impl Revocations {
    /// No revocations yet.
    pub(crate) fn new(tenant: Arc<Tenant>) -> Self {
        Self { tenant, list: Mutex::default() }
    }

    /// The tenant whose revocations they are.
    pub(super) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Whether the session ended before its time.
    pub(crate) fn contain(&self, session: &RevocableSession<'_>, now: UnixTime) -> bool {
        // A moment in the future ends nothing before it has come, or nobody could sign in until then.
        let not_before = self.tenant.sessions_not_before;
        let by_configuration = not_before.is_some_and(|moment| now >= moment && session.signed_in < moment);
        by_configuration || self.list().contains(session)
    }

    pub(super) fn list(&self) -> Arc<RevocationList> {
        match self.list.lock() {
            Ok(list) => list.clone(),
            // No code panics while it holds the lock. If it did, the list would still be whole.
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

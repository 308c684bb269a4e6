//! Revocation: sessions that end before their time, by a sign-out here, at the issuer, or by the configuration.
//!
//! A session lives in a browser, so Tenantgate remembers which sessions ended. Each tenant has a [`RevocationList`]:
//! in the host's shared data for all VMs of a process ([`sync`]), and as a copy in each VM, so that a request costs no
//! host call. Lists are joined in any order with the same result ([`list`]).

mod list;
mod sync;

use std::sync::{Arc, Mutex};

use crate::base::time::UnixTime;
use crate::tenant::Tenant;

use list::RevocationList;
pub(crate) use list::{RevocableSession, RevocationEntry};
pub use sync::RevocationSync;
pub(crate) use sync::{Revocation, RevocationError};

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

    /// Whether the session ended before its time.
    pub(crate) fn contain(&self, session: &RevocableSession<'_>, now: UnixTime) -> bool {
        // A moment in the future ends nothing before it has come, or nobody could sign in until then.
        let not_before = self.tenant.sessions_not_before;
        let by_configuration = not_before.is_some_and(|moment| now >= moment && session.signed_in < moment);
        by_configuration || self.list().contains(session)
    }

    fn list(&self) -> Arc<RevocationList> {
        match self.list.lock() {
            Ok(list) => list.clone(),
            // No code panics while it holds the lock. If it did, the list would still be whole.
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    fn replace(&self, list: RevocationList) {
        match self.list.lock() {
            Ok(mut current) => *current = Arc::new(list),
            Err(poisoned) => *poisoned.into_inner() = Arc::new(list),
        }
    }
}

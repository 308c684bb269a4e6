//! Sessions that are over before their time: signed out here, or at the issuer, or by the configuration.
//!
//! A session lives in a browser, so ending it means to remember that it is over. What is remembered is a [`List`] for each tenant: in the
//! host's shared data for all VMs of a process ([`store`]), and as a copy in each VM, so that a request costs no call to the host.
//! A list only grows together with others, whatever the order, until what it names has ended anyway ([`list`]).

mod id;
mod list;
mod store;

use std::sync::{Arc, Mutex};

use crate::env::UnixTime;
use crate::session::SessionRecord;
use crate::tenant::Tenant;
use list::List;

pub(crate) use id::SessionId;
pub(crate) use list::Mark;
pub use store::Watch;
pub(crate) use store::{NotRevoked, Revocation};

/// Whether a session is over, whatever its time.
pub(crate) fn has_ended(session: &SessionRecord, tenant: &Tenant, now: UnixTime) -> bool {
    // A moment that is still to come ends nothing before it has come, or nobody could sign in until then.
    let by_configuration =
        tenant.sessions_not_before.is_some_and(|moment| now >= moment && session.signed_in < moment.0);
    by_configuration || tenant.revoked.get().ends(session)
}

/// The copy that a VM has of a tenant's list.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<Arc<List>>);

impl Slot {
    fn get(&self) -> Arc<List> {
        match self.0.lock() {
            Ok(list) => list.clone(),
            // Nothing panics while it holds the lock. If it did, the list would be whole all the same.
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    fn put(&self, list: List) {
        match self.0.lock() {
            Ok(mut slot) => *slot = Arc::new(list),
            Err(poisoned) => *poisoned.into_inner() = Arc::new(list),
        }
    }
}

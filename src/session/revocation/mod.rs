//! Revocation: sessions that end early, by a logout at Tenantgate, by a logout at the issuer, or by
//! the configuration.
//!
//! A session is stored in the browser, so Tenantgate remembers which sessions were revoked. Each
//! tenant has a [`RevocationList`]: in the host's shared data for all VMs of a process ([`sync`]),
//! and as a copy in each VM, so that a request needs no host call. Lists are joined in any order
//! with the same result ([`list`]).
//!
//! [`RevocationList`]: list::RevocationList

mod list;
mod revocations;
mod selected;
mod store_read;
mod sync;

pub(crate) use list::{Folded, RevocableSession, RevocationEntry, RevocationList};
pub use revocations::Revocations;
pub use selected::SelectedSessions;
pub(crate) use store_read::StoreRead;
pub use sync::RevocationSync;
pub(crate) use sync::{Revocation, RevocationError};

//! Revocation: sessions that end before their time, by a sign-out here, at the issuer, or by the configuration.
//!
//! A session lives in a browser, so Tenantgate remembers which sessions ended. Each tenant has a [`RevocationList`]:
//! in the host's shared data for all VMs of a process ([`sync`]), and as a copy in each VM, so that a request costs no
//! host call. Lists are joined in any order with the same result ([`list`]).
//!
//! [`RevocationList`]: list::RevocationList

mod list;
mod revocations;
mod sync;

pub(crate) use list::{RevocableSession, RevocationEntry};
pub use revocations::Revocations;
pub use sync::RevocationSync;
pub(crate) use sync::{Revocation, RevocationError};

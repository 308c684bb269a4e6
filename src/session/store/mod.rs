//! What all replicas know of sessions: the sign-outs and the refreshes, in an etcd that they have
//! in common.
//!
//! A replica writes each sign-out in one transaction under two keys. Below `ended/` are those of a
//! tenant, the newest first, which a replica reads once, before it uses a session of that tenant
//! ([`load`]). Below `recent/` are those of all tenants in the order of etcd's revisions, of which
//! one VM of each process reads what is new ([`poll`]). So a poll costs the same however many
//! sign-outs are stored, and no clock has to be right. Leases delete what is of no more use.
//!
//! If etcd loses its data, the replicas write again what they know ([`restore`]).
//!
//! A refresh is made by the replica that has its key in etcd ([`claim`]).
//!
//! The values are sealed with the session keys, so whoever can write to etcd can end no session and
//! can at worst delete.
//!
//! Scenarios: `tests/scenarios/{store,store_command}.rs`.

mod claim;
mod command;
mod load;
mod outcome;
mod poll;
mod publish;
mod readiness;
mod replica;
mod restore;
mod settings;
mod sign_out;
mod state;
mod step;
mod tenants;
#[cfg(test)]
mod test_vm;
mod wait;
mod work;

pub(crate) use claim::{Claim, ClaimCall, ClaimStep};
pub use command::{CommandStep, CommandedSignOut};
pub(crate) use outcome::Ended;
pub(crate) use readiness::{Readiness, lost_lists, readiness};
pub use replica::Store;
pub(crate) use settings::{StoreSettings, WhenAway};
pub(crate) use tenants::{DeferredRevocations, StoreOutline, StoreTenants};
pub(crate) use wait::StoreWait;
pub(crate) use work::{StartStoreWork, StoreStep, StoreWork, poll_if_due, publish};

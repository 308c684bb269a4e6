//! The commands `tenants`, with a real etcd. `tests/scenarios/documents.rs` has what gates make of
//! what they write.

mod apply;
mod clusters;
mod delete;
mod fixture;
mod guide;
mod list;
mod members;
mod others;
mod refusals;
mod rotation;
mod status;
mod writers;

//! Basic types that every other room may use: encodings, events, JSON, secrets and time.
//!
//! This room knows the names of all events. It does not know HTTP, tokens or tenants.

pub mod encoding;
pub mod event;
pub mod json;
pub mod secret;
pub mod time;

//! Basic types that every other room may use: encodings, events and their counts, JSON, secrets,
//! the names of tenants, and time.
//!
//! This room knows the names of all events. It does not know HTTP, tokens, or what a tenant is.

pub(crate) mod audit;
pub mod encoding;
pub mod event;
pub mod json;
pub(crate) mod json_elements;
pub mod log_settings;
pub mod secret;
pub mod summary;
pub mod tally;
pub mod tenant_name;
pub mod time;

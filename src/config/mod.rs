//! The configuration: converts bytes and environment variables to a
//! [`Runtime`](crate::runtime::Runtime), or to a list of all mistakes.
//!
//! The module defines the format of the configuration and every message about a mistake. It does
//! not depend on requests or on the callbacks of the host.
//!
//! Loading is a pure function of the bytes, the environment variables and the algorithms that the
//! host can verify. Envoy loads a configuration first on a canary and then on every worker, and all
//! of them must get the same result.

mod access;
mod alike;
mod assertion;
mod bearer;
mod client_authentication;
mod client_key;
mod code;
mod common;
mod cookie_domains;
mod csrf;
mod cursor;
mod deferred;
mod document;
mod error;
mod etcd;
mod headers;
mod hosts;
mod identity;
mod keys;
mod load;
mod load_context;
mod load_in_vm;
mod log;
mod login;
mod pages;
mod passed_headers;
mod place;
mod provider;
mod refresh;
mod request;
mod roles;
mod session;
mod signing_key;
mod stats;
mod store;
mod tenant;
mod tenants_from;
#[cfg(test)]
mod tests;
mod unreadable_hosts;
mod values;
mod wire;

pub use crate::env::Environment;
pub use code::Code;
pub use error::{ConfigError, ConfigErrors};
pub use load::{Loaded, load, load_value};
pub use load_context::LoadContext;
pub use load_in_vm::load_in_vm;

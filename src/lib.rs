//! Multi-tenant OpenID Connect at the edge, as one WebAssembly filter inside Envoy.
//!
//! The crate is a pure core with a thin shell. The core takes header pairs, the time, entropy and the
//! results of outbound calls, and gives back one [`filter::Effect`] for each [`filter::Input`]; it does no
//! input or output of its own. The shell (compiled for WebAssembly only) maps host callbacks to inputs and effects
//! to host calls, and decides nothing.
//!
//! Where to begin: [`filter`] is the state machine of one request. [`token`] and [`forward`] are the two
//! modules where a mistake is a breach. `ARCHITECTURE.md` follows one request through the files.

pub mod access;
pub mod base;
pub mod config;
pub mod env;
mod error;
pub mod filter;
mod flow;
pub mod http;
pub mod identity;
pub mod jose;
pub mod oauth;
pub mod runtime;
pub mod seal;
pub mod session;
#[cfg(target_family = "wasm")]
mod shell;
pub mod tenant;
#[cfg(test)]
mod testing;
pub mod token;
pub mod upstream;

//! Tenantgate: multi-tenant OpenID Connect at the edge, as one WebAssembly filter inside Envoy.
//!
//! The crate is a pure core with a thin shell. The core takes header pairs, the time, random bytes
//! and the results of outbound calls. For each [`filter::Input`] it gives back one
//! [`filter::Effect`]. It does no input or output of its own. The shell, which is compiled for
//! WebAssembly only, maps host callbacks to inputs and effects to host calls. It decides nothing.
//!
//! Where to begin: [`filter`] is the state machine of one stream. [`token`] and [`upstream`] are
//! the two rooms where a mistake lets somebody in. `ARCHITECTURE.md` follows one request through
//! the rooms. The rooms are layers: each imports only rooms below it, and `tests/layers.rs` checks
//! that.
//!
//! # Example
//! A browser without a session asks for a page, and the filter sends it to the issuer:
//!
//! ```
//! use std::sync::Arc;
//!
//! use tenantgate::base::time::UnixTime;
//! use tenantgate::config::{self, Environment, LoadContext};
//! use tenantgate::env::shared::NoSharedData;
//! use tenantgate::env::{Entropy, Env, NoEntropy};
//! use tenantgate::filter::{Effect, Filter, Input, RequestEffect};
//! use tenantgate::http::request::RequestHead;
//! use tenantgate::jose::{HostAlgorithms, NoHostVerifier, Verifier};
//!
//! # const PUBLIC_KEY: &str = include_str!("../tests/vectors/keys/ec.public.pem");
//! struct Host;
//!
//! impl Environment for Host {
//!     fn var(&self, _name: &str) -> Option<String> {
//!         None
//!     }
//! }
//!
//! impl Entropy for Host {
//!     fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
//!         buffer.fill(4); // A host gives random bytes.
//!         Ok(())
//!     }
//! }
//!
//! let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
//! let configuration = serde_json::json!({
//!     "session": { "keys": [{ "id": "1", "key": key }] },
//!     "tenants": [{
//!         "name": "acme",
//!         "hosts": ["acme.example"],
//!         "issuer": "https://dex.acme.example",
//!         "client_id": "tenantgate",
//!         "keys": [{ "pem": PUBLIC_KEY }],
//!         "provider": {
//!             "cluster": "dex_acme",
//!             "authorization_endpoint": "https://dex.acme.example/auth",
//!             "token_endpoint": "https://dex.acme.example/token",
//!         },
//!     }],
//! });
//! let trusted = HostAlgorithms::NONE;
//! let context = LoadContext { environment: &Host, host: trusted };
//! let loaded = config::load(configuration.to_string().as_bytes(), context).unwrap();
//!
//! let head = [
//!     (":method", "GET"),
//!     (":authority", "acme.example"),
//!     (":path", "/reports?year=2026"),
//!     ("accept", "text/html"),
//! ];
//! let head = head.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
//! let verifier = Verifier { host: &NoHostVerifier, trusted };
//! let mut host = Host;
//! let mut env = Env::new(Some(UnixTime(1_800_000_000)), &mut host, verifier, &NoSharedData);
//!
//! let mut filter = Filter::new(Arc::new(loaded.runtime));
//! let effect = filter.step(Input::Request(RequestHead::new(head)), &mut env);
//! let Effect::Request(RequestEffect::Reply(reply)) = effect else { panic!("the filter answers") };
//! let location = reply.headers.iter().find(|(name, _)| *name == "location").unwrap();
//! assert_eq!(reply.status, 302);
//! assert!(location.1.starts_with("https://dex.acme.example/auth?response_type=code"));
//! assert!(!filter.is_forwarded());
//! ```

pub mod access;
pub mod base;
pub mod config;
pub mod env;
mod error;
mod etcd;
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
pub mod tenant_documents;
#[cfg(test)]
mod testing;
pub mod token;
pub mod upstream;

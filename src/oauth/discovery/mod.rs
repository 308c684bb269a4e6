//! What a provider publishes: its metadata (OpenID Connect Discovery 1.0) and its JWK Set, fetched
//! regularly.
//!
//! A tenant with configured keys and endpoints fetches nothing. With `discovery` or `jwks_uri` the
//! [`JwksRefresher`] fetches, once for all VMs of a process ([`shared_store`]). While the provider
//! is unavailable, the documents that were fetched last stay in use. A request that cannot go on
//! before the first fetch waits for it ([`AwaitedFetch`]).

mod awaited_fetch;
mod error;
mod fetch;
mod fetch_queue;
mod fetched;
mod metadata;
mod provider;
mod refresher;
mod schedule;
mod shared_store;

pub(crate) use awaited_fetch::AwaitedFetch;
pub use error::FetchError;
pub(crate) use fetch::{Fetch, FetchStep};
pub(crate) use provider::NeededDocuments;
pub use provider::{MetadataUnavailable, Provider};
pub use refresher::{Actions, FetchId, JwksRefresher};
pub(crate) use shared_store::{catch_up, catch_up_newer, publish};

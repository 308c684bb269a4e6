//! The identity behind a request: what the claims of a verified token say, in the terms of the
//! tenant.
//!
//! This room knows claims and the tenant. It does not know how an identity is stored in a session
//! (`session`) or what it may do (`access`).

mod bearer_cache;
mod claims;
mod distinguished_name;
mod error;
mod groups;
mod record;
mod verified;

pub(crate) use bearer_cache::BearerCache;
pub use bearer_cache::CacheCounts;
pub use error::IdentityError;
pub(crate) use record::{IdentityRecord, OmittedClaims};
pub use verified::{Tokens, VerifiedIdentity};

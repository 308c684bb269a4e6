//! The identity behind a request: what the claims of a verified token say, in the terms of the
//! tenant.
//!
//! This room knows claims and the tenant. It does not know how an identity is stored in a session
//! (`session`) or what it may do (`access`).

mod claims;
mod distinguished_name;
mod error;
mod groups;
mod record;
mod verified;
mod verified_cache;

pub use error::IdentityError;
pub(crate) use record::{IdentityRecord, OmittedClaims};
pub use verified::{Tokens, VerifiedIdentity};
pub use verified_cache::CacheCounts;
pub(crate) use verified_cache::{Verified, VerifiedCache};

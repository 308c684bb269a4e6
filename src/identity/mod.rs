//! Who somebody is: the identity that the claims of a verified token give, in the terms of the tenant.
//!
//! This room knows claims and the tenant. It does not know how an identity travels (`session`) or what it may do
//! (`access`).

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

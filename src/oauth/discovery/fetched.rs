//! The result of one fetch, parsed.
//!
//! Scenarios: tests/scenarios/keys.rs.

use std::sync::Arc;

use super::metadata::Metadata;
use crate::base::time::UnixTime;
use crate::jose::KeySet;

/// The keys and the metadata of a provider, from one fetch.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// When they were fetched.
    pub(crate) at: UnixTime,
    /// The usable keys, without those that are configured as well.
    pub(crate) keys: Arc<KeySet>,
    /// The number of unusable keys in the JWK Set.
    pub(crate) omitted: usize,
    /// The metadata, if the tenant uses discovery.
    pub(crate) metadata: Option<Box<Metadata>>,
}

//! What was fetched of a provider.

use std::sync::Arc;

use super::metadata::Metadata;
use crate::base::time::UnixTime;
use crate::jose::KeySet;

/// What was fetched of a provider, in one go.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) at: UnixTime,
    /// Those keys that are not configured anyway.
    pub(crate) keys: Arc<KeySet>,
    /// Keys of the set that are of no use here.
    pub(crate) omitted: usize,
    pub(crate) metadata: Option<Box<Metadata>>,
}

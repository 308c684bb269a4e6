//! Calls to a provider that had no answer.

use std::fmt;

use crate::base::encoding::escaped;
use crate::http::call::CallFailure;

/// A call to a provider had no answer: through which cluster, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUnreachable {
    cluster: String,
    /// Why there is no answer.
    pub(crate) failure: CallFailure,
}

impl ProviderUnreachable {
    /// A call through `cluster` failed.
    pub(crate) fn new(cluster: &str, failure: CallFailure) -> Self {
        Self { cluster: cluster.to_owned(), failure }
    }
}

impl fmt::Display for ProviderUnreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cluster \"{}\": {}", escaped(&self.cluster, MAX_NAME), self.failure)
    }
}

impl std::error::Error for ProviderUnreachable {}

/// The most characters of the name of a cluster in a line of the log.
const MAX_NAME: usize = 256;

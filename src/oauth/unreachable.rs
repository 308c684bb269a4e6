//! Calls to a provider that had no answer.

use std::fmt;

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
        write!(f, "cluster {:?}: {}", self.cluster, self.failure)
    }
}

impl std::error::Error for ProviderUnreachable {}

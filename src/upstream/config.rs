//! What a configuration says about all upstreams.

use super::assertion::Assertion;
use crate::http::header_name::FoldedNames;
use crate::tenant::{DEFAULT_NAMES, IdentityHeaders};

/// What a configuration says about all upstreams, whatever the tenant.
#[derive(Debug)]
pub struct UpstreamConfig {
    /// The header names that no client may send to any upstream.
    pub(crate) protected: FoldedNames,
    /// The signed assertion, if one is configured.
    pub(crate) assertion: Option<Assertion>,
    /// Whether tenant, user and roles become filter state.
    pub(crate) filter_state: bool,
}

impl UpstreamConfig {
    /// The names of all `headers` are protected, and the default names, too: a tenant whose part of the configuration
    /// is broken may have them, and an upstream may know the filter by them.
    pub(crate) fn new<'a>(
        headers: impl IntoIterator<Item = &'a IdentityHeaders>,
        assertion: Option<Assertion>,
        filter_state: bool,
    ) -> Self {
        let names = headers.into_iter().flat_map(IdentityHeaders::names);
        let mut protected = FoldedNames::new(names.chain(DEFAULT_NAMES));
        if let Some(assertion) = &assertion {
            protected.insert(assertion.header());
        }
        Self { protected, assertion, filter_state }
    }
}

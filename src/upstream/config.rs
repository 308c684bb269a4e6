//! The configuration that applies to all upstreams.

use super::assertion::Assertion;
use crate::http::header_name::FoldedNames;
use crate::tenant::{DEFAULT_NAMES, IdentityHeaders};

/// The configuration that applies to all upstreams, whatever the tenant.
#[derive(Debug)]
pub struct UpstreamConfig {
    /// The names of the headers that are removed from every client request.
    pub(crate) protected: FoldedNames,
    /// The signed assertion, if it is configured.
    pub(crate) assertion: Option<Assertion>,
    /// Whether tenant, user and roles are set as filter state.
    pub(crate) filter_state: bool,
}

impl UpstreamConfig {
    /// Protects the names of all `headers`, and the default names as well: a tenant whose
    /// configuration is broken may use them, and an upstream may trust them.
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

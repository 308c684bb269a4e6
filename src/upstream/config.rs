//! The configuration that applies to all upstreams.

use super::assertion::Assertion;
use super::protected_names::ProtectedNames;

/// The configuration that applies to all upstreams, whatever the tenant.
#[derive(Debug)]
pub struct UpstreamConfig {
    /// The names of the headers that are removed from every client request.
    pub(crate) protected: ProtectedNames,
    /// The signed assertion, if it is configured.
    pub(crate) assertion: Option<Assertion>,
    /// Whether tenant, user and roles are set as filter state.
    pub(crate) filter_state: bool,
}

impl UpstreamConfig {
    /// The configuration with the names of the identity headers of all tenants.
    pub(crate) fn new(
        header_names: &mut dyn Iterator<Item = &str>,
        assertion: Option<Assertion>,
        filter_state: bool,
    ) -> Self {
        let protected = ProtectedNames::new(header_names, assertion.as_ref().map(Assertion::header));
        Self { protected, assertion, filter_state }
    }
}

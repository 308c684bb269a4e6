//! Who a rule or a role looks at.

use crate::identity::VerifiedIdentity;
use crate::tenant::Tenant;

/// An identity, as far as its tenant relies on it.
#[derive(Clone, Copy)]
pub(super) struct Person<'a> {
    pub(super) identity: &'a VerifiedIdentity,
    require_email_verified: bool,
}

impl<'a> Person<'a> {
    pub(super) fn new(identity: &'a VerifiedIdentity, tenant: &Tenant) -> Self {
        Self { identity, require_email_verified: tenant.identity.require_email_verified }
    }

    /// The e-mail address, if anything may rely on it.
    pub(super) fn email(self) -> Option<&'a str> {
        let reliable = self.identity.email_verified() || !self.require_email_verified;
        self.identity.email().filter(|_| reliable)
    }
}

//! The user or program that a rule judges.

use serde_json::Value;

use crate::identity::VerifiedIdentity;
use crate::tenant::Tenant;
use crate::tenant::access::{Allow, ClaimValues, Criteria};

/// An identity with everything that rules look at.
pub(super) struct Subject<'a> {
    identity: &'a VerifiedIdentity,
    /// The e-mail address, if the tenant relies on it.
    email: Option<&'a str>,
    roles: Vec<&'a str>,
}

/// What a bearer token is taken to have in its `scope`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scopes {
    /// The scopes that it was granted.
    Granted,
    /// Every scope, to find out whether scopes are all that is missing.
    All,
}

impl<'a> Subject<'a> {
    pub(super) fn new(identity: &'a VerifiedIdentity, tenant: &'a Tenant) -> Self {
        let reliable = identity.email_verified() || !tenant.identity.require_email_verified;
        let email = identity.email().filter(|_| reliable);
        Self { identity, email, roles: tenant.roles.held_by(identity.user(), email, identity.groups()) }
    }

    /// The roles at this moment, in the order of the configuration.
    pub(super) fn into_roles(self) -> Vec<&'a str> {
        self.roles
    }

    /// Whether a rule lets this subject through.
    pub(super) fn fits(&self, allow: &Allow, scopes: Scopes) -> bool {
        // A rule without either part is for nobody. The loader refuses it.
        (allow.any_of.is_some() || allow.all_of.is_some())
            && allow.any_of.as_ref().is_none_or(|criteria| self.has_any(criteria, scopes))
            && allow.all_of.as_ref().is_none_or(|criteria| self.has_all(criteria, scopes))
    }

    fn has_any(&self, criteria: &Criteria, scopes: Scopes) -> bool {
        let Self { identity, email, roles } = self;
        criteria.users.contains(identity.user())
            || email.is_some_and(|email| criteria.emails.contains(email))
            || !criteria.groups.is_empty() && identity.groups().iter().any(|group| criteria.groups.contains(group))
            || roles.iter().any(|&role| criteria.roles.contains(role))
            || criteria.scopes.iter().any(|scope| self.has_scope(scope, scopes))
            || criteria.claims.iter().any(|claim| self.has_claim(claim))
    }

    fn has_all(&self, criteria: &Criteria, scopes: Scopes) -> bool {
        let Self { identity, email, roles } = self;
        criteria.users.iter().all(|user| user == identity.user())
            && criteria.emails.iter().all(|wanted| Some(wanted) == *email)
            && criteria.groups.iter().all(|group| identity.groups().iter().any(|own| own == group))
            && criteria.roles.iter().all(|role| roles.contains(&role))
            && criteria.scopes.iter().all(|scope| self.has_scope(scope, scopes))
            && criteria.claims.iter().all(|claim| self.has_claim(claim))
    }

    fn has_scope(&self, wanted: &str, scopes: Scopes) -> bool {
        let granted = self.identity.scopes();
        granted.is_some_and(|granted| scopes == Scopes::All || granted.iter().any(|scope| scope == wanted))
    }

    fn has_claim(&self, wanted: &ClaimValues) -> bool {
        match self.identity.claims().get(&wanted.claim) {
            Some(Value::Array(values)) => values.iter().any(|value| wanted.values.contains(value)),
            Some(value) => wanted.values.contains(value),
            None => false,
        }
    }
}

//! The identity as the criteria of an access rule see it.

use serde_json::Value;

use crate::http::host::Host;
use crate::identity::VerifiedIdentity;
use crate::tenant::Tenant;
use crate::tenant::access::{Allow, AnyOf, ClaimValues, Criteria};

/// An identity with everything that the criteria of a rule compare.
pub(super) struct Subject<'a> {
    identity: &'a VerifiedIdentity,
    /// The e-mail address, if the tenant accepts it: it is verified, or need not be.
    email: Option<&'a str>,
    roles: Vec<&'a str>,
}

/// The scopes that a bearer token is assumed to have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scopes {
    /// The scopes that were granted to it.
    Granted,
    /// Every scope: shows whether the request lacks scopes only.
    All,
}

/// The roles that `identity` has at its tenant at this moment, in the order of the configuration.
pub(crate) fn roles<'a>(identity: &'a VerifiedIdentity, tenant: &'a Tenant) -> Vec<&'a str> {
    Subject::new(identity, tenant).into_roles()
}

impl<'a> Subject<'a> {
    pub(super) fn new(identity: &'a VerifiedIdentity, tenant: &'a Tenant) -> Self {
        let email = identity.reliable_email(&tenant.identity);
        Self { identity, email, roles: tenant.roles.held_by(identity.user(), email, identity.groups()) }
    }

    /// The number of groups.
    pub(super) fn groups(&self) -> usize {
        self.identity.groups().len()
    }

    /// Whether the rule is about e-mail addresses, and the tenant accepts none of this identity.
    pub(super) fn lacks_email(&self, allow: &Allow) -> bool {
        self.email.is_none() && allow.is_about_email()
    }

    /// The roles at this moment, in the order of the configuration.
    pub(super) fn into_roles(self) -> Vec<&'a str> {
        self.roles
    }

    /// Whether a rule allows this subject.
    pub(super) fn fits(&self, allow: &Allow, scopes: Scopes) -> bool {
        // A rule with neither part allows nobody. The configuration loader rejects such a rule.
        (allow.any_of.is_some() || allow.all_of.is_some())
            && allow.any_of.as_ref().is_none_or(|any_of| self.has_any(any_of, scopes))
            && allow.all_of.as_ref().is_none_or(|criteria| self.has_all(criteria, scopes))
    }

    fn has_any(&self, any_of: &AnyOf, scopes: Scopes) -> bool {
        let Self { identity, email, roles } = self;
        let AnyOf { users, emails, email_domains, criteria } = any_of;
        users.contains(identity.user())
            || email.is_some_and(|email| emails.contains(email))
            || !email_domains.is_empty()
                && email
                    .and_then(domain)
                    .is_some_and(|domain| email_domains.iter().any(|pattern| pattern.matches(&domain)))
            || !criteria.groups.is_empty() && identity.groups().iter().any(|group| criteria.groups.contains(group))
            || roles.iter().any(|&role| criteria.roles.contains(role))
            || criteria.scopes.iter().any(|scope| self.has_scope(scope, scopes))
            || criteria.claims.iter().any(|claim| self.has_claim(claim))
    }

    fn has_all(&self, criteria: &Criteria, scopes: Scopes) -> bool {
        let Self { identity, roles, .. } = self;
        criteria.groups.iter().all(|group| identity.groups().iter().any(|own| own == group))
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

/// The domain of an e-mail address with one `@`. Servers disagree about which one of several is the
/// last of the local part (RFC 5321 section 4.1.2).
fn domain(email: &str) -> Option<Host> {
    let (local, domain) = email.split_once('@')?;
    if local.is_empty() { None } else { Host::from_name(domain).ok() }
}

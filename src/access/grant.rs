//! Whom a rule lets through.

use serde_json::Value;

use super::names::Names;
use super::person::Person;

/// What somebody has to have. Both parts hold, where both are there.
#[derive(Debug, Default)]
pub struct Allow {
    /// At least one of these.
    pub any_of: Option<Grant>,
    /// Every one of these.
    pub all_of: Option<Grant>,
}

/// Names of users, groups and so on, compared byte for byte.
#[derive(Debug, Default)]
pub struct Grant {
    /// User names.
    pub users: Names,
    /// E-mail addresses that the issuer verified.
    pub emails: Names,
    /// Groups.
    pub groups: Names,
    /// Roles of the tenant.
    pub roles: Names,
    /// Scopes; only bearer tokens have any.
    pub scopes: Names,
    /// Claims with one of certain values.
    pub claims: Vec<ClaimValues>,
}

/// A claim that has one of these values, or that is an array with one of them.
#[derive(Debug)]
pub struct ClaimValues {
    /// The path of the claim, as configured.
    pub claim: String,
    /// Texts, `true` and `false`; at least one.
    pub values: Vec<Value>,
}

/// Who asks, with everything that a grant looks at.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) person: Person<'a>,
    pub(super) roles: &'a [&'a str],
    /// As if every scope had been granted, to find out whether scopes are all that is missing.
    pub(super) with_all_scopes: bool,
}

impl Allow {
    pub(super) fn admits(&self, who: Candidate<'_>) -> bool {
        // Without either part there is nothing that anybody could have; the loader refuses it.
        (self.any_of.is_some() || self.all_of.is_some())
            && self.any_of.as_ref().is_none_or(|grant| grant.has_any(who))
            && self.all_of.as_ref().is_none_or(|grant| grant.has_all(who))
    }

    /// Every grant in it.
    pub(super) fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.any_of.iter().chain(&self.all_of)
    }
}

impl Grant {
    /// Whether nothing is named at all.
    pub fn is_empty(&self) -> bool {
        let Self { users, emails, groups, roles, scopes, claims } = self;
        claims.is_empty() && [users, emails, groups, roles, scopes].iter().all(|names| names.is_empty())
    }

    fn has_any(&self, who: Candidate<'_>) -> bool {
        let Candidate { person, roles, .. } = who;
        let identity = person.identity;
        self.users.contains(identity.user())
            || person.email().is_some_and(|email| self.emails.contains(email))
            || !self.groups.is_empty() && identity.groups().iter().any(|group| self.groups.contains(group))
            || roles.iter().any(|&role| self.roles.contains(role))
            || self.scopes.iter().any(|scope| who.has_scope(scope))
            || self.claims.iter().any(|claim| who.has_claim(claim))
    }

    fn has_all(&self, who: Candidate<'_>) -> bool {
        let Candidate { person, roles, .. } = who;
        let identity = person.identity;
        self.users.iter().all(|user| user == identity.user())
            && self.emails.iter().all(|email| Some(email) == person.email())
            && self.groups.iter().all(|group| identity.groups().iter().any(|own| own == group))
            && self.roles.iter().all(|role| roles.contains(&role))
            && self.scopes.iter().all(|scope| who.has_scope(scope))
            && self.claims.iter().all(|claim| who.has_claim(claim))
    }
}

impl Candidate<'_> {
    fn has_scope(self, scope: &str) -> bool {
        self.person
            .identity
            .scopes()
            .is_some_and(|scopes| self.with_all_scopes || scopes.iter().any(|own| own == scope))
    }

    fn has_claim(self, wanted: &ClaimValues) -> bool {
        match self.person.identity.claims().get(&wanted.claim) {
            Some(Value::Array(values)) => values.iter().any(|value| wanted.values.contains(value)),
            Some(value) => wanted.values.contains(value),
            None => false,
        }
    }
}

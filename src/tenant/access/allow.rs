//! Whom a rule lets through.

use serde_json::Value;

use super::name_map::NameSet;

/// What somebody has to have. Both parts hold, where both are there.
#[derive(Debug, Default)]
pub struct Allow {
    /// At least one of these.
    pub any_of: Option<Criteria>,
    /// Every one of these.
    pub all_of: Option<Criteria>,
}

/// Names of users, groups and so on, compared byte for byte.
#[derive(Debug, Default)]
pub struct Criteria {
    /// User names.
    pub users: NameSet,
    /// E-mail addresses that the issuer verified.
    pub emails: NameSet,
    /// Groups.
    pub groups: NameSet,
    /// Roles of the tenant.
    pub roles: NameSet,
    /// Scopes; only bearer tokens have any.
    pub scopes: NameSet,
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

impl Allow {
    /// Both parts, as far as they are there.
    pub(crate) fn criteria(&self) -> impl Iterator<Item = &Criteria> {
        self.any_of.iter().chain(&self.all_of)
    }
}

impl Criteria {
    /// Whether nothing is named at all.
    pub fn is_empty(&self) -> bool {
        let Self { users, emails, groups, roles, scopes, claims } = self;
        claims.is_empty() && [users, emails, groups, roles, scopes].iter().all(|names| names.is_empty())
    }
}

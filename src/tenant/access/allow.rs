//! The conditions under which a rule allows a user.

use serde_json::Value;

use super::name_map::NameSet;
use crate::http::host::HostPattern;

/// The conditions that a user has to meet. If both parts are present, both apply.
#[derive(Debug, Default)]
pub struct Allow {
    /// The user has to meet at least one of these criteria.
    pub any_of: Option<AnyOf>,
    /// The user has to meet all of these criteria.
    pub all_of: Option<Criteria>,
}

/// Criteria of which a user has to meet one. Names are compared byte for byte.
#[derive(Debug, Default)]
pub struct AnyOf {
    /// User names.
    pub users: NameSet,
    /// E-mail addresses that the issuer verified, unless the tenant does not require that.
    pub emails: NameSet,
    /// Domains of such addresses.
    pub email_domains: Vec<HostPattern>,
    /// What a user can have several of.
    pub criteria: Criteria,
}

/// Criteria of which a user can meet several: names of groups and so on, compared byte for byte.
#[derive(Debug, Default)]
pub struct Criteria {
    /// Groups.
    pub groups: NameSet,
    /// Roles of the tenant.
    pub roles: NameSet,
    /// Scopes. Only bearer tokens have any.
    pub scopes: NameSet,
    /// Claims with their accepted values.
    pub claims: Vec<ClaimValues>,
}

/// A claim whose value is one of these values, or an array that contains one of them.
#[derive(Debug)]
pub struct ClaimValues {
    /// The path of the claim, as configured.
    pub claim: String,
    /// The accepted values, at least one: strings, `true` and `false`.
    pub values: Vec<Value>,
}

impl Allow {
    /// The criteria of both parts that a user can meet several of.
    pub(crate) fn criteria(&self) -> impl Iterator<Item = &Criteria> {
        self.any_of.iter().map(|any_of| &any_of.criteria).chain(&self.all_of)
    }

    /// Whether an e-mail address can meet a criterion.
    pub(crate) fn is_about_email(&self) -> bool {
        self.any_of.as_ref().is_some_and(|any_of| !any_of.emails.is_empty() || !any_of.email_domains.is_empty())
    }
}

impl AnyOf {
    /// Whether there is no criterion.
    pub fn is_empty(&self) -> bool {
        let Self { users, emails, email_domains, criteria } = self;
        users.is_empty() && emails.is_empty() && email_domains.is_empty() && criteria.is_empty()
    }
}

impl Criteria {
    /// Whether there is no criterion.
    pub fn is_empty(&self) -> bool {
        let Self { groups, roles, scopes, claims } = self;
        claims.is_empty() && [groups, roles, scopes].iter().all(|names| names.is_empty())
    }
}

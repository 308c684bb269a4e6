//! The conditions under which a rule allows a user.

use serde_json::Value;

use super::name_map::NameSet;
use crate::http::host::HostPattern;

/// The conditions that a user has to meet. If both parts are present, both apply.
#[derive(Debug, Default)]
pub struct Allow {
    /// The user has to meet at least one of these criteria.
    pub any_of: Option<Criteria>,
    /// The user has to meet all of these criteria.
    pub all_of: Option<Criteria>,
}

/// The criteria of one part: names of users, groups and so on, compared byte for byte.
#[derive(Debug, Default)]
pub struct Criteria {
    /// User names.
    pub users: NameSet,
    /// E-mail addresses that the issuer verified, unless the tenant does not require that.
    pub emails: NameSet,
    /// Domains of such addresses.
    pub email_domains: Vec<HostPattern>,
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
    /// The parts that are present.
    pub(crate) fn criteria(&self) -> impl Iterator<Item = &Criteria> {
        self.any_of.iter().chain(&self.all_of)
    }
}

impl Criteria {
    /// Whether there is no criterion.
    pub fn is_empty(&self) -> bool {
        let Self { users, emails, email_domains, groups, roles, scopes, claims } = self;
        claims.is_empty()
            && email_domains.is_empty()
            && [users, emails, groups, roles, scopes].iter().all(|names| names.is_empty())
    }
}

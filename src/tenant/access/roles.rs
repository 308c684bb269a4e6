//! The roles that a tenant gives to users and groups of its directory.

use super::name_map::NameMap;

/// One role, and the users and groups that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The name, unique within the tenant.
    pub name: String,
    /// User names.
    pub users: Vec<String>,
    /// E-mail addresses that the issuer verified, unless the tenant does not require that.
    pub emails: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
}

/// The roles of a tenant, by user name, e-mail address and group.
#[derive(Debug, Default)]
pub struct Roles {
    names: Vec<String>,
    users: RoleNumbers,
    emails: RoleNumbers,
    groups: RoleNumbers,
}

/// The numbers of the roles of each name.
type RoleNumbers = NameMap<Vec<usize>>;

impl Roles {
    /// Prepares the roles for lookup. Their names are unique, which the configuration loader
    /// checks.
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Self {
        let mut all = Self::default();
        for (number, Role { name, users, emails, groups }) in roles.into_iter().enumerate() {
            all.names.push(name);
            for (numbers_by_name, names) in
                [(&mut all.users, users), (&mut all.emails, emails), (&mut all.groups, groups)]
            {
                for name in names {
                    numbers_by_name.change(&name, |numbers| numbers.push(number));
                }
            }
        }
        all
    }

    /// Whether a role of this name exists.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|role| role == name)
    }

    /// The roles of a user, in the order of the configuration, each once. `email` is the e-mail
    /// address, if the tenant relies on it.
    pub(crate) fn held_by(&self, user: &str, email: Option<&str>, groups: &[String]) -> Vec<&str> {
        if self.names.is_empty() {
            return Vec::new();
        }
        let users = self.users.get(user);
        let emails = email.and_then(|email| self.emails.get(email));
        let groups = groups.iter().filter_map(|group| self.groups.get(group));
        let numbers: Vec<usize> = users.into_iter().chain(emails).chain(groups).flatten().copied().collect();
        let held = |number: &usize| numbers.contains(number);
        self.names.iter().enumerate().filter(|(number, _)| held(number)).map(|(_, name)| name.as_str()).collect()
    }
}

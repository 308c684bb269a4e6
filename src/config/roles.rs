//! `tenants[].roles`: the roles of a tenant, with the users and groups that have them.

use super::cursor::Cursor;
use super::values::names;
use crate::tenant::access::{Role, Roles};

/// Reads the roles. `None` if one of them could not be read.
pub(super) fn roles(at: &Cursor<'_>) -> Option<Roles> {
    let mut roles: Vec<Role> = Vec::new();
    let mut whole = true;
    for element in at.elements() {
        match role(&element) {
            Some(role) if roles.iter().any(|other| other.name == role.name) => {
                element.error(format!(
                    "another role has the name \"{}\", too; put the grants of both into one",
                    role.name
                ));
            }
            Some(role) => roles.push(role),
            None => whole = false,
        }
    }
    whole.then(|| Roles::new(roles))
}

fn role(at: &Cursor<'_>) -> Option<Role> {
    let object = at.object();
    let name_at = object.field("name");
    let name = name_at.required_text().and_then(|text| match is_role_name(text) {
        true => Some(text.to_owned()),
        false => name_at
            .refuse(format!("{text:?} is not a role name: 1 to 63 letters, digits, \"-\", \"_\", \".\" and \":\"")),
    });
    let [users, emails, groups] = ["users", "emails", "groups"].map(|field| names(&object.field(field)));
    object.finish();
    let role = Role { name: name?, users: users?, emails: emails?, groups: groups? };
    if role.users.is_empty() && role.emails.is_empty() && role.groups.is_empty() {
        return at.refuse("selects no user; give it `users`, `emails` or `groups`");
    }
    Some(role)
}

/// Whether the text is a role name, which is unambiguous in a header with any list separator.
fn is_role_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
}

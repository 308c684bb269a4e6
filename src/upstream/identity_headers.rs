//! The headers that tell the upstream the identity.
//!
//! Scenarios: tests/scenarios/forward.rs.

use super::header_encoding::HeaderLines;
use crate::access::Permitted;
use crate::http::header_edit::HeaderEdit;
use crate::identity::Tokens;

/// The headers of the identity, under the names that the tenant has for them. They depend on
/// nothing of the request. The client's lines of these names have to be removed before.
pub(super) fn identity_headers(permitted: &Permitted<'_>) -> Vec<HeaderEdit> {
    let mut edits = Vec::new();
    let (tenant, identity) = (permitted.tenant(), permitted.identity());
    let names = &tenant.headers;
    let mut set = |name: Option<&str>, lines: HeaderLines| set(&mut edits, name, lines);
    set(names.tenant.as_deref(), HeaderLines::value(tenant.name.as_str()));
    set(names.user.as_deref(), HeaderLines::value(identity.user()));
    if let Some(email) = identity.forwarded_email(&tenant.identity) {
        set(names.email.as_deref(), HeaderLines::value(email));
    }
    set(names.groups.as_deref(), HeaderLines::list(identity.groups(), names.lists));
    set(names.roles.as_deref(), HeaderLines::list(permitted.roles(), names.lists));
    for (header, claim) in &names.claims {
        if let Some(value) = identity.claim(claim) {
            set(Some(header), HeaderLines::claim(value, names.lists));
        }
    }
    let Tokens { access_token, id_token } = identity.tokens();
    for (name, token) in [(&names.access_token, access_token), (&names.id_token, id_token)] {
        if let (Some(name), Some(token)) = (name, token) {
            set(Some(name), HeaderLines::value(&token_value(name, token.expose_secret())));
        }
    }
    edits
}

/// Sets `lines` under `name`, if the tenant has a name for them.
fn set(edits: &mut Vec<HeaderEdit>, name: Option<&str>, lines: HeaderLines) {
    let Some(name) = name else { return };
    for (position, line) in lines.into_iter().enumerate() {
        let edit = if position == 0 { HeaderEdit::Set } else { HeaderEdit::Add };
        edits.push(edit(name.to_owned(), line.into_bytes()));
    }
}

/// The value of header `name` that carries `token`.
fn token_value(name: &str, token: &str) -> String {
    if name == "authorization" { format!("Bearer {token}") } else { token.to_owned() }
}

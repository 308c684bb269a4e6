//! `tenants[].headers`: under which names the upstream receives the identity.

use std::collections::HashMap;

use super::cursor::Cursor;
use crate::forward::{IdentityHeaders, fold};

pub(super) fn headers(at: &Cursor<'_>) -> Option<IdentityHeaders> {
    let object = at.object();
    let defaults = IdentityHeaders::default();
    let mut folded = HashMap::new();
    let mut header = |field: &'static str, default: Option<&str>| {
        let at = object.field(field);
        let name = match (at.text(), default) {
            (Some(name), _) => name.to_ascii_lowercase(),
            (None, _) if at.is_present() => return None,
            (None, Some(default)) => default.to_owned(),
            (None, None) => return Some(None),
        };
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return at.refuse(format!("{name:?} is not a header name"));
        }
        // A token may go where tokens go.
        if is_reserved(&fold(&name)) && (default.is_some() || name != "authorization") {
            let example = default.map_or_else(|| format!("x-auth-request-{}", fold(field)), str::to_owned);
            return at.refuse(format!("\"{name}\" has a meaning of its own; use another name, such as \"{example}\""));
        }
        if let Some(other) = folded.insert(fold(&name), field) {
            at.error(format!(
                "\"{name}\" is also the name for `{other}`, to a server that reads \"-\" and \"_\" alike"
            ));
            return None;
        }
        Some(Some(name))
    };
    let user = header("user", Some(&defaults.user));
    let email = header("email", Some(&defaults.email));
    let groups = header("groups", Some(&defaults.groups));
    let tenant = header("tenant", Some(&defaults.tenant));
    let (access_token, id_token) = (header("access_token", None), header("id_token", None));
    object.finish();
    Some(IdentityHeaders {
        user: user??,
        email: email??,
        groups: groups??,
        tenant: tenant??,
        access_token: access_token?,
        id_token: id_token?,
    })
}

/// RFC 9110 section 5.6.2.
fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// Names that HTTP, Envoy or the gate give a meaning to.
fn is_reserved(folded: &str) -> bool {
    folded.starts_with("x-envoy-") || folded.starts_with("content-") || RESERVED.contains(&folded)
}

const RESERVED: [&str; 20] = [
    "accept",
    "authorization",
    "connection",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "proxy-authorization",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

//! `tenants[].login`: the optional parameters of the authorization request (OpenID Connect Core
//! section 3.1.2.1).

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::cursor::{Cursor, Object};
use super::values::{Scheme, duration, url};
use crate::base::json;
use crate::tenant::AuthorizationParameters;

/// Reads the optional parameters. `None` if one of them could not be read.
pub(super) fn request(login: &Object<'_>, scheme: Scheme) -> Option<AuthorizationParameters> {
    let prompt = optional(&login.field("prompt"), prompt);
    let max_age = optional(&login.field("max_age"), |at| duration(at, Duration::ZERO, Duration::ZERO..=MAX_AGE));
    let acr_values = list(&login.field("acr_values"), word);
    let login_hint = optional(&login.field("login_hint"), login_hint);
    let claims = optional(&login.field("claims"), |at| at.object().members().map(|claims| Value::from(claims.clone())));
    let resources = list(&login.field("resource"), |at| resource(at, scheme));
    let others = others(&login.field("parameters"));
    Some(AuthorizationParameters {
        prompt: prompt?,
        max_age: max_age?,
        acr_values: acr_values?,
        login_hint: login_hint?,
        claims: claims?.map(|claims| json::write(&claims)),
        resources: resources?,
        others: others?,
    })
}

/// Whether the parameter must not be configured by name, because Tenantgate sets it or has a field
/// for it, or because it would change how the response is sent or replace other parameters. Each
/// parameter may occur once (RFC 6749 section 3.1).
pub(super) fn is_reserved_parameter(name: &str) -> bool {
    OURS.contains(&name)
}

fn optional<T>(at: &Cursor<'_>, read: impl Fn(&Cursor<'_>) -> Option<T>) -> Option<Option<T>> {
    if at.is_present() { read(at).map(Some) } else { Some(None) }
}

fn list<T>(at: &Cursor<'_>, read: impl Fn(&Cursor<'_>) -> Option<T>) -> Option<Vec<T>> {
    if !at.is_present() {
        return Some(Vec::new());
    }
    let elements = at.required_elements();
    elements.iter().map(read).collect()
}

fn prompt(at: &Cursor<'_>) -> Option<String> {
    let text = at.text()?;
    if text.split(' ').any(|value| value == "none") {
        return at.refuse("is \"none\", so no user could sign in");
    }
    if !text.split(' ').all(is_word) {
        return at.refuse(format!("{text:?} is not a prompt; write it as \"login\" or \"select_account\""));
    }
    Some(text.to_owned())
}

fn word(at: &Cursor<'_>) -> Option<String> {
    let text = at.text()?;
    if !is_word(text) {
        return at.refuse(format!("{text:?} is not one value: printable ASCII without spaces"));
    }
    Some(text.to_owned())
}

fn login_hint(at: &Cursor<'_>) -> Option<String> {
    let text = at.text()?;
    if text.is_empty() || text.chars().any(char::is_control) {
        return at
            .refuse(format!("{text:?} is not a hint; write it as the issuer wants it, such as \"@acme.example\""));
    }
    Some(text.to_owned())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Reads an absolute URI without a fragment (RFC 8707 section 2). It may be a URN, as some issuers
/// use.
fn resource(at: &Cursor<'_>, scheme: Scheme) -> Option<String> {
    let text = at.text()?;
    let is_urn = Url::parse(text).is_ok_and(|uri| uri.cannot_be_a_base() && uri.fragment().is_none());
    if !is_urn {
        url(at, scheme)?;
    }
    // The text is not normalized, because the issuer compares it byte by byte.
    Some(text.to_owned())
}

fn others(at: &Cursor<'_>) -> Option<Vec<(String, String)>> {
    let members = at.object().members().into_iter().flatten();
    if at.is_present() && !at.value().is_some_and(Value::is_object) {
        return None;
    }
    let pairs = members.map(|(name, value)| {
        if is_reserved_parameter(name) {
            return at.refuse(format!("has {name:?}, which Tenantgate sets itself or has a field for; leave it out"));
        }
        match value.as_str().filter(|_| !name.is_empty()) {
            Some(text) => Some((name.clone(), text.to_owned())),
            None => at.refuse(format!("{name:?} has to be a name with a string as its value")),
        }
    });
    pairs.collect::<Vec<_>>().into_iter().collect()
}

/// The parameters that must not be configured by name.
const OURS: [&str; 18] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "acr_values",
    "login_hint",
    "claims",
    "resource",
    // These change how the authorization response is sent, or replace all other parameters.
    "response_mode",
    "request",
    "request_uri",
    "dpop_jkt",
];
/// The upper limit of `max_age`: the longest lifetime of a session.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

//! Fields that are not known at their place, and what follows from them.

use tenantgate::config::{Code, ConfigError};

use super::is_url;
use super::synonyms::meant;
use crate::diagnostic::Diagnostic;
use crate::schema;
use crate::yaml::Node;

/// What to write instead of the unknown field at `place`.
pub(super) fn help(found: &Diagnostic, place: &str, configuration: &Node) -> Option<String> {
    let (parent, name) = split(place);
    let value = configuration.at(place);
    if is_template(place, configuration) {
        return Some("a template stands here that was not filled in; check the file that comes out of it".to_owned());
    }
    if is_jwk(parent, configuration) {
        return Some("these are the members of a JWK; write them below `jwk:`".to_owned());
    }
    let home = without_indexes(parent);
    if let Some(meant) = meant(&home, name, value) {
        return Some(meant.help(name, value));
    }
    if is_url_field(parent, name, value) {
        return Some(format!("write `{name}_uri` for the address of keys"));
    }
    // One letter less or more is a misspelling here, rather than a field of another section.
    let near = found.help.as_deref().and_then(|help| help.split('"').nth(1));
    if near.is_some_and(|near| strsim::osa_distance(near, name) == 1) {
        return None;
    }
    let others: Vec<String> = schema::homes(name).into_iter().filter(|other| *other != home).collect();
    // A section below this place is likelier than one elsewhere.
    let other = others.iter().find(|other| !home.is_empty() && other.starts_with(&home)).or_else(|| others.first())?;
    let inside = other.strip_prefix("tenants[]").map_or(other.as_str(), |rest| rest.trim_start_matches('.'));
    Some(match (other.as_str(), inside) {
        ("", _) => {
            let beside = if name == "tenants" { "session" } else { "tenants" };
            format!("`{name}` belongs at the top of the configuration, beside `{beside}`")
        }
        (_, "") => format!("`{name}` belongs into a tenant: an element of `tenants`"),
        _ => format!("`{name}` belongs under `{inside}`"),
    })
}

/// The places of what is missing or wrong only because of one of `errors`: a field that was meant,
/// what it makes unnecessary, and the object that lacks it.
pub(crate) fn consequences(errors: &[&ConfigError], configuration: &Node) -> Vec<String> {
    let mut places = Vec::new();
    for error in errors {
        let place = error.place();
        if error.code() == Code::UNKNOWN_FIELD {
            places.extend(missed_by(&place, error.message(), configuration));
        } else if error.code() == Code::TYPE {
            places.extend(unneeded(&place));
            places.push(place);
        } else if let Some(login) = place.strip_suffix(".redirect_uri")
            && error.message().contains("wildcard")
        {
            places.push(join(login, "cookie_domain"));
        }
    }
    // Without discovery an endpoint and keys are as much needed as the other endpoint.
    let missing: Vec<String> =
        errors.iter().filter(|error| error.code() == Code::MISSING).map(|error| error.place()).collect();
    for provider in missing.iter().filter_map(|place| place.strip_suffix(".authorization_endpoint")) {
        let token = join(provider, "token_endpoint");
        if missing.contains(&token) {
            places.extend(unneeded(&join(provider, "jwks_uri")));
            places.push(token);
        }
    }
    places
}

/// Whether the finding repeats what one before it says: of the members of a JWK, each is unknown.
pub(crate) fn is_repeated(error: &ConfigError, errors: &[&ConfigError], configuration: &Node) -> bool {
    let place = error.place();
    let (parent, _) = split(&place);
    let is_first = errors
        .iter()
        .filter(|other| other.code() == Code::UNKNOWN_FIELD && split(&other.place()).0 == parent)
        .all(|other| other.place() >= place);
    error.code() == Code::UNKNOWN_FIELD && is_jwk(parent, configuration) && !is_first
}

fn missed_by(place: &str, message: &str, configuration: &Node) -> Vec<String> {
    let (parent, name) = split(place);
    // An object that has none of the fields that it needs.
    let mut missed = vec![parent.to_owned()];
    let tenant = parent.split_once(']').map(|(tenant, _)| format!("{tenant}]"));
    let in_tenant = |path: &str| match &tenant {
        Some(tenant) => path.strip_prefix("tenants[]").map(|rest| format!("{tenant}{rest}")),
        None => None,
    };
    let mut add = |field: String| {
        missed.extend(unneeded(&field));
        if let Some((object, _)) = field.rsplit_once('.') {
            missed.push(object.to_owned());
        }
        missed.push(field);
    };
    if let Some(meant) = meant(&without_indexes(parent), name, configuration.at(place)) {
        let path = match meant.path.contains('.') {
            true => in_tenant(&format!("tenants[].{}", meant.path)).unwrap_or_default(),
            false => join(parent, meant.path),
        };
        add(path);
    } else if let Some((_, meant)) = message.split_once("did you mean \"") {
        let meant = meant.split('"').next().unwrap_or_default();
        add(join(parent, meant));
    } else {
        if is_url_field(parent, name, configuration.at(place)) {
            add(join(parent, &format!("{name}_uri")));
        }
        for home in schema::homes(name) {
            add(join(&in_tenant(&home).unwrap_or(home), name));
        }
    }
    missed
}

/// What need not be there if the field at `place` is.
fn unneeded(place: &str) -> Vec<String> {
    let Some((provider, name)) = place.rsplit_once('.') else { return Vec::new() };
    let keys = provider.strip_suffix(".provider").map(|tenant| format!("{tenant}.keys"));
    match name {
        "discovery" => {
            let endpoints = ["authorization_endpoint", "token_endpoint"].map(|field| join(provider, field));
            keys.into_iter().chain(endpoints).collect()
        }
        "jwks_uri" => keys.into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Whether a field such as `jwks` has an address, so that the field with `_uri` is meant.
fn is_url_field(parent: &str, name: &str, value: Option<&Node>) -> bool {
    value.and_then(Node::text).is_some_and(is_url) && schema::at(&join(parent, &format!("{name}_uri"))).is_some()
}

fn is_jwk(parent: &str, configuration: &Node) -> bool {
    configuration.at(parent).is_some_and(|node| node.get("kty").is_some()) && parent.contains("keys[")
}

/// Whether the field is made of braces: `{{ name }}`.
fn is_template(place: &str, configuration: &Node) -> bool {
    let parent = configuration.at(split(place).0);
    parent.is_some_and(|node| node.members().iter().any(|member| !member.key.members().is_empty()))
}

fn split(place: &str) -> (&str, &str) {
    place.rsplit_once('.').unwrap_or(("", place))
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

fn without_indexes(place: &str) -> String {
    place.chars().filter(|c| !c.is_ascii_digit()).collect()
}

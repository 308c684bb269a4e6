//! What to write instead, where the file shows more than the filter sees.

use std::time::Duration;

use tenantgate::config::Code;

use super::diagnostic::Diagnostic;
use super::gate::{Form, Gate};
use super::schema;
use super::secrets::is_secret;
use super::variables::VmEnvironment;
use super::yaml::{Content, Node, Style};

/// Adds what the value at `place` tells.
pub(crate) fn improve(
    found: Diagnostic,
    place: &str,
    configuration: &Node,
    gate: &Gate<'_>,
    vm: &VmEnvironment<'_>,
) -> Diagnostic {
    let value = configuration.at(place);
    let help = match found.code {
        Code::TYPE => value.and_then(|node| of_type(node, place)),
        Code::TIME => value.and_then(Node::text).and_then(|text| seconds(text, place)),
        Code::UNKNOWN_FIELD => misplaced(place),
        Code::MISSING if found.help.is_none() => described(place),
        Code::VARIABLE => Some(variable(&found.message, gate, vm)),
        Code::KEYS => value.and_then(key),
        _ => None,
    };
    match help {
        Some(help) => found.help(help),
        None => found,
    }
}

/// A plain scalar that YAML does not take for a string.
fn of_type(node: &Node, place: &str) -> Option<String> {
    let Content::Scalar(scalar) = &node.content else { return None };
    let text = scalar.text.as_str();
    let name = place.rsplit(['.', '[']).next().unwrap_or_default();
    if scalar.style != Style::Plain || text.is_empty() || is_secret(name) {
        return None;
    }
    if let Some(help) = seconds(text, place) {
        return Some(help);
    }
    let wants_text = schema::at(place).and_then(|schema| schema.get("type")).is_some_and(|kind| kind == "string");
    (wants_text && !scalar.value().is_string()).then(|| format!("write it in quotes: \"{text}\""))
}

/// A number where a duration belongs.
fn seconds(text: &str, place: &str) -> Option<String> {
    let seconds = schema::is_duration(place).then(|| text.parse().ok()).flatten()?;
    let duration = humantime::format_duration(Duration::from_secs(seconds));
    Some(format!("write it with a unit: \"{duration}\" for {seconds} seconds"))
}

/// A field that is missing.
fn described(place: &str) -> Option<String> {
    let description = schema::at(place)?.get("description")?.as_str()?;
    Some(format!("`{}`: {description}", place.rsplit_once('.').map_or(place, |(_, name)| name)))
}

/// A field that belongs elsewhere.
fn misplaced(place: &str) -> Option<String> {
    let (parent, name) = place.rsplit_once('.').unwrap_or(("", place));
    let home = schema::homes(name).into_iter().find(|home| !is_same(home, parent))?;
    let inside = home.strip_prefix("tenants[]").map_or(home.as_str(), |rest| rest.trim_start_matches('.'));
    Some(match (home.as_str(), inside) {
        ("", _) => format!("`{name}` belongs at the top of the configuration, beside `tenants`"),
        (_, "") => format!("`{name}` belongs into a tenant: an element of `tenants`"),
        _ => format!("`{name}` belongs under `{inside}`"),
    })
}

fn is_same(home: &str, parent: &str) -> bool {
    let without_indexes: String = parent.split(|c: char| c.is_ascii_digit()).collect();
    home == without_indexes
}

/// What is missing only because of an unknown field: the field that was meant, or the objects that
/// it belongs into, as paths in the same tenant. `message` is that about the field.
pub(crate) fn missed_by(place: &str, message: &str) -> Vec<String> {
    let (parent, name) = place.rsplit_once('.').unwrap_or(("", place));
    if let Some((_, meant)) = message.split_once("did you mean \"") {
        let meant = meant.split('"').next().unwrap_or_default();
        return vec![format!("{parent}.{meant}").trim_start_matches('.').to_owned()];
    }
    let tenant = parent.split_once(']').map_or("", |(tenant, _)| tenant);
    // Keys are needed only where none are fetched.
    let keys = matches!(name, "discovery" | "jwks_uri").then(|| format!("{tenant}].keys"));
    let homes = schema::homes(name).into_iter();
    homes
        .map(|home| match home.strip_prefix("tenants[]") {
            Some(rest) if !tenant.is_empty() => format!("{tenant}]{rest}"),
            _ => home,
        })
        .flat_map(|home| [format!("{home}.{name}").trim_start_matches('.').to_owned(), home])
        .chain(keys)
        .collect()
}

/// Where a variable has to be named.
fn variable(message: &str, gate: &Gate<'_>, vm: &VmEnvironment<'_>) -> String {
    let name = message.split('"').nth(1).unwrap_or_default();
    let list = match gate.form {
        Form::Tenants => {
            return format!(
                "set it where Envoy runs, and hand it to the VM (`host_env_keys`); for this check give it with \
                 `--env {name}=…` or `--env-file`, or check without secrets: `--assume-env`"
            );
        }
        Form::Envoy => "`vm_config.environment_variables.host_env_keys`",
        Form::Istio => "`vmConfig.env` with `valueFrom: HOST`",
        Form::EnvoyGateway => "`env.hostKeys`",
    };
    if vm.not_handed().iter().any(|missing| missing == name) {
        return format!("add {name} to {list}; without that the VM does not have it");
    }
    format!(
        "set it where Envoy runs; for this check give it with `--env {name}=…` or `--env-file`, or check without secrets: `--assume-env`"
    )
}

/// A key that is something else.
fn key(node: &Node) -> Option<String> {
    let pem = node.get("pem").unwrap_or(node);
    let Content::Scalar(scalar) = &pem.content else { return None };
    let text = scalar.text.trim();
    if text.starts_with("https://") || text.starts_with("http://") {
        return Some("a URL of keys belongs into `provider.jwks_uri`".to_owned());
    }
    let folded = scalar.style == Style::Folded || (text.starts_with("-----BEGIN") && !text.contains('\n'));
    folded.then(|| "keep the lines of a PEM: write `pem: |` and indent the lines below it".to_owned())
}

//! What to write instead, where the file shows more than the filter sees.

mod fields;
mod paths;
mod synonyms;
mod types;
mod values;

use tenantgate::config::Code;

use super::diagnostic::Diagnostic;
use super::gate::{Form, Gate};
use super::schema;
use super::syntax;
use super::variables::VmEnvironment;
use super::yaml::{Content, Node, Style};

pub(crate) use fields::{consequences, is_repeated};

/// What the file says around a mistake.
pub(crate) struct Surroundings<'a> {
    pub(crate) configuration: &'a Node,
    pub(crate) gate: &'a Gate<'a>,
    pub(crate) vm: &'a VmEnvironment<'a>,
    pub(crate) text: &'a str,
}

/// Adds what the value at `place` tells.
pub(crate) fn improve(found: Diagnostic, place: &str, around: &Surroundings<'_>) -> Diagnostic {
    let value = around.configuration.at(place);
    if found.code == Code::SYNTAX {
        return syntax::explain_json(found);
    }
    let help = match found.code {
        Code::TYPE => value.and_then(|node| types::help(node, place, around)),
        Code::TIME => value.and_then(Node::text).and_then(|text| types::seconds(text, place)),
        Code::UNKNOWN_FIELD => fields::help(&found, place, around.configuration),
        Code::MISSING if place.ends_with(".provider.authorization_endpoint") => Some(DISCOVER.to_owned()),
        Code::MISSING if found.help.is_none() => described(place),
        Code::VARIABLE => Some(variable(&found.message, around)),
        Code::KEYS => value.and_then(key).or_else(|| values::help(&found, place, around.configuration)),
        _ => values::help(&found, place, around.configuration),
    };
    match help {
        Some(help) => found.help(help),
        None => found,
    }
}

/// A field that is missing.
fn described(place: &str) -> Option<String> {
    let name = field_of(place);
    let description = schema::at(place).and_then(|schema| schema.get("description")?.as_str());
    Some(description.map_or_else(|| format!("write `{name}: ...`"), |text| format!("`{name}`: {text}")))
}

/// The name of the field at a place, or of the list that has the element there.
fn field_of(place: &str) -> &str {
    let list = place.split_once('[').map_or(place, |_| {
        let end = place.rfind(']').filter(|end| end.saturating_add(1) == place.len());
        end.and_then(|_| place.rsplit_once('[')).map_or(place, |(list, _)| list)
    });
    list.rsplit(['.', ']']).next().unwrap_or_default()
}

/// Where a variable has to be named.
fn variable(message: &str, around: &Surroundings<'_>) -> String {
    let name = message.split('"').nth(1).unwrap_or_default();
    let bare = name.trim().trim_start_matches(['$', '{']).trim_end_matches('}');
    if bare != name {
        return format!("write the name of the variable alone: `{{env: {bare}}}`");
    }
    let list = match around.gate.form {
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
    if around.vm.not_handed().iter().any(|missing| missing == name) {
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
    if is_url(text) {
        return Some(KEY_URL.to_owned());
    }
    let folded = scalar.style == Style::Folded || (text.starts_with("-----BEGIN") && !text.contains('\n'));
    if folded {
        return Some("keep the lines of a PEM: write `pem: |` and indent the lines below it".to_owned());
    }
    let is_file = text.starts_with('/') || text.starts_with("./") || text.ends_with(".pem");
    is_file.then(|| "no files are read; write the PEM itself: `pem: |` and its lines, indented".to_owned())
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

const DISCOVER: &str = "set `discovery: true`, or give `authorization_endpoint`, `token_endpoint` and keys";
const KEY_URL: &str = "a URL of keys belongs into `provider.jwks_uri`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_of_an_element_is_its_list() {
        for (place, field) in [
            ("tenants[0].access[1].allow.roles[0]", "roles"),
            ("tenants[0].access[1].allow", "allow"),
            ("tenants[0].name", "name"),
            ("session.lifetime", "lifetime"),
            ("tenants[0]", "tenants"),
            ("tenants", "tenants"),
        ] {
            assert_eq!(field_of(place), field);
        }
    }
}

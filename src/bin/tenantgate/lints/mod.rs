//! What the filter accepts, and what is probably not meant.

mod audiences;
mod claims;
mod client;
mod cluster;
mod emails;
mod endpoints;
mod frontchannel;
mod group_forms;
mod headers;
mod hosts;
mod insecure;
mod issuer;
mod methods;
mod names;
mod needed_scopes;
mod no_effect;
mod origins;
mod own_gate;
mod pages;
mod paths;
mod public_suffix;
mod reach;
mod request;
mod rest;
mod roles;
mod rules;
mod scopes;
mod secrets;
mod secrets_in_file;
mod session_keys;
mod shared;
mod sign_out;
mod site;
mod user_forms;
mod yaml;

use tenantgate::config::{Code, Loaded};

use super::codes;
use super::diagnostic::Diagnostic;
use super::gate::{Configuration, Gate};
use super::variables::VmEnvironment;
use site::Site;

pub(crate) use yaml::yaml;

/// A finding with the path of its value from the top of the configuration.
pub(crate) type Found = (String, Diagnostic);

/// What the lints look at.
struct Scene<'a> {
    configuration: &'a Configuration,
    gate: &'a Gate<'a>,
    vm: &'a VmEnvironment<'a>,
    /// The text of the file.
    text: &'a str,
    tenants: Vec<Site<'a>>,
}

/// The findings about a configuration. `loaded` is what the filter made of it, if it takes it.
pub(crate) fn configuration(
    configuration: &Configuration,
    loaded: Option<&Loaded>,
    gate: &Gate<'_>,
    vm: &VmEnvironment<'_>,
    text: &str,
) -> Vec<Found> {
    let tenants = site::sites(&configuration.node, loaded);
    let scene = Scene { configuration, gate, vm, text, tenants };
    let mut found = Vec::new();
    found.extend(session_keys::lint(&scene));
    found.extend(secrets_in_file::lint(&scene));
    for site in &scene.tenants {
        found.extend(written(site, &scene));
        if let Some(tenant) = site.model {
            found.extend(public_suffix::lint(site, tenant));
            found.extend(rules::lint(site, tenant));
            found.extend(scopes::lint(site, tenant));
            found.extend(needed_scopes::lint(site, tenant));
            found.extend(frontchannel::lint(site, tenant));
            found.extend(reach::lint(site, tenant));
        }
    }
    found.extend(audiences::between(&scene.tenants));
    found.extend(own_gate::lint(&scene.tenants));
    found.extend(shared::lint(&scene));
    without_consequences(found)
}

/// The findings without those that another one explains: one about the same value, or about a list
/// with an element that has one.
fn without_consequences(found: Vec<Found>) -> Vec<Found> {
    let places: Vec<(String, Code)> = found.iter().map(|(place, found)| (place.clone(), found.code)).collect();
    let is_explained = |place: &str, code: Code| {
        places.iter().any(|(cause, other)| {
            let rest = cause.strip_prefix(place);
            CONSEQUENCES.contains(&(*other, code)) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        })
    };
    found.into_iter().filter(|(place, found)| !is_explained(place, found.code)).collect()
}

/// Pairs of codes, of which the first explains the second.
const CONSEQUENCES: [(Code, Code); 6] = [
    (codes::ENDPOINT_ELSEWHERE, codes::HOST_LOCAL),
    (codes::RULE_PATH, codes::RULE_BELOW),
    (codes::RULE_METHOD, codes::RULE_METHODS),
    (codes::REQUEST, codes::SCOPE_MISSING),
    (codes::REQUEST, codes::SCOPES),
    (codes::SESSION_KEY, codes::SECRET_IN_FILE),
];

/// The findings about a tenant as it is written, whether or not the filter takes it.
fn written(site: &Site<'_>, scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    found.extend(secrets::lint(site, scene));
    found.extend(client::lint(site));
    found.extend(hosts::lint(site));
    found.extend(issuer::lint(site));
    found.extend(endpoints::lint(site, &scene.tenants));
    found.extend(cluster::lint(site, scene.gate.form));
    found.extend(insecure::lint(site));
    found.extend(claims::lint(site));
    found.extend(names::lint(site));
    found.extend(user_forms::lint(site));
    found.extend(group_forms::lint(site));
    found.extend(emails::lint(site));
    found.extend(roles::lint(site, scene));
    found.extend(paths::lint(site));
    found.extend(methods::lint(site));
    found.extend(rest::lint(site));
    found.extend(headers::lint(site));
    found.extend(audiences::lint(site));
    found.extend(request::lint(site));
    found.extend(pages::lint(site));
    found.extend(origins::lint(site, &scene.tenants));
    found.extend(sign_out::lint(site, &scene.tenants));
    found.extend(no_effect::lint(site, scene));
    found
}

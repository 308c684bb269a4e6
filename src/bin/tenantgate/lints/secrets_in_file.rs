//! Secrets that stand in the file.

use super::{Found, Scene};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::gate::Form;
use crate::yaml::Node;

pub(super) fn lint(scene: &Scene<'_>) -> Vec<Found> {
    let configuration = &scene.configuration.node;
    let elements = |path: &str| configuration.at(path).map_or(0, |node| node.elements().len());
    let mut fields = Vec::new();
    let session_keys = (0..elements("session.keys")).map(|index| format!("session.keys[{index}]"));
    fields.extend(session_keys.map(|path| (format!("{path}.key"), path, "a session key", "`env: NAME`")));
    for index in 0..elements("assertion.keys") {
        let path = format!("assertion.keys[{index}]");
        fields.extend(["pem", "jwk"].map(|name| {
            let field = format!("{path}.{name}");
            (field.clone(), field, "a private key", "`{env: NAME}`")
        }));
    }
    let top = fields.into_iter().filter_map(|(value, variable, what, instead)| {
        let (path, message) = in_file(scene, configuration, &value, &variable, what, instead)?;
        Some((path.clone(), Diagnostic::split(codes::SECRET_IN_FILE, &message).into_warning().at_path(path)))
    });
    let of_tenants = scene.tenants.iter().flat_map(|site| {
        let fields = [
            ("client_secret", "the client secret"),
            ("client_key.pem", "a private key"),
            ("client_key.jwk", "a private key"),
        ];
        fields.into_iter().filter_map(move |(path, what)| {
            // What is no secret has a finding of its own.
            if path == "client_secret" && super::secrets::lint(site, scene).is_some() {
                return None;
            }
            let (path, message) = in_file(scene, site.node, path, path, what, "`{env: NAME}`")?;
            Some(site.warning(codes::SECRET_IN_FILE, &path, &message))
        })
    });
    top.chain(of_tenants).collect()
}

/// The path of a secret in the file, and what is to be said about it: the value itself, or a
/// variable whose value the file has.
fn in_file(
    scene: &Scene<'_>,
    section: &Node,
    value: &str,
    variable: &str,
    what: &str,
    instead: &str,
) -> Option<(String, String)> {
    if section.at(value).and_then(Node::string).is_some() {
        let message = format!("{what} stands in the file, where all who read the file have it; write {instead}");
        return Some((value.to_owned(), message));
    }
    let path = format!("{variable}.env");
    let name = section.at(&path).and_then(Node::text)?;
    scene.vm.fixed(name)?;
    let instead = match scene.gate.form {
        Form::Istio => "`valueFrom: HOST`",
        Form::Envoy | Form::EnvoyGateway | Form::Tenants => "`host_env_keys`",
    };
    let message = format!("the value of {name} stands in the file; hand it over from the process with {instead}");
    Some((path, message))
}

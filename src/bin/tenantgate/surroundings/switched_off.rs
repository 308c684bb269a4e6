//! Requests that pass without the filter.

use super::cluster::Platform;
use super::filter_chain::{holder, managers};
use super::spot::Spot;
use super::{Finding, Surrounded, patch_policy};
use crate::codes;
use crate::gate::Form;

pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    match gate.platform {
        Some(Platform::Envoy) => in_envoy(gate),
        Some(Platform::EnvoyGateway) if gate.gate.form == Form::EnvoyGateway => in_envoy_gateway(gate),
        _ => Vec::new(),
    }
}

/// Envoy Gateway disables the filter, and enables it again for the routes of the policy. A policy
/// that is nearer to a route takes its place there, and an older one of the Gateway everywhere.
fn in_envoy_gateway(gate: &Surrounded<'_>) -> Vec<Finding> {
    let Some(own) = patch_policy::gateway(gate) else { return Vec::new() };
    let mut found = Vec::new();
    if !patch_policy::sets(gate, "disabled", "false") {
        let message = "is for a Gateway, so an EnvoyExtensionPolicy for a route takes Tenantgate out of that route, \
                       where requests pass unchecked";
        let warning = gate.document.warning(codes::SWITCHED_OFF, &gate.document.manifest(), "spec.targetRefs", message);
        found.push(warning.help(patch_policy::manifest(gate)));
    }
    let policies = gate.landscape.manifests("EnvoyExtensionPolicy", gate.document.file).into_iter();
    let is_other = |policy: &Spot<'_>| !std::ptr::eq(policy.node, gate.document.node);
    let namespace = |policy: Spot<'_>| policy.text_of(&["metadata", "namespace"]).unwrap_or("default").to_owned();
    let same = policies
        .filter(is_other)
        .filter(|policy| namespace(*policy) == namespace(gate.document))
        .filter(|policy| patch_policy::targets(*policy).any(|target| target == Some(own)));
    found.extend(same.map(|policy| {
        let message = "is for the Gateway of Tenantgate, too, and only the older of the two policies counts, so \
                       requests may pass unchecked";
        let warning = policy.warning(codes::SWITCHED_OFF, &policy.manifest(), "spec.targetRefs", message);
        warning.help("write what it has into the policy of Tenantgate, and remove it")
    }));
    found
}

fn in_envoy(gate: &Surrounded<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for manager in managers(gate) {
        for (field, message) in [
            ("disabled", "is true, so requests pass unchecked, unless a route enables the filter"),
            ("is_optional", "is true, so an Envoy without Wasm forwards requests unchecked"),
        ] {
            if manager.gate.node.flag(field) == Some(true) {
                let warning = manager.gate.warning(codes::SWITCHED_OFF, SUBJECT, field, message);
                found.push(warning.help(format!("remove `{field}`")));
            }
        }
    }
    let Some(name) = holder(gate).and_then(|holder| holder.text_of(&["name"])) else { return found };
    let [_, documents, _] = gate.landscape.scopes(gate.document);
    for document in documents {
        document.walk(&mut |spot| {
            let route =
                spot.field("typed_per_filter_config").and_then(|filters| Some(filters.at(filters.node.get(name)?)));
            if let Some(route) = route.filter(|route| route.node.flag("disabled") == Some(true)) {
                let message = "is true, so requests of this route pass unchecked, with whatever identity headers the \
                               client sent";
                let warning = route.warning(codes::SWITCHED_OFF, "typed_per_filter_config", "disabled", message);
                found.push(warning.help("remove it; a rule `{paths: [...], allow: public}` opens paths to everybody"));
            }
            spot.node.get("tenants").is_none()
        });
    }
    found
}

const SUBJECT: &str = "filter of Tenantgate";

//! Where Istio puts the filter.

use super::cluster::Platform;
use super::filter_chain::mentions;
use super::spot::Spot;
use super::tenants::identity_headers;
use super::{Finding, Surrounded};
use crate::codes;
use crate::gate::Form;

pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    if gate.platform != Some(Platform::Istio) {
        return Vec::new();
    }
    let own = if gate.gate.form == Form::Istio { phase(gate.document) } else { operation(gate) };
    own.into_iter().chain(custom(gate)).collect()
}

/// The phase of a WasmPlugin or TrafficExtension.
fn phase(document: Spot<'_>) -> Option<Finding> {
    let phase = document.text_of(&["spec", "phase"]);
    if phase == Some("AUTHN") {
        return None;
    }
    let is = phase.map_or_else(|| "is missing".to_owned(), |phase| format!("is {phase}"));
    let message = format!("{is}, so AuthorizationPolicies decide before Tenantgate, by headers that the client wrote");
    let found = document.warning(codes::FILTER_ORDER, "", "spec.phase", message);
    Some(found.help("write `phase: AUTHN` in `spec`"))
}

/// The place of the filter of an EnvoyFilter.
fn operation(gate: &Surrounded<'_>) -> Option<Finding> {
    let patches = gate.document.list(&["spec", "configPatches"]);
    let own = patches.filter_map(|patch| Some((patch, patch.find(&["patch", "value", "typed_config", "config"])?)));
    let (patch, _) = own.into_iter().find(|(_, plugin)| std::ptr::eq(plugin.node, gate.gate.plugin))?;
    let operation = patch.text_of(&["patch", "operation"]).unwrap_or_default();
    let next = ["match", "listener", "filterChain", "filter", "subFilter", "name"];
    let is_late = match (operation, patch.text_of(&next)) {
        ("ADD" | "INSERT_AFTER", _) => true,
        ("INSERT_BEFORE", Some(next)) => next.ends_with(".router") || next.ends_with(".rbac"),
        _ => false,
    };
    let message =
        format!("is {operation}, so AuthorizationPolicies decide before Tenantgate, by headers that the client wrote");
    let found = || patch.warning(codes::FILTER_ORDER, "", "patch.operation", message);
    is_late.then(|| found().help("write `operation: INSERT_FIRST`"))
}

/// Policies of external authorizers, which always come before the filter.
fn custom(gate: &Surrounded<'_>) -> Vec<Finding> {
    let headers = identity_headers(gate.configuration.node);
    let policies = gate.landscape.manifests("AuthorizationPolicy", gate.document.file).into_iter();
    let is_custom = |policy: &Spot<'_>| policy.text_of(&["spec", "action"]) == Some("CUSTOM");
    let trusting = policies.filter(is_custom).filter(|policy| mentions(*policy, &headers));
    let found = trusting.map(|policy| {
        let message = "is CUSTOM and about identity headers, which Tenantgate writes only afterwards";
        let found = policy.warning(codes::FILTER_ORDER, &policy.manifest(), "spec.action", message);
        found.help("write `action: ALLOW` or `action: DENY`; only these come behind Tenantgate")
    });
    found.collect()
}

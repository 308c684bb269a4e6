//! What an EnvoyPatchPolicy of Envoy Gateway sets in the filter, which no EnvoyExtensionPolicy can.

use super::Surrounded;
use super::spot::Spot;

/// Whether a policy gives the option of the gate this value.
pub(super) fn sets(gate: &Surrounded<'_>, option: &str, value: &str) -> bool {
    let (filter, own) = (filter_name(gate), gateway(gate));
    let policies = gate.landscape.manifests("EnvoyPatchPolicy", gate.document.file).into_iter();
    let of_gateway = policies.filter(|policy| own.is_none() || targets(*policy).all(|target| target == own));
    let mut operations = of_gateway
        .flat_map(|policy| policy.list(&["spec", "jsonPatches"]).collect::<Vec<_>>())
        .filter_map(|patch| patch.field("operation"));
    operations.any(|operation| {
        let text = |name: &str| operation.text_of(&[name]).unwrap_or_default();
        let is_value =
            operation.field("value").map(Spot::scalar) == Some(value) && matches!(text("op"), "add" | "replace");
        let is_option = text("path").ends_with(option) || text("jsonPath").ends_with(option);
        // A path of indexes may lead to any filter.
        is_value && is_option && (text("jsonPath").is_empty() || text("jsonPath").contains(&filter))
    })
}

/// The policy with every option that the gate needs, for the help of a finding.
pub(super) fn manifest(gate: &Surrounded<'_>) -> String {
    let namespace = gate.document.text_of(&["metadata", "namespace"]).unwrap_or("default");
    let (filter, gateway) = (filter_name(gate), gateway(gate).unwrap_or("<gateway>"));
    let patch = |(place, option, value): &(&str, &str, &str)| {
        format!(
            "\x20   - type: type.googleapis.com/envoy.config.listener.v3.Listener\n\
             \x20     name: {namespace}/{gateway}/http\n\
             \x20     operation:\n\
             \x20       op: add\n\
             \x20       jsonPath: $..http_filters[?(@.name=='{filter}')]{place}\n\
             \x20       path: {option}\n\
             \x20       value: {value}\n"
        )
    };
    format!(
        "add an EnvoyPatchPolicy, with the name of your listener for `http`, and enable them in Envoy Gateway:\n\
         apiVersion: gateway.envoyproxy.io/v1alpha1\n\
         kind: EnvoyPatchPolicy\n\
         metadata: {{name: tenantgate, namespace: {namespace}}}\n\
         spec:\n\
         \x20 targetRef: {{group: gateway.networking.k8s.io, kind: Gateway, name: {gateway}}}\n\
         \x20 type: JSONPatch\n\
         \x20 jsonPatches:\n{}",
        PATCHES.iter().map(patch).collect::<String>()
    )
}

/// The name that Envoy Gateway gives to the filter.
fn filter_name(gate: &Surrounded<'_>) -> String {
    let part = |name: &str| gate.document.text_of(&["metadata", name]).unwrap_or("default");
    let plugins = gate.document.list(&["spec", "wasm"]);
    let number = plugins.take_while(|plugin| !std::ptr::eq(plugin.node, gate.gate.plugin)).count();
    format!("envoy.filters.http.wasm//{}/{}/wasm/{number}", part("namespace"), part("name"))
}

/// The Gateway that the gate is for, if it is not for a route.
pub(super) fn gateway<'d>(gate: &Surrounded<'d>) -> Option<&'d str> {
    targets(gate.document).next().flatten()
}

/// The names of the Gateways in `targetRefs` or `targetRef`, and `None` for other targets.
pub(super) fn targets(policy: Spot<'_>) -> impl Iterator<Item = Option<&str>> {
    let one = policy.find(&["spec", "targetRef"]);
    policy.list(&["spec", "targetRefs"]).chain(one).map(|target| {
        let is_gateway = target.text_of(&["kind"]) == Some("Gateway");
        target.text_of(&["name"]).filter(|_| is_gateway)
    })
}

/// Where in the filter, which field, and its value.
const PATCHES: [(&str, &str, &str); 3] = [
    ("", "disabled", "false"),
    (".typed_config.config", "failure_policy", "FAIL_RELOAD"),
    (".typed_config.config", "allow_on_headers_stop_iteration", "true"),
];

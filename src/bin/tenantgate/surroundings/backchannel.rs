//! Whether the filter gets the body of a back-channel logout.

use super::spot::Spot;
use super::{Finding, Surrounded};
use crate::codes;
use crate::gate::Form;

pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    let Some(tenant) = gate.tenants.iter().find(|tenant| tenant.has_backchannel_logout) else { return Vec::new() };
    let warning = |message: &str| tenant.warning(codes::NO_BODY, "login.backchannel_logout_path", message);
    match gate.gate.form {
        Form::Tenants => Vec::new(),
        Form::Envoy if gate.plugin.node.flag(OPTION) == Some(true) => Vec::new(),
        Form::Envoy => {
            let message = "is not true, so Envoy hands over no body, and back-channel logouts end no session";
            let help = format!("write `{OPTION}: true` beside `vm_config`");
            vec![gate.plugin.warning(codes::NO_BODY, "", OPTION, message).help(help)]
        }
        Form::Istio => {
            let message = "a WasmPlugin or TrafficExtension hands over no body, so back-channel logouts end no session";
            vec![warning(message).help(envoy_filter(gate))]
        }
        Form::EnvoyGateway => {
            let filter = filter_name(gate);
            if patches(gate).any(|patch| sets_option(patch, &filter)) {
                return Vec::new();
            }
            let message = "an EnvoyExtensionPolicy hands over no body, so back-channel logouts end no session";
            vec![warning(message).help(patch(gate, &filter))]
        }
    }
}

/// The EnvoyFilter that takes the place of a WasmPlugin, with the parts that its owner fills in.
fn envoy_filter(gate: &Surrounded<'_>) -> String {
    let namespace = gate.document.text_of(&["metadata", "namespace"]).unwrap_or("istio-ingress");
    format!(
        "put the filter into an EnvoyFilter instead, with its `configuration` from `pluginConfig`:\n\
         apiVersion: networking.istio.io/v1alpha3\n\
         kind: EnvoyFilter\n\
         metadata: {{name: tenantgate, namespace: {namespace}}}\n\
         spec:\n\
         \x20 configPatches:\n\
         \x20   - applyTo: HTTP_FILTER\n\
         \x20     match: {{context: GATEWAY, listener: {{filterChain: {{filter: {{name: \
         envoy.filters.network.http_connection_manager}}}}}}}}\n\
         \x20     patch:\n\
         \x20       operation: INSERT_FIRST\n\
         \x20       value:\n\
         \x20         name: tenantgate\n\
         \x20         typed_config:\n\
         \x20           \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n\
         \x20           config:\n\
         \x20             failure_policy: FAIL_RELOAD\n\
         \x20             {OPTION}: true\n"
    )
}

/// The name that Envoy Gateway gives to the filter.
fn filter_name(gate: &Surrounded<'_>) -> String {
    let part = |name: &str| gate.document.text_of(&["metadata", name]).unwrap_or("default");
    let plugins = gate.document.list(&["spec", "wasm"]);
    let number = plugins.take_while(|plugin| !std::ptr::eq(plugin.node, gate.gate.plugin)).count();
    format!("envoy.filters.http.wasm//{}/{}/wasm/{number}", part("namespace"), part("name"))
}

/// The operations of all EnvoyPatchPolicies.
fn patches<'d>(gate: &Surrounded<'d>) -> impl Iterator<Item = Spot<'d>> {
    let policies = gate.landscape.manifests("EnvoyPatchPolicy", gate.document.file).into_iter();
    let patches = policies.flat_map(|policy| policy.list(&["spec", "jsonPatches"]).collect::<Vec<_>>());
    patches.filter_map(|patch| patch.field("operation"))
}

fn sets_option(operation: Spot<'_>, filter: &str) -> bool {
    let text = |name: &str| operation.text_of(&[name]).unwrap_or_default();
    let is_value = operation.node.flag("value") == Some(true) && matches!(text("op"), "add" | "replace");
    let is_option = text("path").ends_with(OPTION) || text("jsonPath").ends_with(OPTION);
    // A path of indexes may lead to any filter.
    is_value && is_option && (text("jsonPath").is_empty() || text("jsonPath").contains(filter))
}

/// The patch for Envoy Gateway.
fn patch(gate: &Surrounded<'_>, filter: &str) -> String {
    let namespace = gate.document.text_of(&["metadata", "namespace"]).unwrap_or("default");
    let target =
        gate.document.list(&["spec", "targetRefs"]).next().or_else(|| gate.document.find(&["spec", "targetRef"]));
    let is_gateway = target.filter(|target| target.text_of(&["kind"]) == Some("Gateway"));
    let gateway = is_gateway.and_then(|target| target.text_of(&["name"])).unwrap_or("<gateway>");
    format!(
        "add an EnvoyPatchPolicy, with the name of your listener for `http`, and enable them in Envoy Gateway:\n\
         apiVersion: gateway.envoyproxy.io/v1alpha1\n\
         kind: EnvoyPatchPolicy\n\
         metadata: {{name: tenantgate, namespace: {namespace}}}\n\
         spec:\n\
         \x20 targetRef: {{group: gateway.networking.k8s.io, kind: Gateway, name: {gateway}}}\n\
         \x20 type: JSONPatch\n\
         \x20 jsonPatches:\n\
         \x20   - type: type.googleapis.com/envoy.config.listener.v3.Listener\n\
         \x20     name: {namespace}/{gateway}/http\n\
         \x20     operation:\n\
         \x20       op: add\n\
         \x20       jsonPath: $..http_filters[?(@.name=='{filter}')].typed_config.config\n\
         \x20       path: {OPTION}\n\
         \x20       value: true\n"
    )
}

const OPTION: &str = "allow_on_headers_stop_iteration";

//! Whether the filter gets the body of a back-channel logout.

use super::{Finding, Surrounded, patch_policy};
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
        Form::EnvoyGateway if patch_policy::sets(gate, OPTION, "true") => Vec::new(),
        Form::EnvoyGateway => {
            let message = "an EnvoyExtensionPolicy hands over no body, so back-channel logouts end no session";
            vec![warning(message).help(patch_policy::manifest(gate))]
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

const OPTION: &str = "allow_on_headers_stop_iteration";

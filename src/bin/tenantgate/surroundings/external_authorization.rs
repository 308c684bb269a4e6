//! External authorization in Envoy Gateway, which comes before the filter.

use super::cluster::Platform;
use super::spot::Spot;
use super::{Finding, Surrounded};
use crate::codes;

pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    if gate.platform != Some(Platform::EnvoyGateway) || is_reordered(gate) {
        return Vec::new();
    }
    let policies = gate.landscape.manifests("SecurityPolicy", gate.document.file).into_iter();
    let found = policies.filter(|policy| policy.find(&["spec", "extAuth"]).is_some()).map(|policy| {
        let message = "comes before Tenantgate, and its service sees the identity headers that the client wrote";
        policy.warning(codes::FILTER_ORDER, &policy.manifest(), "spec.extAuth", message).help(HELP)
    });
    found.collect()
}

/// Whether an EnvoyProxy puts the filter first.
fn is_reordered(gate: &Surrounded<'_>) -> bool {
    let proxies = gate.landscape.manifests("EnvoyProxy", gate.document.file);
    let is_first = |rule: Spot<'_>| {
        rule.text_of(&["name"]) == Some("envoy.filters.http.wasm")
            && rule.text_of(&["before"]) == Some("envoy.filters.http.ext_authz")
    };
    proxies.iter().any(|proxy| proxy.list(&["spec", "filterOrder"]).any(is_first))
}

const HELP: &str = "write in the `spec` of the Gateway's EnvoyProxy:\nfilterOrder:\n  - {name: envoy.filters.http.wasm, \
                    before: envoy.filters.http.ext_authz}\n";

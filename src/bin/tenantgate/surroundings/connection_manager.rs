//! What Envoy makes of a request before the filters see it.

use super::filter_chain::managers;
use super::{Finding, Surrounded};
use crate::codes;

pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for manager in managers(gate) {
        let message = manager.place;
        let is_on = |name: &str| message.node.flag(name) == Some(true);
        let missing: Vec<&str> = [("normalize_path", "normalize_path: true"), ("merge_slashes", "merge_slashes: true")]
            .into_iter()
            .filter(|(name, _)| !is_on(name))
            .map(|(_, write)| write)
            .chain((!message.has(ESCAPED)).then_some("path_with_escaped_slashes_action: REJECT_REQUEST"))
            .collect();
        if !missing.is_empty() && gate.tenants.iter().any(|tenant| tenant.has_paths) {
            let path = missing.first().and_then(|write| write.split(':').next()).unwrap_or_default();
            let text = "paths are not normalized, so the routes and the upstream may read another path than the access \
                        rules";
            let warning = message.warning(codes::PATHS, SUBJECT, path, text).without_path();
            found.push(warning.help(format!("write in the connection manager:\n{}\n", missing.join("\n"))));
        }
        let is_detected = is_on("use_remote_address") || message.has("original_ip_detection_extensions");
        if !is_detected && gate.tenants.iter().any(|tenant| tenant.has_client_ips) {
            let text =
                "is not true, so Envoy believes the x-forwarded-for header of a client, and with it `client_ips`";
            let help =
                "write `use_remote_address: true`, and behind other proxies `xff_num_trusted_hops` with their number";
            found.push(message.warning(codes::CLIENT_ADDRESS, SUBJECT, "use_remote_address", text).help(help));
        }
    }
    found
}

const ESCAPED: &str = "path_with_escaped_slashes_action";
const SUBJECT: &str = "HttpConnectionManager";

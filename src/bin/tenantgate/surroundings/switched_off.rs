//! Requests that pass without the filter.

use super::cluster::Platform;
use super::filter_chain::{holder, managers};
use super::{Finding, Surrounded};
use crate::codes;

pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    if gate.platform != Some(Platform::Envoy) {
        return Vec::new();
    }
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

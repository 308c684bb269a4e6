//! The id by which plugins share data.

use super::spot::Spot;
use super::{Finding, Surrounded};
use crate::codes;
use crate::gate::Form;

/// Istio and Envoy Gateway have no field for it in their own manifests.
pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    if gate.gate.form != Form::Envoy {
        return Vec::new();
    }
    match id(gate.plugin) {
        None => {
            let message = "is missing, so every other plugin without one shares the data of Tenantgate";
            let help = "write `vm_id: tenantgate` in `vm_config`, and give this id to no other plugin";
            vec![gate.plugin.warning(codes::VM_ID, "", ID, message).help(help)]
        }
        Some(own) => others(gate, own),
    }
}

/// Other plugins of the document with the id of the gate.
fn others(gate: &Surrounded<'_>, own: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    gate.document.walk(&mut |spot| {
        let plugin = spot.field("config").filter(|_| spot.is_type(".wasm.v3.Wasm"));
        if let Some(plugin) = plugin.filter(|plugin| id(*plugin) == Some(own) && !is_gate(*plugin)) {
            let name = format!("plugin \"{}\"", plugin.text_of(&["name"]).unwrap_or_default());
            let message = "is that of Tenantgate, too, so this plugin can read and write its data";
            let help = "give each plugin an id of its own";
            found.push(plugin.warning(codes::VM_ID, &name, ID, message).help(help));
        }
        spot.node.get("tenants").is_none()
    });
    found
}

fn id(plugin: Spot<'_>) -> Option<&str> {
    plugin.text_of(&["vm_config", "vm_id"]).filter(|id| !id.is_empty())
}

/// Whether the plugin has a configuration with tenants, as a `Struct` or as JSON text.
fn is_gate(plugin: Spot<'_>) -> bool {
    let value = plugin.find(&["configuration", "value"]);
    value.is_some_and(|value| value.has("tenants") || value.scalar().contains("\"tenants\""))
}

const ID: &str = "vm_config.vm_id";

//! The id by which plugins share data.

use super::{Finding, Surrounded};
use crate::codes;
use crate::gate::Form;

/// Istio and Envoy Gateway have no field for it in their own manifests.
pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    let id = gate.plugin.text_of(&["vm_config", "vm_id"]).unwrap_or_default();
    if gate.gate.form != Form::Envoy || !id.is_empty() {
        return Vec::new();
    }
    let message = "is missing, so every other plugin without one shares the data of Tenantgate";
    let help = "write `vm_id: tenantgate` in `vm_config`, and give this id to no other plugin";
    vec![gate.plugin.warning(codes::NO_VM_ID, "", "vm_config.vm_id", message).help(help)]
}

//! The engine that runs the module.

use super::{Finding, Surrounded};
use crate::codes;
use crate::gate::Form;

/// Envoy refuses a plugin whose runtime it does not have. Istio and Envoy Gateway choose it.
pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    let name = gate.plugin.text_of(&["vm_config", "runtime"]);
    let Some(name) = name.filter(|name| gate.gate.form == Form::Envoy && !KNOWN.contains(name)) else {
        return Vec::new();
    };
    let message = format!("\"{name}\" is no runtime of Envoy, so Envoy refuses the configuration");
    let found = gate.plugin.error(codes::RUNTIME, "", "vm_config.runtime", message);
    vec![found.help("write `runtime: envoy.wasm.runtime.v8`, which every Envoy with Wasm has")]
}

/// Those of Envoy's documentation. An empty name takes the first that was built in.
const KNOWN: [&str; 6] = [
    "",
    "envoy.wasm.runtime.null",
    "envoy.wasm.runtime.v8",
    "envoy.wasm.runtime.wamr",
    "envoy.wasm.runtime.wasmtime",
    "envoy.wasm.runtime.wavm",
];

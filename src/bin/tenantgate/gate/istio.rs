//! The gate in the manifests of Istio and Envoy Gateway.

use std::collections::HashMap;

use super::{Configuration, Form, Gate, is_gate};
use crate::yaml::Node;

/// The gate of a WasmPlugin's `spec` or a TrafficExtension's `spec.wasm`.
pub(super) fn plugin(spec: &Node) -> Option<Gate<'_>> {
    let configuration = spec.get("pluginConfig");
    is_gate(configuration, &[spec.get("pluginName"), spec.get("url")]).then(|| {
        let variables = || spec.find(&["vmConfig", "env"]).into_iter().flat_map(Node::elements);
        let named = |node: &Node| node.get("name").and_then(Node::text).map(str::to_owned);
        let of_host = |node: &&Node| node.get("valueFrom").and_then(Node::text) == Some("HOST");
        let value = |node: &Node| node.get("value").and_then(Node::text).map(str::to_owned);
        Gate {
            configuration: configuration.map(|node| Configuration { node: node.clone(), json: None }),
            form: Form::Istio,
            plugin: spec,
            handed: Some(variables().filter(of_host).filter_map(named).collect()),
            fixed: variables().filter(|node| !of_host(node)).filter_map(|node| named(node).zip(value(node))).collect(),
        }
    })
}

/// The gate of an element of an EnvoyExtensionPolicy's `spec.wasm`.
pub(super) fn envoy_gateway(plugin: &Node) -> Option<Gate<'_>> {
    let configuration = plugin.get("config");
    is_gate(configuration, &[plugin.get("name"), plugin.get("rootID")]).then(|| {
        let keys = plugin.find(&["env", "hostKeys"]).into_iter().flat_map(Node::elements);
        Gate {
            configuration: configuration.map(|node| Configuration { node: node.clone(), json: None }),
            form: Form::EnvoyGateway,
            plugin,
            handed: Some(keys.filter_map(Node::text).map(str::to_owned).collect()),
            fixed: HashMap::new(),
        }
    })
}

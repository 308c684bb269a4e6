//! The gate in Envoy's own configuration.

use super::{Configuration, Form, Gate, is_gate, text};
use crate::yaml::Node;

/// The gates in a bootstrap, a resource of the xDS APIs, or any other document that holds the Wasm
/// filter.
pub(super) fn gates<'d>(document: &'d Node, source: &str) -> Vec<Gate<'d>> {
    let mut found = Vec::new();
    search(document, source, &mut found);
    found
}

fn search<'d>(node: &'d Node, source: &str, found: &mut Vec<Gate<'d>>) {
    let is_wasm = node.get("@type").and_then(Node::text).is_some_and(|name| name.ends_with(WASM));
    match node.get("config").filter(|_| is_wasm) {
        Some(plugin) => found.extend(gate(plugin, source)),
        None => node.children().for_each(|child| search(child, source, found)),
    }
}

/// The gate of a `PluginConfig`.
fn gate<'d>(plugin: &'d Node, source: &str) -> Option<Gate<'d>> {
    let any = plugin.get("configuration");
    let value = any.and_then(|any| any.get("value"));
    let is_text = any.and_then(|any| any.get("@type")).and_then(Node::text).is_some_and(|name| name.ends_with(TEXT));
    let configuration = value.and_then(|value| match is_text {
        true => text::json(value, source),
        false => Some(Configuration { node: value.clone(), json: None }),
    });
    let names = [plugin.get("name"), plugin.field("root_id")];
    // Another plugin may have the id by mistake.
    let id = plugin.find(&["vm_config", "vm_id"]).filter(|_| names.iter().all(Option::is_none));
    let names = [names.as_slice(), &[id]].concat();
    is_gate(configuration.as_ref().map(|found| &found.node), &names).then(|| {
        let variables = plugin.find(&["vm_config", "environment_variables"]);
        let keys = variables.and_then(|node| node.field("host_env_keys")).into_iter().flat_map(Node::elements);
        let fixed = variables.and_then(|node| node.field("key_values")).into_iter().flat_map(Node::members);
        let pair =
            |member: &crate::yaml::Member| Some((member.key.text()?.to_owned(), member.value.text()?.to_owned()));
        Gate {
            configuration,
            form: Form::Envoy,
            plugin,
            handed: Some(keys.filter_map(Node::text).map(str::to_owned).collect()),
            fixed: fixed.filter_map(pair).collect(),
        }
    })
}

const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";
const TEXT: &str = "google.protobuf.StringValue";

//! Finds the configuration of the gate in the files that people have.

mod envoy;
mod istio;
mod text;

use std::collections::HashMap;

use crate::yaml::Node;

/// A configuration of the gate with what is around it.
#[derive(Debug)]
pub(crate) struct Gate<'d> {
    /// The configuration, with places in the file. `None` if the plugin has none.
    pub(crate) configuration: Option<Configuration>,
    /// What it was found in.
    pub(crate) form: Form,
    /// The message or manifest of the plugin.
    pub(crate) plugin: &'d Node,
    /// The variables that Envoy hands to the VM by name. `None` if the file does not say.
    pub(crate) handed: Option<Vec<String>>,
    /// The variables with a value in the file.
    pub(crate) fixed: HashMap<String, String>,
}

/// The configuration of a gate.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// The value, with places in the file.
    pub(crate) node: Node,
    /// The text of a `StringValue`, which the filter reads as strict JSON.
    pub(crate) json: Option<Json>,
}

/// A JSON text in a file.
#[derive(Debug)]
pub(crate) struct Json {
    pub(crate) text: String,
    /// The bytes of the scalar that holds it.
    pub(crate) span: std::ops::Range<usize>,
    /// Where each line of the text begins in the file. Empty if the scalar has escapes or folds.
    pub(crate) lines: Vec<usize>,
}

/// The kind of file that holds a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The configuration alone.
    Tenants,
    /// A bootstrap, a resource of the xDS APIs, or an EnvoyFilter of Istio.
    Envoy,
    /// A WasmPlugin or a TrafficExtension of Istio.
    Istio,
    /// An EnvoyExtensionPolicy of Envoy Gateway.
    EnvoyGateway,
}

/// The gates in a document of the file with this text.
pub(crate) fn gates<'d>(document: &'d Node, text: &str) -> Vec<Gate<'d>> {
    let kind = document.get("kind").and_then(Node::text);
    match kind {
        Some("WasmPlugin") => document.get("spec").map(istio::plugin).into_iter().flatten().collect(),
        Some("TrafficExtension") => document.find(&["spec", "wasm"]).map(istio::plugin).into_iter().flatten().collect(),
        Some("EnvoyExtensionPolicy") => {
            let plugins = document.find(&["spec", "wasm"]).into_iter().flat_map(Node::elements);
            plugins.filter_map(istio::envoy_gateway).collect()
        }
        _ if document.get("tenants").is_some() || document.get("session").is_some() => vec![Gate {
            configuration: Some(Configuration { node: document.clone(), json: text::whole(document, text) }),
            form: Form::Tenants,
            plugin: document,
            handed: None,
            fixed: HashMap::new(),
        }],
        _ => envoy::gates(document, text),
    }
}

/// Whether a plugin with this configuration and these names is the gate.
fn is_gate(configuration: Option<&Node>, names: &[Option<&Node>]) -> bool {
    let configured = configuration.is_some_and(|node| node.get("tenants").is_some() || node.get("session").is_some());
    let named = names.iter().flatten().filter_map(|node| node.text()).any(|name| name.contains("tenantgate"));
    configured || named
}

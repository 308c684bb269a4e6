//! The files with tenants.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;
use tenantgate::config::Environment as _;
use tenantgate::tenant_documents::open_secrets;

use super::document::{self, Tenant};
use super::gate::Gate;
use crate::source::{Source, SourceError};
use crate::yaml::{Content, Node, documents};

/// A file with tenants.
pub(super) struct TenantFile {
    pub(super) source: Source,
    /// All of them, as a list with places in the file.
    pub(super) tenants: Node,
}

impl TenantFile {
    /// Reads a file, or standard input for `-`. It has a tenant, a list of tenants, or `tenants`
    /// with a list, whatever else it has. It may have several documents.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let source = Source::read(path).map_err(|error| match error {
            SourceError::Unreadable(problem) => problem,
            SourceError::Encoding(problem) => format!("{}: {problem}", path.display()),
        })?;
        let mut tenants = Vec::new();
        for document in documents(&source.text) {
            let document = document.map_err(|error| {
                let at = source.position(error.span.start);
                format!("{}:{}:{}: is not YAML: {}", source.name, at.line, at.column, error.message)
            })?;
            let list = document.get("tenants").unwrap_or(&document);
            match &list.content {
                Content::List(elements) => tenants.extend(elements.iter().cloned()),
                Content::Map(_) if is_tenant(list) => tenants.push(list.clone()),
                Content::Map(_) | Content::Scalar(_) => {
                    return Err(format!("{}: {NO_TENANT}", source.name));
                }
            }
        }
        if tenants.is_empty() {
            return Err(format!("{}: {NO_TENANT}", source.name));
        }
        let tenants = Node { span: 0..source.text.len(), content: Content::List(tenants), tag: None };
        Ok(Self { source, tenants })
    }

    /// The tenants with the values of their secrets.
    pub(super) fn resolved(&self, gate: &Gate) -> Result<Vec<Tenant>, String> {
        let mut resolved = Vec::new();
        for node in self.tenants.elements() {
            let Value::Object(mut tenant) = node.value() else {
                return Err(format!("{}: {NO_TENANT}", self.place(node)));
            };
            let name = document::name(&tenant).to_owned();
            open_secrets(&mut tenant, &name, gate.ring());
            for place in document::secrets(&tenant) {
                let problem = |problem: &str| {
                    let at = node.at(place).unwrap_or(node);
                    format!("{}: {}{place}: {problem}", self.place(at), label(&tenant))
                };
                let secret = document::secret(&tenant, place).unwrap_or(&Value::Null);
                if secret.get("sealed").is_some() {
                    return Err(problem(SEALED));
                }
                let Some(variable) = secret.get("env").and_then(Value::as_str) else { continue };
                // Gates have no variable for it, so it has to be known here.
                let vm = gate.variables.vm(None, HashMap::new(), node);
                let Some(value) = vm.var(variable).filter(|value| !value.is_empty()) else {
                    return Err(problem(&format!(
                        "environment variable {variable:?} is not set here; give it with `--env {variable}=…` or \
                         `--env-file`, so that the secret can be sealed for the gates"
                    )));
                };
                if let Some(secret) = document::secret_mut(&mut tenant, place) {
                    *secret = Value::String(value);
                }
            }
            resolved.push(tenant);
        }
        Ok(resolved)
    }

    /// Where a value is.
    pub(super) fn place(&self, node: &Node) -> String {
        let at = self.source.position(node.span.start);
        format!("{}:{}:{}", self.source.name, at.line, at.column)
    }
}

fn is_tenant(node: &Node) -> bool {
    ["name", "hosts", "issuer"].iter().any(|field| node.get(field).is_some())
}

fn label(tenant: &Tenant) -> String {
    let name = document::name(tenant);
    if name.is_empty() { String::new() } else { format!("tenant \"{name}\": ") }
}

const NO_TENANT: &str = "has no tenant; write one, a list of them, or `tenants: [...]`, as in docs/configuration.md";
const SEALED: &str = "is sealed for other gates or another tenant; write `{env: NAME}`, and give the variable here";

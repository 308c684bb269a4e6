//! A tenant in etcd, for commands that work on tenants of the file.

use serde_json::Value;
use tenantgate::config::{self, LoadContext, Loaded};
use tenantgate::jose::HostAlgorithms;

use super::gate::{Gate, Given, Needs};
use super::stored::Stored;
use crate::configuration::Configured;
use crate::etcd::Reach;

/// The configuration with the tenant of this name in etcd in the place of the tenants of the file.
/// `None` if the gates have no tenants in etcd, or not this one.
pub(crate) fn found(
    name: &str,
    configured: &Configured,
    reach: &Reach,
    given: Given<'_>,
) -> Result<Option<Loaded>, String> {
    if configured.node.get("tenants_from").is_none() {
        return Ok(None);
    }
    let (gate, mut etcd) = Gate::new(configured, reach, given, Needs::Etcd)?;
    let pair = etcd.keys([gate.keys().document_of(name).as_str()], 0)?.into_iter().flatten().next();
    let Some(pair) = pair else { return Ok(None) };
    let opened = Stored::new(name, pair, &gate).document;
    let opened = opened.map_err(|problem| format!("tenant {name:?} in etcd has no sessions: {problem}"))?;
    let Value::Object(mut configuration) = gate.node.value() else { return Ok(None) };
    configuration.remove("tenants_from");
    configuration.insert("tenants".to_owned(), Value::Array(vec![Value::Object(opened.tenant)]));
    let vm = gate.vm();
    let context = LoadContext { environment: &vm, host: HostAlgorithms::ASSUMED };
    let loaded = config::load_value(&Value::Object(configuration), context).map_err(|errors| errors.to_string())?;
    Ok(Some(loaded))
}

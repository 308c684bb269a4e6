//! The configuration: bytes and environment variables in, a [`Gate`] or every mistake at once out.
//!
//! Loading is a pure function of them and of what the host can verify: Envoy loads once on a canary and then on every worker, and all of them have to come to the same verdict.

mod access;
mod assertion;
mod bearer;
mod client_key;
mod cursor;
mod error;
mod headers;
mod identity;
mod keys;
mod login;
mod pages;
mod provider;
mod refresh;
mod request;
mod roles;
mod session;
mod signing_key;
mod tenant;
#[cfg(test)]
mod tests;
mod values;
mod wire;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::assertion::Assertion;
use crate::gate::{BrokenTenant, Entry, Gate};
use crate::json;
use crate::keys::HostAlgorithms;
use crate::seal::KeyRing;
use cursor::{Cursor, Errors};
use tenant::{Draft, tenant};

pub use error::{ConfigError, ConfigErrors};

/// Where `{env: NAME}` is looked up.
pub trait Environment {
    /// The value of the variable, if it is set.
    fn var(&self, name: &str) -> Option<String>;
}

/// What a configuration is loaded into.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Where secrets are looked up.
    pub environment: &'a dyn Environment,
    /// What the host can verify.
    pub host: HostAlgorithms,
}

/// A configuration that can serve, at least in part.
#[derive(Debug)]
pub struct Loaded {
    /// What serves. Tenants with problems are in it as broken.
    pub gate: Gate,
    /// What is wrong inside single tenants.
    pub problems: Vec<ConfigError>,
}

/// Loads what Envoy hands over: JSON text (of a `StringValue`, of Istio, of Envoy Gateway), or a protobuf `Struct`, which is what
/// plain YAML in an Envoy configuration becomes. Envoy 1.40 passes that on in its wire format.
///
/// # Errors
/// [`ConfigErrors`] if something concerns all tenants, or if anything is wrong and `strict` is set.
pub fn load(bytes: &[u8], surroundings: Surroundings<'_>) -> Result<Loaded, ConfigErrors> {
    if bytes.trim_ascii().is_empty() {
        return Err(
            ConfigError::whole("", "the configuration is empty; it needs at least `session` and `tenants`").into()
        );
    }
    // A `Struct` is never JSON: the tag of a value is a control character, which JSON has nowhere.
    let value = json::parse(bytes)
        .or_else(|error| wire::structure(bytes).ok_or_else(|| ConfigError::whole("", format!("not JSON: {error}"))))?;
    load_value(&value, surroundings)
}

/// Loads a configuration that was read already, from YAML for instance.
///
/// # Errors
/// As [`load`].
pub fn load_value(value: &Value, surroundings: Surroundings<'_>) -> Result<Loaded, ConfigErrors> {
    let whole = Errors::default();
    let root = Cursor::root(value, &whole).object();
    let strict = root.field("strict").boolean().unwrap_or(false);
    let (keys, policy) = session::session(&root.field("session"), surroundings.environment);
    let assertion = assertion::assertion(&root.field("assertion"), surroundings.environment);
    let filter_state = root.field("filter_state").boolean().unwrap_or(false);
    let drafts: Vec<Draft> = root
        .field("tenants")
        .required_elements()
        .iter()
        .filter_map(Cursor::value)
        .enumerate()
        .map(|(index, value)| tenant(index, value, surroundings, assertion.as_ref()))
        .collect();
    root.finish();
    refuse_shared(&drafts, &whole);

    let mut errors = whole.into_config_errors(None);
    let (problems, entries): (Vec<_>, Vec<_>) = drafts.into_iter().map(finish).unzip();
    let problems: Vec<ConfigError> = problems.into_iter().flatten().collect();
    if strict || !errors.is_empty() {
        errors.extend(problems.iter().cloned());
    }
    match policy {
        Some(policy) if errors.is_empty() => {
            let gate = Gate::new(KeyRing::new(keys), policy, entries);
            Ok(Loaded {
                gate: gate.with_assertion(assertion.map(Assertion::new)).with_filter_state(filter_state),
                problems,
            })
        }
        _ => Err(ConfigErrors::new(errors)),
    }
}

/// A tenant serves only if nothing at all is wrong with it.
fn finish(draft: Draft) -> (Vec<ConfigError>, Entry) {
    let Draft { label, name, hosts, headers, tenant, errors } = draft;
    let errors = errors.into_config_errors(Some(&label));
    let entry = match tenant {
        Some(tenant) if errors.is_empty() => Entry::Serving(Arc::new(tenant)),
        _ => Entry::Broken(Arc::new(BrokenTenant { name, hosts, headers })),
    };
    (errors, entry)
}

/// Names and hosts that two tenants claim: whose they are cannot be told, so nobody is served.
fn refuse_shared(drafts: &[Draft], whole: &Errors) {
    let mut names = HashMap::new();
    let mut hosts = HashMap::new();
    for (index, draft) in drafts.iter().enumerate() {
        if let Some(name) = &draft.name
            && let Some(first) = names.insert(name, index)
        {
            whole.add(
                "",
                format!("tenants[{first}] and tenants[{index}] are both named \"{name}\"; a name is for one tenant"),
            );
        }
        for host in &draft.hosts {
            if let Some(first) = hosts.insert(host, draft)
                && first.label != draft.label
            {
                whole.add("", format!("{} and {} both claim host \"{host}\"", first.label, draft.label));
            }
        }
    }
}

//! The check of a whole configuration: all mistakes of it, and the runtime that it gives.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::alike::Sections;
use super::code::Code;
use super::common::Common;
use super::cursor::{Cursor, Errors, Section};
use super::document::Document;
use super::error::{ConfigError, ConfigErrors};
use super::load_context::LoadContext;
use super::tenant::{PartialTenant, tenant};
use super::tenants_from::{DocumentCompiler, TenantsFrom};
use super::{cookie_domains, passed_headers, unreadable_hosts};
use crate::http::host_index::HostIndex;
use crate::runtime::{BrokenTenant, Runtime, TenantCompiler, TenantEntry};
use crate::seal::KeyRing;

/// A configuration that was accepted. Single tenants in it may have mistakes.
#[derive(Debug)]
pub struct Loaded {
    /// The runtime. It contains the tenants with mistakes as broken tenants.
    pub runtime: Runtime,
    /// The mistakes inside single tenants.
    pub problems: Vec<ConfigError>,
    /// The places of the tenants in the bytes, if they are apart from the rest.
    pub(super) places: Option<Vec<Range<usize>>>,
}

/// Loads the configuration in the form that Envoy passes: JSON text (a `StringValue`, Istio, Envoy
/// Gateway), or a protobuf `Struct`, to which Envoy converts plain YAML. Envoy 1.40 passes a
/// `Struct` in its wire format.
///
/// # Errors
/// [`ConfigErrors`] if a mistake concerns all tenants, or if there is any mistake and `strict` is
/// set.
pub fn load(bytes: &[u8], context: LoadContext<'_>) -> Result<Loaded, ConfigErrors> {
    if bytes.trim_ascii().is_empty() {
        return Err(ConfigError::whole(
            Code::SYNTAX,
            "the configuration is empty; it needs at least `session` and `tenants`",
        )
        .into());
    }
    let document = Document::read(bytes)?;
    Ok(Loaded { places: document.places(), ..load_document(&document, context)? })
}

/// Loads a configuration that was parsed before, for example from YAML.
///
/// # Errors
/// The same as for [`load`].
pub fn load_value(value: &Value, context: LoadContext<'_>) -> Result<Loaded, ConfigErrors> {
    load_document(&Document::parsed(value), context)
}

fn load_document(document: &Document<'_>, context: LoadContext<'_>) -> Result<Loaded, ConfigErrors> {
    let section = Section::default();
    let root = Cursor::root(&document.top, &section).object();
    let mut common = Common::read(&root, context);
    let names = common.assertion_names();
    let has_documents = root.field("tenants_from").is_present();
    let tenants_at = root.field("tenants");
    let (sections, mut tenants) = (Sections::default(), Vec::new());
    let mut read = |value: &Value| tenants.push(tenant(tenants.len(), value, context, names.as_ref(), &sections));
    if !document.each_tenant(&mut read)? {
        let may_lack = has_documents && !tenants_at.is_present();
        let elements = if may_lack { Vec::new() } else { tenants_at.required_elements() };
        elements.iter().filter_map(Cursor::value).for_each(read);
    }
    root.finish();
    let TenantsFrom { settings, header_names } = std::mem::take(&mut common.documents);
    let whole = section.errors;
    refuse_shared(&tenants, &whole);
    unreadable_hosts::refuse_taken(&tenants, has_documents, &whole);
    cookie_domains::refuse_foreign_hosts(&tenants);
    passed_headers::refuse_passed(&tenants, &header_names);
    let documents: Option<(_, Box<dyn TenantCompiler>)> = match settings {
        Some(settings) => Some((settings, Box::new(DocumentCompiler::beside(&tenants, names, &header_names)))),
        None => None,
    };

    let ring = Arc::new(KeyRing::new(std::mem::take(&mut common.keys)));
    let mut errors = whole.into_config_errors(None);
    let finished = tenants.into_iter().enumerate().map(|(index, tenant)| finish(index, tenant, &ring));
    let (problems, entries): (Vec<_>, Vec<_>) = finished.unzip();
    let problems: Vec<ConfigError> = problems.into_iter().flatten().collect();
    if common.strict || !errors.is_empty() {
        errors.extend(problems.iter().cloned());
    }
    if !errors.is_empty() {
        return Err(ConfigErrors::new(errors));
    }
    let store = common.store.take();
    match common.into_runtime(ring, entries, header_names) {
        Some(runtime) => {
            let runtime = runtime.with_documents(documents).with_store(store, None);
            Ok(Loaded { runtime, problems, places: None })
        }
        None => Err(ConfigErrors::new(errors)),
    }
}

/// The mistakes of a tenant and its entry in the runtime. A tenant with any mistake is broken.
fn finish(index: usize, partial: PartialTenant, ring: &Arc<KeyRing>) -> (Vec<ConfigError>, TenantEntry) {
    let PartialTenant { label, name, hosts, cookie_domain, header_names, tenant, errors, .. } = partial;
    let errors: Vec<ConfigError> =
        errors.into_config_errors(Some((&label, index))).into_iter().map(|error| error.of(name.as_ref())).collect();
    let entry = match tenant {
        Some(tenant) if errors.is_empty() => TenantEntry::served(tenant, ring),
        _ => TenantEntry::Broken(Arc::new(BrokenTenant {
            name,
            hosts: hosts.read.to_vec(),
            header_names: header_names.to_vec(),
            cookie_domain,
            ..BrokenTenant::default()
        })),
    };
    (errors, entry)
}

/// Records a mistake for each name or host that two tenants have, because a request could belong to
/// either of them.
fn refuse_shared(tenants: &[PartialTenant], whole: &Errors) {
    let (mut names, mut hosts) = (HostIndex::default(), HostIndex::default());
    for (index, partial) in tenants.iter().enumerate() {
        // Upstreams, logs and file systems often ignore case.
        if let Some(name) = &partial.name
            && let Some(first) = names.replace(&name.as_str().to_ascii_lowercase(), index)
        {
            whole.add_at(
                Code::SHARED,
                format!("tenants[{index}].name"),
                format!(
                    "tenants[{first}] and tenants[{index}] are both named \"{name}\"; names must be unique, whatever their case"
                ),
            );
        }
        for host in partial.hosts.read.iter() {
            if let Some(first) = hosts.replace(&host.to_string(), index).and_then(|first| tenants.get(first))
                && first.label != partial.label
            {
                let message = format!("{} and {} both have the host \"{host}\"", first.label, partial.label);
                whole.add_at(Code::SHARED, format!("tenants[{index}].hosts"), message);
            }
        }
    }
}

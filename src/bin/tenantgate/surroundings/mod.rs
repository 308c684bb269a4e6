//! What is around a gate: the clusters of the issuers and their TLS, the other filters, and the
//! options of the plugin, as far as the files have them.

mod address;
mod backchannel;
mod cluster;
mod connection;
mod connection_manager;
mod envoy_clusters;
mod envoy_gateway;
mod envoy_tls;
mod external_authorization;
mod failure_policy;
mod filter_chain;
mod istio;
mod landscape;
mod patch_policy;
mod phase;
mod providers;
mod remedy;
mod runtime;
mod servers;
mod spot;
mod store;
mod switched_off;
mod tenants;
mod vm_id;

use cluster::Platform;
use spot::Spot;
use tenants::Tenant;

use super::diagnostic::Diagnostic;
use super::gate::{Form, Gate};
use super::yaml::Node;

pub(crate) use landscape::Landscape;
pub(crate) use servers::{ServerTls, Servers, servers};

/// A finding about one of the files.
pub(crate) struct Finding {
    pub(crate) file: usize,
    pub(crate) diagnostic: Diagnostic,
}

/// A gate with all documents around it.
struct Surrounded<'d> {
    gate: &'d Gate<'d>,
    /// The document that it stands in.
    document: Spot<'d>,
    plugin: Spot<'d>,
    configuration: Spot<'d>,
    /// `None` for a configuration alone.
    platform: Option<Platform>,
    tenants: Vec<Tenant<'d>>,
    landscape: &'d Landscape<'d>,
}

/// The findings about a gate of `document`, which is a document of the file with this number and
/// text.
pub(crate) fn check<'d>(
    gate: &'d Gate<'d>,
    file: usize,
    text: &'d str,
    document: &'d Node,
    landscape: &'d Landscape<'d>,
) -> Vec<Finding> {
    let Some(configuration) = &gate.configuration else { return Vec::new() };
    let spot = |node: &'d Node| Spot { file, text, node };
    let configuration = spot(&configuration.node);
    let document = spot(document);
    let gate = Surrounded {
        gate,
        document,
        plugin: spot(gate.plugin),
        configuration,
        platform: platform(gate.form, document),
        tenants: tenants::tenants(configuration),
        landscape,
    };
    let checks = [
        providers::check,
        failure_policy::check,
        backchannel::check,
        vm_id::check,
        runtime::check,
        filter_chain::check,
        phase::check,
        connection_manager::check,
        switched_off::check,
        store::check,
        external_authorization::check,
    ];
    checks.iter().flat_map(|check| check(&gate)).collect()
}

/// The findings about the providers of tenants that do not stand in the file of the gate: whether
/// the clusters there lead to them. The tenants are those of `gate`, in a file with this text.
pub(crate) fn providers<'d>(
    gate: &'d Gate<'d>,
    text: &'d str,
    (document_text, document): (&'d str, &'d Node),
    landscape: &'d Landscape<'d>,
) -> Vec<Diagnostic> {
    let Some(configuration) = &gate.configuration else { return Vec::new() };
    let configuration = Spot { file: 0, text, node: &configuration.node };
    let of_gate = |node: &'d Node| Spot { file: OTHER_FILE, text: document_text, node };
    let document = of_gate(document);
    let gate = Surrounded {
        gate,
        document,
        plugin: of_gate(gate.plugin),
        configuration,
        platform: platform(gate.form, document),
        tenants: tenants::tenants(configuration),
        landscape,
    };
    let found = providers::check(&gate).into_iter();
    let placed = found.map(|Finding { file, diagnostic }| match file {
        OTHER_FILE => Diagnostic { span: None, ..diagnostic },
        _ => diagnostic,
    });
    placed.collect()
}

/// The number of the file with the gate, whose places are not those of the tenants.
pub(crate) const OTHER_FILE: usize = 1;

fn platform(form: Form, document: Spot<'_>) -> Option<Platform> {
    match (form, document.text_of(&["kind"])) {
        (Form::Tenants, _) => None,
        (Form::Envoy, Some("EnvoyFilter")) | (Form::Istio, _) => Some(Platform::Istio),
        (Form::Envoy, Some("EnvoyPatchPolicy")) | (Form::EnvoyGateway, _) => Some(Platform::EnvoyGateway),
        (Form::Envoy, _) => Some(Platform::Envoy),
    }
}

impl Finding {
    fn help(self, help: impl Into<String>) -> Self {
        Self { diagnostic: self.diagnostic.help(help), ..self }
    }

    fn into_warning(self) -> Self {
        Self { diagnostic: self.diagnostic.into_warning(), ..self }
    }

    fn at_path(self, path: &str) -> Self {
        Self { diagnostic: self.diagnostic.at_path(path), ..self }
    }

    fn without_path(self) -> Self {
        self.at_path("")
    }
}

//! The command `render`: whole manifests from one tenants file.

mod clusters;
mod destination;
mod envoy;
mod envoy_gateway;
mod etcd;
mod istio;
mod template;
mod tenants_file;

use clap::Subcommand;

pub(crate) use clusters::ClusterParts;
use clusters::ProviderCluster;
pub(crate) use destination::Destination;
pub(crate) use envoy::EXTENSIONS;
pub(crate) use template::{indented, list, scalar};
use tenants_file::TenantsFile;

/// The platform that the manifests are for.
#[derive(Subcommand)]
pub(crate) enum Arguments {
    /// A bootstrap for Envoy: listener, filter, and a cluster for each name in `provider.cluster`.
    Envoy(envoy::Arguments),
    /// Istio: WasmPlugin, and a ServiceEntry and DestinationRule for each host of a provider.
    ///
    /// `provider.cluster` becomes the name that Istio gives to the cluster of the ServiceEntry. If
    /// a tenant has back-channel logout, an EnvoyFilter takes the place of the WasmPlugin, which
    /// cannot hand over request bodies.
    Istio(istio::Arguments),
    /// Envoy Gateway: EnvoyExtensionPolicy, EnvoyPatchPolicy, and a Backend, HTTPRoute and
    /// BackendTLSPolicy for each host of a provider.
    ///
    /// `provider.cluster` becomes the name that Envoy Gateway gives to the cluster of the
    /// HTTPRoute. The EnvoyPatchPolicy lets the filter read request bodies, for back-channel
    /// logout, and starts a new VM after a crash.
    EnvoyGateway(envoy_gateway::Arguments),
}

impl Arguments {
    /// The manifests.
    pub(crate) fn run(&self) -> Result<String, String> {
        match self {
            Self::Envoy(arguments) => arguments.run(),
            Self::Istio(arguments) => arguments.run(),
            Self::EnvoyGateway(arguments) => arguments.run(),
        }
    }
}

/// The clusters of Envoy that the tenants of a configuration name, and the variables that it uses.
pub(crate) fn clusters_and_variables(configuration: &str) -> Result<(Vec<ClusterParts>, Vec<String>), String> {
    let file = TenantsFile::parse(configuration)?;
    let clusters = ProviderCluster::all(file.tenants.iter().map(AsRef::as_ref));
    Ok((clusters.iter().map(|cluster| cluster.parts(CA)).collect(), file.variables))
}

/// The certificates of the public authorities in the images of Debian, and in those of Envoy and
/// Istio.
const CA: &str = "/etc/ssl/certs/ca-certificates.crt";

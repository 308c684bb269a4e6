//! Envoy's clusters for the providers.

use super::destination::Destination;
use super::template::{fill, scalar};

/// A cluster that tenants name as `provider.cluster`, and the servers that it has to reach.
pub(crate) struct ProviderCluster {
    pub(crate) name: String,
    pub(crate) destinations: Vec<Destination>,
}

/// The parts of a bootstrap for a cluster.
pub(crate) struct ClusterParts {
    /// Elements of `static_resources.clusters`.
    pub(crate) clusters: String,
    /// An element of `static_resources.listeners`, where the cluster reaches several servers.
    pub(crate) listener: Option<String>,
}

impl ProviderCluster {
    /// The clusters that these tenants name, each once.
    pub(crate) fn all<'t>(tenants: impl IntoIterator<Item = &'t tenantgate::tenant::Tenant>) -> Vec<Self> {
        let mut clusters: Vec<Self> = Vec::new();
        for tenant in tenants {
            let name = &tenant.provider.cluster;
            let at = clusters.iter().position(|cluster| cluster.name == *name).unwrap_or_else(|| {
                clusters.push(Self { name: name.clone(), destinations: Vec::new() });
                clusters.len().saturating_sub(1)
            });
            let Some(cluster) = clusters.get_mut(at) else { continue };
            for destination in Destination::of_tenant(tenant) {
                if !cluster.destinations.contains(&destination) {
                    cluster.destinations.push(destination);
                }
            }
        }
        clusters
    }

    /// The YAML of the cluster, with the certificates of the authorities in `ca`. A cluster of
    /// Envoy reaches one server, with one name in TLS. So for several there is an internal
    /// listener, which knows the server by `:authority`.
    pub(crate) fn parts(&self, ca: &str) -> ClusterParts {
        if let [destination] = self.destinations.as_slice() {
            return ClusterParts { clusters: cluster(&self.name, destination, ca), listener: None };
        }
        let name = scalar(&self.name);
        let mut clusters = fill(BY_HOST_CLUSTER, &[("name", &name)]);
        let mut hosts = String::new();
        for destination in &self.destinations {
            let inner = format!("{}_{}", self.name, destination.resource_name());
            clusters.push_str(&cluster(&inner, destination, ca));
            let (inner, authority) = (scalar(&inner), scalar(&destination.authority()));
            let routes = format!("[{{match: {{prefix: \"/\"}}, route: {{cluster: {inner}, timeout: 0s}}}}]");
            hosts.push_str(&format!("- {{name: {inner}, domains: [{authority}], routes: {routes}}}\n"));
        }
        ClusterParts { clusters, listener: Some(fill(BY_HOST_LISTENER, &[("name", &name), ("hosts", &hosts)])) }
    }

    /// The names of the clusters that [`parts`](Self::parts) makes.
    pub(super) fn names(&self) -> Vec<String> {
        let inner = self.destinations.iter().filter(|_| self.destinations.len() > 1);
        let inner = inner.map(|destination| format!("{}_{}", self.name, destination.resource_name()));
        std::iter::once(self.name.clone()).chain(inner).collect()
    }
}

fn cluster(name: &str, destination: &Destination, ca: &str) -> String {
    let host = scalar(&destination.host);
    let sni = if destination.is_address() { String::new() } else { format!("sni: {host}") };
    let san = if destination.is_address() { "IP_ADDRESS" } else { "DNS" };
    let tls = fill(CLUSTER_TLS, &[("sni", &sni), ("san", san), ("host", &host), ("ca", &scalar(ca))]);
    let kind = if destination.is_address() { "STATIC" } else { "LOGICAL_DNS" };
    let values = [
        ("name", scalar(name)),
        ("type", kind.to_owned()),
        ("host", host),
        ("port", destination.port.to_string()),
        ("tls", if destination.tls { tls } else { String::new() }),
    ];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    fill(CLUSTER, &values)
}

const CLUSTER: &str = include_str!("templates/cluster.yaml");
const CLUSTER_TLS: &str = include_str!("templates/cluster_tls.yaml");
const BY_HOST_CLUSTER: &str = include_str!("templates/by_host_cluster.yaml");
const BY_HOST_LISTENER: &str = include_str!("templates/by_host_listener.yaml");

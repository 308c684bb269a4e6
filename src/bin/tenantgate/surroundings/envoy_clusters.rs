//! The clusters of Envoy's own configuration.

use std::collections::BTreeMap;

use super::cluster::{Address, Cluster, Platform, Transport, Uncallable};
use super::envoy_tls::transport;
use super::landscape::Landscape;
use super::spot::Spot;

/// The clusters that a gate can name.
pub(super) struct Clusters<'d> {
    /// Those of the document, of its file and of all files.
    scopes: [Scope<'d>; 3],
}

struct Scope<'d> {
    by_name: BTreeMap<&'d str, Spot<'d>>,
    /// Whether Envoy gets clusters that are in none of the documents.
    has_others: bool,
}

/// What the files say about a name.
pub(super) enum Lookup<'d> {
    Found(Vec<Cluster<'d>>),
    /// There is none of this name.
    Missing {
        /// The names of those that are there.
        known: Vec<String>,
        /// Whether they stand in the file of the gate, so that they are all.
        is_sure: bool,
    },
    /// The files have no clusters.
    Unknown,
}

impl<'d> Clusters<'d> {
    /// The clusters near a document, of those that belong to the platform.
    pub(super) fn near(document: Spot<'d>, landscape: &Landscape<'d>, platform: Platform) -> Self {
        Self { scopes: landscape.scopes(document).map(|documents| Scope::new(&documents, platform)) }
    }

    /// The names of all.
    pub(super) fn names(&self) -> impl Iterator<Item = &'d str> {
        self.scopes.iter().flat_map(|scope| scope.by_name.keys().copied())
    }

    pub(super) fn find(&self, name: &str) -> Lookup<'d> {
        if let Some(cluster) = self.scopes.iter().find_map(|scope| scope.by_name.get(name)) {
            return Lookup::Found(vec![envoy_cluster(name, *cluster)]);
        }
        let nearest = self.scopes.iter().enumerate().find(|(_, scope)| !scope.by_name.is_empty());
        match nearest {
            Some((number, scope)) if !scope.has_others => Lookup::Missing {
                known: scope.by_name.keys().map(|name| (*name).to_owned()).collect(),
                is_sure: number < 2,
            },
            _ => Lookup::Unknown,
        }
    }
}

impl<'d> Scope<'d> {
    fn new(documents: &[Spot<'d>], platform: Platform) -> Self {
        let mut found = Vec::new();
        let mut is_dynamic = false;
        let mut has_resources = false;
        for document in documents {
            match (platform, document.text_of(&["kind"])) {
                (Platform::Envoy, None) => {
                    is_dynamic |= document.find(&["dynamic_resources", "cds_config"]).is_some();
                    let before = found.len();
                    resources(*document, &mut found);
                    has_resources |= found.len() > before;
                    found.extend(document.list(&["static_resources", "clusters"]));
                }
                (Platform::Istio, Some("EnvoyFilter")) => found.extend(patches(*document)),
                (Platform::EnvoyGateway, Some("EnvoyPatchPolicy")) => found.extend(json_patches(*document)),
                _ => {}
            }
        }
        let named = found.into_iter().filter_map(|cluster| Some((cluster.text_of(&["name"])?, cluster)));
        // Istio and Envoy Gateway make clusters of their own.
        let has_others = platform != Platform::Envoy || (is_dynamic && !has_resources);
        Self { by_name: named.collect(), has_others }
    }
}

/// Resources of the Cluster Discovery Service, also in a dump of the configuration.
fn resources<'d>(document: Spot<'d>, found: &mut Vec<Spot<'d>>) {
    document.walk(&mut |spot| {
        let is_cluster = spot.is_type("envoy.config.cluster.v3.Cluster");
        if is_cluster {
            found.push(spot);
        }
        !is_cluster && spot.node.get("tenants").is_none()
    });
}

/// Clusters that an EnvoyFilter adds.
fn patches(document: Spot<'_>) -> impl Iterator<Item = Spot<'_>> {
    let patches = document.list(&["spec", "configPatches"]);
    patches
        .filter(|patch| patch.text_of(&["applyTo"]) == Some("CLUSTER"))
        .filter_map(|patch| patch.find(&["patch", "value"]))
}

/// Clusters that an EnvoyPatchPolicy adds.
fn json_patches(document: Spot<'_>) -> impl Iterator<Item = Spot<'_>> {
    let is_cluster = |patch: &Spot<'_>| patch.text_of(&["type"]).is_some_and(|kind| kind.ends_with(".v3.Cluster"));
    document.list(&["spec", "jsonPatches"]).filter(is_cluster).filter_map(|patch| patch.find(&["operation", "value"]))
}

fn envoy_cluster<'d>(name: &str, place: Spot<'d>) -> Cluster<'d> {
    let mut addresses = Vec::new();
    let mut is_internal = false;
    for endpoint in place.list(&["load_assignment", "endpoints"]).flat_map(|group| group.list(&["lb_endpoints"])) {
        let address = endpoint.find(&["endpoint", "address"]);
        is_internal |= address.is_some_and(|address| address.has("envoy_internal_address"));
        let socket = address.and_then(|address| address.field("socket_address"));
        addresses.extend(socket.and_then(|socket| Address::of(socket, "address", "port_value")));
    }
    let is_dynamic = place.text_of(&["cluster_type", "name"]) == Some(DYNAMIC_FORWARD_PROXY)
        || place.find(&["cluster_type", "typed_config"]).is_some_and(|config| config.is_type(DYNAMIC_CONFIG));
    let subject = format!("cluster \"{name}\"");
    let uncallable =
        |path, message| Some(Uncallable { place, subject: subject.clone(), path, message, help: LOGICAL_DNS });
    let uncallable = match place.text_of(&["type"]) {
        _ if is_dynamic => uncallable("cluster_type", DYNAMIC),
        Some("ORIGINAL_DST") => uncallable("type", ORIGINAL),
        _ => None,
    };
    // What is behind an internal listener decides about TLS.
    let transport = if is_internal { Transport::Unknown } else { transport(place) };
    Cluster { platform: Platform::Envoy, subject, place, addresses, transport, is_internal, uncallable }
}

const DYNAMIC_FORWARD_PROXY: &str = "envoy.clusters.dynamic_forward_proxy";
const DYNAMIC_CONFIG: &str = "dynamic_forward_proxy.v3.ClusterConfig";
const DYNAMIC: &str =
    "is a dynamic forward proxy, which has no server without the filter of that name, so each call fails";
const ORIGINAL: &str = "has the server that the client connected to, so no call reaches the issuer";
const LOGICAL_DNS: &str = "write `type: LOGICAL_DNS`, and the host of the issuer in `load_assignment`";

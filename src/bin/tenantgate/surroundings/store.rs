//! Whether there is a cluster for the etcd of the store.

use super::cluster::Platform;
use super::envoy_clusters::{Clusters, Lookup};
use super::{Finding, Surrounded};
use crate::codes;

pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    let Some(name) = gate.configuration.text_of(&["store", "etcd", "cluster"]) else { return Vec::new() };
    let platform = gate.platform.unwrap_or(Platform::Envoy);
    let Lookup::Missing { known, is_sure } = Clusters::near(gate.document, gate.landscape, platform).find(name) else {
        return Vec::new();
    };
    let message = format!("there is no cluster \"{name}\" for etcd, so no replica learns of the sign-outs of others");
    let help = format!("write the name of the cluster that has the members of etcd; there are {}", known.join(", "));
    let found =
        gate.configuration.error(codes::CLUSTER_MISSING, "store.etcd", "store.etcd.cluster", message).help(help);
    vec![if is_sure { found } else { found.into_warning() }]
}

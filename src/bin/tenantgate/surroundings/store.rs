//! Whether there are clusters for the etcd of the store and for that of tenants.

use super::cluster::Platform;
use super::envoy_clusters::{Clusters, Lookup};
use super::{Finding, Surrounded};
use crate::codes;

pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    let sections =
        [("store", "so no replica learns of the sign-outs of others"), ("tenants_from", "so no tenant is found there")];
    sections.into_iter().filter_map(|(section, consequence)| missing(gate, section, consequence)).collect()
}

fn missing(gate: &Surrounded<'_>, section: &str, consequence: &str) -> Option<Finding> {
    let name = gate.configuration.text_of(&[section, "etcd", "cluster"])?;
    let platform = gate.platform.unwrap_or(Platform::Envoy);
    let Lookup::Missing { known, is_sure } = Clusters::near(gate.document, gate.landscape, platform).find(name) else {
        return None;
    };
    let message = format!("there is no cluster \"{name}\" for etcd, {consequence}");
    let help = format!("write the name of the cluster that has the members of etcd; there are {}", known.join(", "));
    let place = format!("{section}.etcd");
    let field = format!("{place}.cluster");
    let found = gate.configuration.error(codes::CLUSTER_MISSING, &place, &field, message).help(help);
    Some(if is_sure { found } else { found.into_warning() })
}

//! Whether there is a cluster for each etcd: that of the store, and that of the tenants.

use super::cluster::Platform;
use super::envoy_clusters::{Clusters, Lookup};
use super::{Finding, Surrounded};
use crate::codes;

pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    let each = SECTIONS.iter().filter_map(|(section, consequence)| etcd(gate, section, consequence));
    each.collect()
}

/// The finding about the etcd of a section.
fn etcd(gate: &Surrounded<'_>, section: &str, consequence: &str) -> Option<Finding> {
    let name = gate.configuration.text_of(&[section, "etcd", "cluster"])?;
    let platform = gate.platform.unwrap_or(Platform::Envoy);
    let Lookup::Missing { known, is_sure } = Clusters::near(gate.document, gate.landscape, platform).find(name) else {
        return None;
    };
    let message = format!("there is no cluster \"{name}\" for etcd, so {consequence}");
    let help = format!("write the name of the cluster that has the members of etcd; there are {}", known.join(", "));
    let (subject, path) = (format!("{section}.etcd"), format!("{section}.etcd.cluster"));
    let found = gate.configuration.error(codes::CLUSTER_MISSING, &subject, &path, message).help(help);
    Some(if is_sure { found } else { found.into_warning() })
}

/// The sections with an etcd, and what comes of one that is not there.
const SECTIONS: [(&str, &str); 2] = [
    ("store", "no replica learns of the sign-outs of others"),
    ("tenants_from", "no gate finds the tenants that are there"),
];

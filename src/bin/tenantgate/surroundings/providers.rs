//! Whether the cluster of each tenant leads to the provider of that tenant, and to no other.

use std::collections::BTreeMap;

use super::cluster::{Cluster, Platform};
use super::envoy_clusters::{Clusters, Lookup};
use super::tenants::{Client, Provider, Tenant};
use super::{Finding, Surrounded, connection, envoy_gateway, istio, remedy};
use crate::codes;

pub(super) fn check(gate: &Surrounded<'_>) -> Vec<Finding> {
    let clusters = Clusters::near(gate.document, gate.landscape, gate.platform.unwrap_or(Platform::Envoy));
    let clients: Vec<Client<'_, '_>> =
        gate.tenants.iter().filter_map(|tenant| Some((tenant, tenant.provider.as_ref()?))).collect();
    let mut by_cluster: BTreeMap<&str, Vec<Client<'_, '_>>> = BTreeMap::new();
    for client in &clients {
        by_cluster.entry(client.1.cluster).or_default().push(*client);
    }
    let mut found = Vec::new();
    for (name, users) in &by_cluster {
        let platform = gate.platform.unwrap_or_else(|| platform_of(name));
        let looked_up = lookup(name, platform, gate, &clusters);
        let there = if let Lookup::Found(there) = &looked_up { there.as_slice() } else { &[] };
        let Some(owner) = owner(users, there) else { continue };
        found.extend(shared(owner, users, there, gate, &clusters));
        match &looked_up {
            Lookup::Found(there) => {
                let others = clients.iter().filter(|(_, other)| !other.is_at(owner.1)).map(|(_, other)| *other);
                let others: Vec<&Provider<'_>> = others.collect();
                there.iter().for_each(|cluster| found.extend(connection::check(cluster, owner, &others)));
            }
            Lookup::Missing { known, is_sure } => found.push(missing(owner, platform, known, *is_sure)),
            Lookup::Unknown => {}
        }
    }
    found
}

/// The platform whose clusters have names of this form.
fn platform_of(name: &str) -> Platform {
    if istio::parts(name).is_some() {
        Platform::Istio
    } else if envoy_gateway::parts(name).is_some() {
        Platform::EnvoyGateway
    } else {
        Platform::Envoy
    }
}

fn lookup<'d>(name: &'d str, platform: Platform, gate: &Surrounded<'d>, clusters: &Clusters<'d>) -> Lookup<'d> {
    // A URL is no name of a cluster, which is a finding about the configuration itself.
    if name.contains("://") {
        return Lookup::Unknown;
    }
    let found = match (clusters.find(name), platform) {
        (Lookup::Found(found), _) => Lookup::Found(found),
        (found, Platform::Envoy) => found,
        (_, Platform::Istio) => istio::find(name, gate.document, gate.landscape),
        (_, Platform::EnvoyGateway) => envoy_gateway::find(name, gate.document, gate.landscape),
    };
    // A configuration alone does not say which Envoy it is for.
    match (found, gate.platform) {
        (Lookup::Missing { .. }, None) => Lookup::Unknown,
        (found, _) => found,
    }
}

/// The tenant that the cluster is made for: the one whose host it leads to, else the one that its
/// name is about, else the first.
fn owner<'t, 'd>(users: &[Client<'t, 'd>], there: &[Cluster<'_>]) -> Option<Client<'t, 'd>> {
    let leads =
        |(_, provider): &&Client<'t, 'd>| there.iter().flat_map(Cluster::made_for).any(|host| provider.calls(host));
    let is_named = |(tenant, provider): &&Client<'t, 'd>| is_about(provider.cluster, tenant);
    users.iter().find(leads).or_else(|| users.iter().find(is_named)).or_else(|| users.first()).copied()
}

fn is_about(cluster: &str, tenant: &Tenant<'_>) -> bool {
    let words = cluster.split(|c: char| !c.is_ascii_alphanumeric());
    words.into_iter().any(|word| word.eq_ignore_ascii_case(tenant.name))
}

/// Tenants whose secrets would go to the provider of another one.
fn shared(
    owner: Client<'_, '_>,
    users: &[Client<'_, '_>],
    there: &[Cluster<'_>],
    gate: &Surrounded<'_>,
    clusters: &Clusters<'_>,
) -> Vec<Finding> {
    if !there.is_empty() && there.iter().all(Cluster::is_for_many) {
        return Vec::new();
    }
    let (first, first_provider) = owner;
    let strangers = users.iter().filter(|(_, provider)| !provider.is_at(first_provider));
    let found = strangers.map(|(tenant, provider)| {
        let message = format!(
            "\"{}\" is also the cluster of tenant \"{}\", whose issuer is {}, so codes and the client secret would be \
             sent to the wrong one of them",
            provider.cluster, first.name, first_provider.issuer
        );
        let own = clusters.names().find(|name| *name != provider.cluster && is_about(name, tenant));
        let help = match (own, gate.platform) {
            (Some(name), _) => format!("write `cluster: {name}`"),
            (None, Some(platform)) => {
                let name = format!("provider_{}", tenant.name);
                format!("name a cluster of its own here, and {}", remedy::cluster(platform, &name, provider))
            }
            (None, None) => {
                "give each issuer a cluster of its own, with its own TLS settings; if one cluster checks the \
                             certificate for the host of each request, name its file, too"
                    .to_owned()
            }
        };
        tenant.error(codes::CLUSTER_SHARED, "provider.cluster", message).help(help)
    });
    found.collect()
}

fn missing(client: Client<'_, '_>, platform: Platform, known: &[String], is_sure: bool) -> Finding {
    let (tenant, provider) = client;
    let name = provider.cluster;
    let near = known.iter().min_by_key(|known| strsim::osa_distance(known, name));
    let near = near.filter(|known| strsim::osa_distance(known, name) <= MAX_TYPOS);
    let is_meant = |known: &&String| match istio::parts(known) {
        Some((_, _, host)) => provider.calls(host),
        None => platform == Platform::Envoy && is_about(known, tenant),
    };
    let meant = near.or_else(|| known.iter().find(is_meant));
    let help = match meant {
        Some(meant) => format!("write `cluster: {meant}`"),
        None => remedy::cluster(platform, name, provider),
    };
    let message = match (platform, is_sure) {
        (Platform::Envoy, true) => format!("there is no cluster \"{name}\" in this file, so every call fails"),
        (Platform::Envoy, false) => format!("none of the files has a cluster \"{name}\""),
        (Platform::Istio, _) => format!("no ServiceEntry here makes a cluster \"{name}\""),
        (Platform::EnvoyGateway, _) => format!("no HTTPRoute here makes a cluster \"{name}\""),
    };
    let found = match is_sure {
        true => tenant.error(codes::CLUSTER_MISSING, "provider.cluster", message),
        false => tenant.warning(codes::CLUSTER_MISSING, "provider.cluster", message),
    };
    found.help(help)
}

/// The largest number of letters that a misspelled name may differ by.
const MAX_TYPOS: usize = 2;

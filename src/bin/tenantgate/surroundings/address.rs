//! Whether the servers of a cluster are those of the provider.

use std::net::IpAddr;

use super::Finding;
use super::cluster::{Address, Cluster, Names, Platform, Sni, Transport};
use super::istio;
use super::tenants::{Client, Provider};
use crate::codes;

/// The finding about a cluster that leads elsewhere. `others` are the providers of other tenants.
pub(super) fn check(cluster: &Cluster<'_>, client: Client<'_, '_>, others: &[&Provider<'_>]) -> Option<Finding> {
    let (tenant, provider) = client;
    let is_of_another = |address: &Address<'_>| others.iter().any(|other| other.calls(address.name));
    // If the certificate has to be for the host of the issuer, any name may stand for that host.
    let checked = checks(cluster, provider);
    let is_odd = |address: &&Address<'_>| {
        let may_be_other = is_of_another(address) || (checked != Checked::Right && is_public(address.name));
        !provider.calls(address.name) && may_be_other
    };
    let odd = cluster.addresses.iter().find(is_odd)?;
    let (name, host) = (odd.name, provider.host());
    let owner = if is_of_another(odd) { ", the provider of another tenant" } else { "" };
    let (message, help) = match (cluster.platform, istio::parts(provider.cluster)) {
        (Platform::Istio, Some((port, _, _))) => (
            format!("leads to {name}{owner}, but the issuer is at {host}"),
            format!(
                "write `cluster: outbound|{port}||{host}`, with a ServiceEntry and a DestinationRule for that host"
            ),
        ),
        (Platform::EnvoyGateway, _) => {
            (format!("is {name}{owner}, but the issuer is at {host}"), format!("write `hostname: {host}`"))
        }
        (Platform::Envoy | Platform::Istio, _) => {
            (format!("is {name}{owner}, but the issuer is at {host}"), format!("write `address: {host}`"))
        }
    };
    let (code, subject) = (codes::CLUSTER_ADDRESS, &cluster.subject);
    let found = match odd.place {
        Some(place) => place.error(code, subject, field(cluster.platform), message),
        None => tenant.error(code, "provider.cluster", message),
    };
    let is_served = checked == Checked::Wrong || (is_of_another(odd) && checked == Checked::Not);
    Some(if is_served { found } else { found.into_warning() }.help(help))
}

/// The finding about another port of the right host. Where the issuer is on this machine, so is its
/// server.
pub(super) fn port(cluster: &Cluster<'_>, client: Client<'_, '_>) -> Option<Finding> {
    let (tenant, provider) = client;
    let is_odd = |address: &&Address<'_>| {
        let is_there = provider.calls(address.name) || (is_local(provider.host()) && is_local(address.name));
        address.port.is_some_and(|port| is_there && !provider.ports.contains(&port))
    };
    let odd = cluster.addresses.iter().find(is_odd)?;
    let (is, port) = (odd.port?, provider.port());
    let message = format!("is port {is}, but the issuer is at port {port}");
    let (code, subject) = (codes::CLUSTER_ADDRESS, &cluster.subject);
    Some(match (odd.place, cluster.platform) {
        (Some(place), Platform::EnvoyGateway) => {
            place.warning(code, subject, "port", message).help(format!("write `port: {port}`"))
        }
        (Some(place), Platform::Envoy | Platform::Istio) => {
            place.warning(code, subject, "port_value", message).help(format!("write `port_value: {port}`"))
        }
        (None, _) => {
            let help = format!("write `cluster: outbound|{port}||{}`, with this port in the ServiceEntry", odd.name);
            tenant.warning(code, "provider.cluster", message).help(help)
        }
    })
}

/// The field with the name of a server.
fn field(platform: Platform) -> &'static str {
    if platform == Platform::EnvoyGateway { "hostname" } else { "address" }
}

/// What the certificate of a server has to be for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checked {
    /// The host of the provider.
    Right,
    /// Another host.
    Wrong,
    /// Any host, or that is not known.
    Not,
}

fn checks(cluster: &Cluster<'_>, provider: &Provider<'_>) -> Checked {
    let tls = match &cluster.transport {
        Transport::Tls(tls) => tls,
        Transport::PlainText | Transport::Unknown => return Checked::Not,
    };
    let is_sent = match tls.sni {
        Sni::Fixed(name) => Some(provider.calls(name)),
        Sni::None | Sni::Automatic => None,
    };
    match (&tls.names, is_sent) {
        (Names::OfRequest, _) => Checked::Right,
        (Names::Listed(names), _) if names.iter().any(|name| name.fits(provider)) => Checked::Right,
        // Only one of them is wrong.
        (Names::Listed(_), Some(true)) => Checked::Right,
        (Names::Listed(_), _) => Checked::Wrong,
        (Names::Any | Names::ByVersion | Names::Unknown, _) => Checked::Not,
    }
}

/// Whether this is a name or an address of this machine.
fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let address = name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    address || name == "localhost" || name.ends_with(".localhost")
}

/// Whether this is a DNS name that means the same everywhere. A name of a network of one's own may
/// stand for any host.
fn is_public(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let (_, domain) = name.rsplit_once('.').unwrap_or_default();
    let is_address = domain.is_empty() || domain.bytes().all(|b| b.is_ascii_digit()) || name.contains(':');
    !is_address && !INTERNAL.contains(&domain) && !istio::is_in_cluster(&name) && !name.ends_with(".home.arpa")
}

const INTERNAL: [&str; 9] = ["localhost", "local", "internal", "intranet", "lan", "corp", "private", "svc", "consul"];

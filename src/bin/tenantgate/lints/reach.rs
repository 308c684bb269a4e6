//! Login pages that browsers do not reach.

use std::net::IpAddr;

use tenantgate::http::host::HostPattern;
use tenantgate::tenant::Tenant;
use url::Url;

use super::Found;
use super::site::Site;
use crate::codes;

pub(super) fn lint(site: &Site<'_>, tenant: &Tenant) -> Option<Found> {
    let (path, address) = match &tenant.provider.endpoints.authorization {
        Some(address) => ("provider.authorization_endpoint", address.clone()),
        None => ("issuer", Url::parse(&tenant.issuer).ok()?),
    };
    let host = address.host_str()?;
    let own_is_inside = tenant.hosts.iter().any(|pattern| {
        let (HostPattern::Exact(own) | HostPattern::Below(own)) = pattern;
        is_inside(own.as_str())
    });
    (is_inside(host) && !own_is_inside).then(|| {
        let message = format!(
            "is at \"{host}\", which browsers of users do not reach; write the address that the issuer has for them, and \
             let the cluster lead to the address inside"
        );
        site.warning(codes::HOST_LOCAL, path, &message)
    })
}

/// Whether the host is this machine, or a name inside a cluster.
fn is_inside(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.is_ok_and(|address| address.is_loopback())
        || !host.contains(['.', ':'])
        || [".localhost", ".svc", ".cluster.local", ".docker.internal"].iter().any(|suffix| host.ends_with(suffix))
}

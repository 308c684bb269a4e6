//! An issuer behind the very host that needs it to sign users in.

use std::net::{IpAddr, Ipv6Addr};

use tenantgate::access::{Description, RouteDecision};
use tenantgate::http::host::{Host, HostPattern};
use tenantgate::http::request::{RequestHead, Target};
use tenantgate::tenant::Tenant;
use tenantgate::tenant::access::Verdict;
use url::Url;

use super::Found;
use super::site::Site;
use crate::codes;

pub(super) fn lint(tenants: &[Site<'_>]) -> Vec<Found> {
    tenants.iter().filter_map(|site| issuer(site, tenants)).collect()
}

fn issuer(site: &Site<'_>, tenants: &[Site<'_>]) -> Option<Found> {
    let tenant = site.model?;
    let (path, address) = match &tenant.provider.endpoints.authorization {
        Some(address) => ("provider.authorization_endpoint", address.clone()),
        None => ("issuer", Url::parse(&tenant.issuer).ok()?),
    };
    let host = Host::from_name(address.host_str()?).ok()?;
    // A wildcard may have other routes for single hosts, an exact host is here for this gate.
    let owner = tenants.iter().filter_map(|site| Some((site, site.model?))).find(|(_, owner)| {
        owner.hosts.iter().any(|pattern| matches!(pattern, HostPattern::Exact(own) if *own == host))
    });
    let (owner, model) = owner?;
    (!is_public(model, &host, address.path())).then(|| {
        let message = format!(
            "is at \"{host}\", a host of {}, so signing in there would need a user who is signed in; take the host out \
             of `hosts`, or open the paths of the issuer with a rule `allow: public`",
            owner.label
        );
        site.warning(codes::OWN_GATE, path, &message)
    })
}

fn is_public(tenant: &Tenant, host: &Host, path: &str) -> bool {
    let pairs = [(":method", "GET"), (":path", path)];
    let head = RequestHead::new(pairs.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())));
    let target = Target::parse(path.as_bytes()).unwrap_or(Target { path: "/", query: None });
    let client = || Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    let decision = RouteDecision::new(&head, tenant, host, target, &client);
    matches!(decision.describe(), Description::Decided(_, Verdict::Public))
}

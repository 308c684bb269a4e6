//! The domains that tenants share cookies under, compared with the hosts of the other tenants. A
//! browser sends a cookie to every host of its domain, and takes one from each of them.

use super::code::Code;
use super::tenant::PartialTenant;
use crate::http::host::{Host, HostPattern};
use crate::http::host_index::HostIndex;

/// Records a mistake for each tenant whose `login.cookie_domain` has a host that selects another
/// tenant. The message names one such host.
pub(super) fn refuse_foreign_hosts(tenants: &[PartialTenant]) {
    let (mut domains, mut wildcards) = (HostIndex::default(), HostIndex::default());
    for (position, partial) in tenants.iter().enumerate() {
        if let Some(domain) = &partial.cookie_domain
            && let Some(other) = domains.add(domain, position).and_then(|first| tenants.get(first))
        {
            // The index has the first of the tenants with this domain.
            compare(partial, other, other.hosts.read.first());
            compare(other, partial, partial.hosts.read.first());
        }
        for pattern in partial.hosts.read.iter() {
            if let HostPattern::Below(domain) = pattern {
                wildcards.add(domain, position);
            }
        }
    }
    for partial in tenants {
        for pattern in partial.hosts.read.iter() {
            let (HostPattern::Exact(host) | HostPattern::Below(host)) = pattern;
            for name in std::iter::once(host.as_str()).chain(host.parents()) {
                if let Some(owner) = domains.get(name).and_then(|position| tenants.get(position)) {
                    compare(owner, partial, Some(pattern));
                }
            }
        }
        let Some(domain) = &partial.cookie_domain else { continue };
        // The domain and the hosts below it select the longest wildcard around them, unless both
        // have a pattern of their own.
        let is_own = partial.hosts.read.contains(&HostPattern::Exact(domain.clone()));
        if is_own && wildcards.get(domain.as_str()).is_some() {
            continue;
        }
        let around = domain.parents().find_map(|name| Some((name, tenants.get(wildcards.get(name)?)?)));
        if let Some((name, other)) = around {
            compare(partial, other, Host::from_name(name).ok().map(HostPattern::Below).as_ref());
        }
    }
}

/// Records the mistake of the tenant `owner` whose cookie domain has hosts of `pattern`, which is
/// one of the tenant `other`.
fn compare(owner: &PartialTenant, other: &PartialTenant, pattern: Option<&HostPattern>) {
    if let (Some(domain), Some(pattern)) = (&owner.cookie_domain, pattern)
        && !std::ptr::eq(owner, other)
    {
        let message = format!(
            "\"{domain}\" covers \"{pattern}\" of {}, where browsers would send the cookies of this tenant; name a domain \
             that has hosts of this tenant only, or leave `cookie_domain` and `redirect_uri` out, so that each host has \
             its own cookies",
            other.label
        );
        owner.errors.add_once(Code::SHARED, "login.cookie_domain", message);
    }
}

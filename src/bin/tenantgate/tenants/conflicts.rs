//! Reasons not to write a tenant: the gates could not serve it, or it would take something from
//! another one.

use tenantgate::http::host::{Host, HostPattern};
use tenantgate::runtime::TenantEntry;
use tenantgate::tenant::TenantName;

use super::cookies;
use super::gate::Gate;
use super::index;
use super::plan::Wanted;
use crate::etcd::{Gateway, Pair};

/// Refuses a tenant that has something of another one.
pub(super) fn refuse(
    wanted: &Wanted,
    entries: &[(HostPattern, Option<Pair>)],
    gate: &Gate,
    etcd: &mut Gateway,
) -> Result<(), String> {
    for (host, entry) in entries {
        if let Some(entry) = entry
            && !index::is_of(entry, &wanted.name)
        {
            let other = index::owner(entry);
            return Err(format!(
                "hosts: \"{host}\" belongs to tenant \"{other}\" in etcd; take it from that tenant first, or delete that \
                 tenant (`tenantgate tenants delete`)"
            ));
        }
    }
    cookies::refuse(wanted, gate, etcd)
}

/// Refuses hosts and a domain of cookies that belong to a tenant of the file, which comes first.
/// That its name is taken is a mistake for the compiler.
pub(super) fn of_file(hosts: &[HostPattern], domain: Option<&Host>, gate: &Gate) -> Result<(), String> {
    for entry in gate.loaded.runtime.entries() {
        let name = name(entry).map_or("", TenantName::as_str);
        let file = &gate.file;
        for theirs in entry.hosts() {
            if let Some(host) = hosts.iter().find(|host| hides(theirs, host)) {
                return Err(format!(
                    "hosts: requests for \"{host}\" go to tenant \"{name}\" of {file}, which has \"{theirs}\" and comes \
                     first; take it out there, or choose another host"
                ));
            }
            if let Some(domain) = domain.filter(|domain| domain_of(theirs).is_within(domain)) {
                return Err(format!(
                    "login.cookie_domain: \"{domain}\" covers \"{theirs}\" of tenant \"{name}\" of {file}, where browsers \
                     would send the cookies of this tenant; name a domain that has hosts of this tenant only"
                ));
            }
        }
        let TenantEntry::Served(served) = entry else { continue };
        let theirs = served.model.login.cookie_domain.as_ref().map(|cookies| &cookies.domain);
        let covered = |domain: &Host| hosts.iter().find(|host| domain_of(host).is_within(domain));
        if let Some((domain, host)) = theirs.and_then(|domain| Some((domain, covered(domain)?))) {
            return Err(format!(
                "hosts: browsers would send the cookies of tenant \"{name}\" of {file} to \"{host}\", because its \
                 `login.cookie_domain` is \"{domain}\"; choose another host, or change that tenant"
            ));
        }
    }
    Ok(())
}

/// Whether no request that the second matches is left, because the first comes before it.
pub(super) fn hides(first: &HostPattern, second: &HostPattern) -> bool {
    match (first, second) {
        (HostPattern::Exact(_), _) => first == second,
        (HostPattern::Below(_), HostPattern::Exact(host)) => first.matches(host),
        (HostPattern::Below(above), HostPattern::Below(domain)) => domain.is_within(above),
    }
}

/// The name of a tenant of the file.
pub(super) fn name(entry: &TenantEntry) -> Option<&TenantName> {
    match entry {
        TenantEntry::Served(served) => Some(&served.model.name),
        TenantEntry::Broken(broken) => broken.name.as_ref(),
    }
}

/// The host, or the domain of a wildcard.
pub(super) fn domain_of(host: &HostPattern) -> &Host {
    let (HostPattern::Exact(domain) | HostPattern::Below(domain)) = host;
    domain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_hides_what_it_matches_whole() {
        for (first, second, expected) in [
            ("a.example", "a.example", true),
            ("*.a.example", "b.a.example", true),
            ("*.a.example", "*.a.example", true),
            ("*.a.example", "*.b.a.example", true),
            ("*.a.example", "a.example", false),
            ("*.b.a.example", "*.a.example", false),
            ("b.a.example", "*.a.example", false),
        ] {
            let [first, second] = [first, second].map(|host| HostPattern::parse(host).unwrap());
            assert_eq!(hides(&first, &second), expected, "{first} {second}");
        }
    }
}

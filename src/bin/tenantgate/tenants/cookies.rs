//! Cookies that browsers would send to the hosts of another tenant in etcd (`login.cookie_domain`).
//! Every tenant with a wildcard has such a domain around it.

use std::collections::BTreeSet;

use tenantgate::http::host::{Host, HostPattern};

use super::conflicts::domain_of;
use super::document::{self, Tenant};
use super::gate::Gate;
use super::index;
use super::plan::Wanted;
use crate::etcd::{Gateway, Pages, Pair, Range};

/// Refuses a tenant whose cookies a host of another one would get, or the reverse.
pub(super) fn refuse(wanted: &Wanted, gate: &Gate, etcd: &mut Gateway) -> Result<(), String> {
    if let Some(cookies) = &wanted.model.login.cookie_domain {
        own_domain(wanted, &cookies.domain, gate, etcd)?;
    }
    domains_around(wanted, gate, etcd)
}

/// The hosts within the own domain have to be those of this tenant.
fn own_domain(wanted: &Wanted, domain: &Host, gate: &Gate, etcd: &mut Gateway) -> Result<(), String> {
    let keys = gate.keys();
    let covers = |entry: &Pair| {
        let host = index::hosts_of(keys, &entry.key).map_or_else(String::new, |host| host.to_string());
        format!(
            "login.cookie_domain: \"{domain}\" covers \"{host}\" of tenant \"{}\" in etcd, where browsers would send the \
             cookies of this tenant; name a domain that has hosts of this tenant only",
            index::owner(entry)
        )
    };
    let exact = HostPattern::Exact(domain.clone());
    let itself = etcd.keys([keys.host(&exact).as_str()], 0)?.into_iter().flatten().next();
    let mut pages = Pages::new(&keys.hosts_below(domain), 0);
    let mut page = Some(itself.into_iter().collect::<Vec<_>>());
    while let Some(entries) = page {
        if let Some(other) = entries.iter().find(|entry| !index::is_of(entry, &wanted.name)) {
            return Err(covers(other));
        }
        page = pages.read(etcd)?;
    }
    Ok(())
}

/// No domain of another tenant may have a host of this one. Whoever has such a domain has all hosts
/// in it, so the first of another tenant tells.
fn domains_around(wanted: &Wanted, gate: &Gate, etcd: &mut Gateway) -> Result<(), String> {
    let keys = gate.keys();
    let mut domains = BTreeSet::new();
    for host in &wanted.hosts {
        let own = domain_of(host);
        domains.extend(std::iter::once(own.as_str()).chain(own.parents()).map(str::to_owned));
    }
    let domains: Vec<Host> = domains.iter().filter_map(|domain| Host::from_name(domain).ok()).collect();
    let ranges: Vec<Range> = domains
        .iter()
        .flat_map(|domain| {
            let itself = Range::one(&keys.host(&HostPattern::Exact(domain.clone())));
            [itself, Range { limit: ENOUGH, ..Range::below(&keys.hosts_below(domain)) }]
        })
        .collect();
    let mut others = BTreeSet::new();
    for found in etcd.ranges(&ranges)? {
        let other = found.pairs.iter().find(|entry| !index::is_of(entry, &wanted.name));
        others.extend(other.map(index::owner));
    }
    for tenant in tenants(&others, gate, etcd)? {
        let Some(domain) = document::cookie_domain(&tenant) else { continue };
        if let Some(host) = wanted.hosts.iter().find(|host| domain_of(host).is_within(&domain)) {
            return Err(format!(
                "hosts: browsers would send the cookies of tenant \"{}\" in etcd to \"{host}\", because its \
                 `login.cookie_domain` is \"{domain}\"; choose another host, or change that tenant",
                document::name(&tenant)
            ));
        }
    }
    Ok(())
}

/// Those tenants with these names that have a document.
fn tenants(names: &BTreeSet<String>, gate: &Gate, etcd: &mut Gateway) -> Result<Vec<Tenant>, String> {
    let keys: Vec<String> = names.iter().map(|name| gate.keys().document_of(name)).collect();
    let found = etcd.keys(keys.iter().map(String::as_str), 0)?;
    let opened = names.iter().zip(found).filter_map(|(name, pair)| gate.open(name, &pair?.value).ok());
    Ok(opened.map(|document| document.tenant).collect())
}

/// More than a tenant has hosts, so that the first of another one is among them.
const ENOUGH: usize = 128;

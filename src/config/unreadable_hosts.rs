//! Hosts that could not be read, compared with the wildcards of the other tenants. A wildcard would
//! take the requests of such a host, and its tenant would serve them.

use super::code::Code;
use super::cursor::Errors;
use super::hosts::UnreadableHost;
use super::tenant::PartialTenant;
use crate::http::host::HostPattern;
use crate::http::host_index::HostIndex;

/// Records a mistake of the whole configuration for each unreadable host that a wildcard of another
/// tenant takes, or may take because nobody knows which host was meant. A document in etcd may take
/// any of them.
pub(super) fn refuse_taken(tenants: &[PartialTenant], has_documents: bool, whole: &Errors) {
    let mut wildcards = HostIndex::default();
    // Of the tenants with a wildcard, two are enough to find another one for any tenant.
    let mut owners: Vec<(&PartialTenant, &HostPattern)> = Vec::new();
    for (position, partial) in tenants.iter().enumerate() {
        for pattern in partial.hosts.read.iter() {
            let HostPattern::Below(domain) = pattern else { continue };
            wildcards.add(domain, position);
            if owners.len() < 2 && !owners.iter().any(|(owner, _)| std::ptr::eq(*owner, partial)) {
                owners.push((partial, pattern));
            }
        }
    }
    for (index, partial) in tenants.iter().enumerate() {
        let is_other = |other: &PartialTenant| !std::ptr::eq(other, partial);
        for UnreadableHost { path, meant } in &partial.hosts.unreadable {
            let tenant = (partial.label.as_str(), index);
            if let Some(pattern) = meant {
                let taken =
                    taker(pattern, &wildcards).and_then(|(domain, position)| Some((domain, tenants.get(position)?)));
                if let Some((domain, other)) = taken.filter(|(_, other)| is_other(other)) {
                    let other = &other.label;
                    let message = format!(
                        "cannot be read, and \"*.{domain}\" of {other} would take its requests; write \"{pattern}\""
                    );
                    whole.add_for(Code::SHARED, tenant, path, message);
                } else if has_documents {
                    let message = format!(
                        "cannot be read, and a document in etcd (`tenants_from`) may take its requests; write \"{pattern}\""
                    );
                    whole.add_for(Code::SHARED, tenant, path, message);
                }
            } else if has_documents {
                let message = "cannot be read, and a document in etcd (`tenants_from`) may take its requests; write a DNS \
                               name without scheme, port and path (\"acme.example\")";
                whole.add_for(Code::SHARED, tenant, path, message.to_owned());
            } else if let Some((other, wildcard)) = owners.iter().find(|(other, _)| is_other(other)) {
                let other = &other.label;
                let message = format!(
                    "cannot be read, and \"{wildcard}\" of {other} or another wildcard may take its requests; write a DNS name \
                     without scheme, port and path (\"acme.example\")"
                );
                whole.add_for(Code::SHARED, tenant, path, message);
            }
        }
    }
}

/// The domain of the wildcard that takes the requests of `pattern` as long as `pattern` does not
/// exist, with the position of its tenant.
fn taker<'a>(pattern: &'a HostPattern, wildcards: &HostIndex) -> Option<(&'a str, usize)> {
    let found = |name| Some((name, wildcards.get(name)?));
    match pattern {
        HostPattern::Exact(host) => host.parents().find_map(found),
        HostPattern::Below(domain) => found(domain.as_str()).or_else(|| domain.parents().find_map(found)),
    }
}

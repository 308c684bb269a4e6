//! The index entries of hosts.

use tenantgate::http::host::HostPattern;
use tenantgate::tenant_documents::DocumentKeys;

use crate::etcd::{Gateway, Pages, Pair};

/// The hosts of an index entry. `None` if the key is none of a host.
pub(super) fn hosts_of(keys: DocumentKeys<'_>, key: &str) -> Option<HostPattern> {
    let labels: Vec<&str> = key.strip_prefix(&keys.hosts())?.rsplit('.').collect();
    HostPattern::parse(&labels.join(".")).ok()
}

/// The name of the tenant of an index entry.
pub(super) fn owner(entry: &Pair) -> String {
    String::from_utf8_lossy(&entry.value).into_owned()
}

/// Whether an index entry is of the tenant with this name.
pub(super) fn is_of(entry: &Pair, name: &str) -> bool {
    entry.value.eq_ignore_ascii_case(name.as_bytes())
}

/// All index entries of a tenant. The whole index is read for them.
pub(super) fn entries_of(name: &str, keys: DocumentKeys<'_>, etcd: &mut Gateway) -> Result<Vec<Pair>, String> {
    let mut own = Vec::new();
    let mut pages = Pages::new(&keys.hosts(), 0);
    while let Some(page) = pages.read(etcd)? {
        own.extend(page.into_iter().filter(|entry| is_of(entry, name)));
    }
    Ok(own)
}

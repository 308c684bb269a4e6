//! What a VM needs of the tenants of a configuration before the first request of each.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::tenant_table::TenantEntry;
use crate::http::host_table::HostTable;

/// What a VM needs of the tenants of a configuration before the first request of each. The VM that
/// has loaded the configuration without a mistake writes it for the others.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The places of the tenants in the bytes of the configuration.
    pub(crate) places: Vec<Range<usize>>,
    /// Their positions by host.
    pub(super) hosts: HostTable,
    /// The positions of those that fetch something.
    pub(super) fetching: Vec<usize>,
    /// The names of the identity headers of all.
    pub(crate) header_names: Vec<String>,
}

impl Outline {
    /// The outline of these tenants, which are at these places. `None` if one of them is broken, or
    /// if the places are those of other tenants.
    pub(super) fn new(
        places: Vec<Range<usize>>,
        entries: &[TenantEntry],
        hosts: HostTable,
        header_names: &mut dyn Iterator<Item = &str>,
    ) -> Option<Self> {
        if places.len() != entries.len() {
            return None;
        }
        let mut fetching = Vec::new();
        for (position, entry) in entries.iter().enumerate() {
            let TenantEntry::Served(tenant) = entry else { return None };
            if tenant.model.provider.source.is_some() {
                fetching.push(position);
            }
        }
        Some(Self { places, hosts, fetching, header_names: header_names.map(str::to_owned).collect() })
    }
}

//! The outline of the tenants of a configuration that was loaded without a mistake.

use std::ops::Range;
use std::sync::Arc;

use super::outline::{Outline, TakenNames};
use super::runtime::Runtime;
use super::tenant_table::ServedTenant;
use crate::session::store::StoreOutline;

impl Runtime {
    /// The outline of the tenants, which are at these places in the bytes of the configuration.
    /// `None` if one of them is broken or was deferred itself.
    pub(crate) fn outline(&self, places: Vec<Range<usize>>) -> Option<Outline> {
        let tenants: Vec<&Arc<ServedTenant>> = self.served().collect();
        if tenants.len() != self.entries().len() || tenants.len() != places.len() {
            return None;
        }
        let mut fetching = Vec::new();
        for (position, tenant) in tenants.iter().enumerate() {
            if tenant.model.provider.source.is_some() {
                fetching.push(position);
            }
        }
        Some(Outline {
            places,
            hosts: self.hosts().clone(),
            fetching,
            header_names: self.upstream().protected.written().map(str::to_owned).collect(),
            taken: self.documents().map(|_| taken_names(&tenants)),
            store: self.store().map(|_| StoreOutline::new(&self.revocations().collect::<Vec<_>>())),
        })
    }
}

fn taken_names(tenants: &[&Arc<ServedTenant>]) -> TakenNames {
    let mut taken = TakenNames::default();
    for (position, tenant) in tenants.iter().enumerate() {
        taken.names.replace(&tenant.model.name.as_str().to_ascii_lowercase(), position);
        if let Some(cookie_domain) = &tenant.model.login.cookie_domain {
            taken.cookie_domains.push(cookie_domain.domain.as_str().to_owned());
        }
    }
    taken
}

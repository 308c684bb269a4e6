//! The outline of the tenants of a loaded configuration.

use std::ops::Range;

use super::outline::{Outline, TakenNames};
use super::runtime::Runtime;
use super::tenant_table::TenantEntry;
use crate::http::host::Host;
use crate::session::store::StoreOutline;
use crate::tenant::TenantName;

impl Runtime {
    /// The outline of the tenants, which are at these places in the bytes of the configuration.
    /// `None` if they were deferred themselves.
    pub(crate) fn outline(&self, places: Vec<Range<usize>>) -> Option<Outline> {
        if places.len() != self.entries().len() {
            return None;
        }
        let (mut fetching, mut broken, mut taken, mut lists) =
            (Vec::new(), Vec::new(), TakenNames::default(), Vec::new());
        for (position, entry) in self.entries().iter().enumerate() {
            match entry {
                TenantEntry::Served(tenant) => {
                    if tenant.model.provider.source.is_some() {
                        fetching.push(position);
                    }
                    let cookie_domain = tenant.model.login.cookie_domain.as_ref().map(|cookies| &cookies.domain);
                    taken.add(Some(&tenant.model.name), cookie_domain, position);
                    lists.push(Some(tenant.revocations.clone()));
                }
                TenantEntry::Broken(tenant) => {
                    broken.push(position);
                    taken.add(tenant.name.as_ref(), tenant.cookie_domain.as_ref(), position);
                    lists.push(None);
                }
            }
        }
        Some(Outline {
            places,
            hosts: self.hosts().clone(),
            fetching,
            broken,
            broken_names: self.broken_names(),
            refreshes: self.refreshes(),
            header_names: self.upstream().protected.written().map(str::to_owned).collect(),
            taken: self.documents().map(|_| taken),
            store: self.store().map(|_| StoreOutline::new(&lists)),
        })
    }
}

impl TakenNames {
    fn add(&mut self, name: Option<&TenantName>, cookie_domain: Option<&Host>, position: usize) {
        if let Some(name) = name {
            self.names.replace(&name.as_str().to_ascii_lowercase(), position);
        }
        if let Some(domain) = cookie_domain {
            self.cookie_domains.push(domain.as_str().to_owned());
        }
    }
}

//! Tenants of a configuration that was checked before. Each is compiled at its first request, or
//! in a tick if it fetches something.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::documents::CompiledTenant;
use super::outline::Outline;
use super::tenant_table::{BrokenTenant, ServedTenant, TenantEntry};
use crate::env::Env;
use crate::http::host::Host;
use crate::http::host_table::HostTable;
use crate::seal::KeyRing;

/// Makes the models of the tenants of a configuration, by their positions. The configuration does
/// it, with the same code as for a load.
pub(crate) trait DeferredCompiler: fmt::Debug + Send + Sync {
    /// The tenant at this position, whose bytes are at this place of the configuration.
    fn compile(&self, position: usize, place: Range<usize>) -> CompiledTenant;
}

/// The tenants of a configuration that another VM of the process has loaded without a mistake.
#[derive(Debug)]
pub(crate) struct DeferredTenants {
    places: Vec<Range<usize>>,
    hosts: HostTable,
    entries: Vec<OnceLock<TenantEntry>>,
    compiler: Box<dyn DeferredCompiler>,
    ring: Arc<KeyRing>,
    /// The positions of the tenants that fetch something, which ticks compile.
    fetching: Vec<usize>,
    next_fetching: AtomicUsize,
    /// Those that were compiled, in this order.
    served: Mutex<Vec<Arc<ServedTenant>>>,
}

impl DeferredTenants {
    /// The tenants of this outline.
    pub(crate) fn new(outline: Outline, compiler: Box<dyn DeferredCompiler>, ring: Arc<KeyRing>) -> Self {
        let Outline { places, hosts, fetching, .. } = outline;
        let entries = std::iter::repeat_with(OnceLock::new).take(places.len()).collect();
        Self {
            places,
            hosts,
            entries,
            compiler,
            ring,
            fetching,
            next_fetching: AtomicUsize::default(),
            served: Mutex::default(),
        }
    }

    /// The number of tenants.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The tenant of this host.
    pub(super) fn find(&self, host: &Host, env: &Env<'_>) -> Option<TenantEntry> {
        self.entry(self.hosts.select(host)?, env)
    }

    /// Compiles some tenants that fetch something. Returns whether there are more.
    pub(super) fn compile_some(&self, env: &Env<'_>) -> bool {
        let start = self.next_fetching.fetch_add(AT_ONCE, Ordering::Relaxed);
        let rest = self.fetching.get(start..).unwrap_or_default();
        rest.iter().take(AT_ONCE).for_each(|position| drop(self.entry(*position, env)));
        rest.len() > AT_ONCE
    }

    /// The tenants that were compiled after the first `known`.
    pub(super) fn served_after(&self, known: usize) -> Vec<Arc<ServedTenant>> {
        let served = self.served.lock();
        served.map(|served| served.get(known..).unwrap_or_default().to_vec()).unwrap_or_default()
    }

    fn entry(&self, position: usize, env: &Env<'_>) -> Option<TenantEntry> {
        let slot = self.entries.get(position)?;
        let place = self.places.get(position)?;
        Some(slot.get_or_init(|| self.compile(position, place.clone(), env)).clone())
    }

    fn compile(&self, position: usize, place: Range<usize>, env: &Env<'_>) -> TenantEntry {
        let CompiledTenant { name, hosts, tenant } = self.compiler.compile(position, place);
        let entry = match tenant {
            Ok(model) => TenantEntry::deferred(model, &self.ring, env),
            // A load of the same input had no mistake, so this cannot be.
            Err(_) => {
                TenantEntry::Broken(Arc::new(BrokenTenant { name, hosts: hosts.to_vec(), ..BrokenTenant::default() }))
            }
        };
        if let (TenantEntry::Served(tenant), Ok(mut served)) = (&entry, self.served.lock()) {
            served.push(tenant.clone());
        }
        entry
    }
}

/// How many tenants a tick compiles: less than two milliseconds, during which no request is
/// answered.
const AT_ONCE: usize = 32;

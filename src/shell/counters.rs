//! One counter for each event, under `tenantgate.<event>` in the host's statistics, and a few gauges.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;

/// The counters of a VM. Events are words of this code, so there is a fixed number of them.
#[derive(Clone, Default)]
pub(super) struct Counters(Rc<RefCell<HashMap<&'static str, u32>>>);

impl Counters {
    /// Counts one occurrence.
    pub(super) fn count(&self, event: &'static str) {
        self.add(event, 1);
    }

    /// Counts so many occurrences. A host without statistics is no reason to do anything else differently.
    pub(super) fn add(&self, event: &'static str, count: u64) {
        let Some(id) = self.id(event).filter(|_| count > 0) else { return };
        let _ = hostcalls::increment_metric(id, i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Sets a gauge.
    pub(super) fn set(&self, name: &str, value: u64) {
        if let Ok(id) = hostcalls::define_metric(MetricType::Gauge, &format!("tenantgate.{name}")) {
            let _ = hostcalls::record_metric(id, value);
        }
    }

    fn id(&self, event: &'static str) -> Option<u32> {
        let mut ids = self.0.try_borrow_mut().ok()?;
        if let Some(id) = ids.get(event) {
            return Some(*id);
        }
        let id = hostcalls::define_metric(MetricType::Counter, &format!("tenantgate.{event}")).ok()?;
        ids.insert(event, id);
        Some(id)
    }
}

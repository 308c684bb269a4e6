//! The metrics of the host: counters of events, and a few gauges.

use std::cell::RefCell;
use std::collections::HashMap;

use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;

use crate::base::event::Event;
use crate::base::tally::{Counter, Tally};
use crate::base::tenant_name::TenantName;

/// The counters of a VM, as one plugin uses them.
#[derive(Clone, Copy, Default)]
pub(super) struct Counters {
    /// Whether each tenant has counters of its own.
    per_tenant: bool,
}

#[derive(Default)]
struct Metrics {
    tally: Tally,
    /// The ids of the metrics that the host has defined.
    ids: HashMap<Counter, u32>,
}

thread_local! {
    /// The metrics of this VM. A new configuration has a new root context in the same VM, and the
    /// streams of the old one count on.
    static METRICS: RefCell<Metrics> = RefCell::default();
}

impl Counters {
    /// The counters, with or without those of each tenant.
    pub(super) fn new(per_tenant: bool) -> Self {
        Self { per_tenant }
    }

    /// Counts one occurrence.
    pub(super) fn count(self, event: Event, tenant: Option<&TenantName>) {
        self.add(event, tenant, 1);
    }

    /// Counts several occurrences.
    pub(super) fn add(self, event: Event, tenant: Option<&TenantName>, count: u64) {
        let tenant = tenant.filter(|_| self.per_tenant);
        with_metrics(|Metrics { tally, ids }| {
            let now = tally.add(event, tenant, count);
            increment(ids, Counter { event, tenant: None }, now);
        });
    }

    /// Sends what was counted since the last tick to the host.
    pub(super) fn tick() {
        with_metrics(|Metrics { tally, ids }| {
            tally.drain().for_each(|(counter, count)| increment(ids, counter, count));
        });
    }

    /// Sets the gauge `tenantgate.<name>`.
    pub(super) fn set(name: &str, value: u64) {
        if let Ok(id) = hostcalls::define_metric(MetricType::Gauge, &format!("tenantgate.{name}")) {
            let _ = hostcalls::record_metric(id, value);
        }
    }
}

/// Runs `act` with the metrics. They are never in use here, because `act` makes no callback.
fn with_metrics(act: impl FnOnce(&mut Metrics)) {
    METRICS.with(|metrics| {
        if let Ok(mut metrics) = metrics.try_borrow_mut() {
            act(&mut metrics);
        }
    });
}

/// Adds to a counter of the host, which is defined if it is not yet. An error of the host is
/// ignored, because nothing else depends on the metrics.
fn increment(ids: &mut HashMap<Counter, u32>, counter: Counter, count: u64) {
    if count == 0 {
        return;
    }
    let id = match ids.get(&counter) {
        Some(id) => *id,
        None => {
            let Ok(id) = hostcalls::define_metric(MetricType::Counter, &counter.to_string()) else { return };
            *ids.entry(counter).or_insert(id)
        }
    };
    let _ = hostcalls::increment_metric(id, i64::try_from(count).unwrap_or(i64::MAX));
}

//! The metrics of the host: one counter for each event, `tenantgate.<event>`, and a few gauges.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;

use crate::base::event::Event;

/// The counters of a VM. [`Event`] has a fixed number of values, so clients cannot add counters.
#[derive(Clone, Default)]
pub(super) struct Counters(Rc<RefCell<HashMap<Event, Counter>>>);

#[derive(Default)]
struct Counter {
    /// The id of the metric, once the host has defined it.
    id: Option<u32>,
    /// Whether an update was sent to the host since the last tick.
    told: bool,
    /// The occurrences that were not sent to the host yet.
    pending: u64,
}

impl Counters {
    /// Counts one occurrence.
    pub(super) fn count(&self, event: Event) {
        self.add(event, 1);
    }

    /// Counts several occurrences. The first update after a tick is sent to the host at once, and
    /// the others at the next tick. Under a flood of requests, a host call for each occurrence
    /// would cost more than the rejection of an invalid token.
    pub(super) fn add(&self, event: Event, count: u64) {
        let Ok(mut counters) = self.0.try_borrow_mut() else { return };
        let counter = counters.entry(event).or_default();
        counter.pending = counter.pending.saturating_add(count);
        if !counter.told {
            counter.tell(event.name());
        }
    }

    /// Sends the pending occurrences of all events to the host.
    pub(super) fn tick(&self) {
        let Ok(mut counters) = self.0.try_borrow_mut() else { return };
        for (event, counter) in counters.iter_mut() {
            counter.tell(event.name());
            counter.told = false;
        }
    }

    /// Sets the gauge `tenantgate.<name>`.
    pub(super) fn set(&self, name: &str, value: u64) {
        if let Ok(id) = hostcalls::define_metric(MetricType::Gauge, &format!("tenantgate.{name}")) {
            let _ = hostcalls::record_metric(id, value);
        }
    }
}

impl Counter {
    /// Sends the pending occurrences of `event` to the host. An error of the host is ignored,
    /// because nothing else depends on the metrics.
    fn tell(&mut self, event: &str) {
        if self.pending == 0 {
            return;
        }
        let define = || hostcalls::define_metric(MetricType::Counter, &format!("tenantgate.{event}")).ok();
        self.id = self.id.or_else(define);
        if let Some(id) = self.id {
            let _ = hostcalls::increment_metric(id, i64::try_from(self.pending).unwrap_or(i64::MAX));
        }
        self.told = true;
        self.pending = 0;
    }
}

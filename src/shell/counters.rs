//! One counter for each event, under `tenantgate.<event>` in the host's statistics, and a few gauges.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;

use crate::base::event::Event;

/// The counters of a VM. Events are words of this code, so there is a fixed number of them.
#[derive(Clone, Default)]
pub(super) struct Counters(Rc<RefCell<HashMap<Event, Counter>>>);

#[derive(Default)]
struct Counter {
    id: Option<u32>,
    /// Whether the host was told since the last tick.
    told: bool,
    /// What it was not told yet.
    pending: u64,
}

impl Counters {
    /// Counts one occurrence.
    pub(super) fn count(&self, event: Event) {
        self.add(event, 1);
    }

    /// Counts so many occurrences. The host is told at once about the first between two ticks, and at the next tick about all others: in
    /// a flood, a host call for each would cost more than finding out that a token is none.
    pub(super) fn add(&self, event: Event, count: u64) {
        let Ok(mut counters) = self.0.try_borrow_mut() else { return };
        let counter = counters.entry(event).or_default();
        counter.pending = counter.pending.saturating_add(count);
        if !counter.told {
            counter.tell(event.name());
        }
    }

    /// Tells the host what it does not know yet.
    pub(super) fn tick(&self) {
        let Ok(mut counters) = self.0.try_borrow_mut() else { return };
        for (event, counter) in counters.iter_mut() {
            counter.tell(event.name());
            counter.told = false;
        }
    }

    /// Sets a gauge.
    pub(super) fn set(&self, name: &str, value: u64) {
        if let Ok(id) = hostcalls::define_metric(MetricType::Gauge, &format!("tenantgate.{name}")) {
            let _ = hostcalls::record_metric(id, value);
        }
    }
}

impl Counter {
    /// A host without statistics is no reason to do anything else differently.
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

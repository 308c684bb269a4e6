//! The metrics of the host: counters of events, the lines that sum them up, and a few gauges.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::SystemTime;

use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;

use crate::base::event::{Event, LogLine};
use crate::base::summary::Summary;
use crate::base::tally::{Counter, Tally};
use crate::base::tenant_name::TenantName;
use crate::base::time::UnixTime;

/// The counters of a VM, as one plugin uses them.
#[derive(Clone, Copy, Default)]
pub(super) struct Counters {
    /// Whether each tenant has counters of its own.
    per_tenant: bool,
}

#[derive(Default)]
struct Metrics {
    tally: Tally,
    summary: Summary,
    /// The ids of the counters that the host has defined.
    ids: HashMap<Counter, u32>,
    /// The ids of the gauges and histograms.
    recorded: HashMap<String, u32>,
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

    /// Defines the counters of all events, without those of tenants. A monitoring system sees the
    /// increase from zero to the first event only if the counter was there before.
    pub(super) fn define() {
        with_metrics(|Metrics { ids, .. }| {
            for event in Event::ALL {
                let counter = Counter { event: *event, tenant: None };
                if let Ok(id) = hostcalls::define_metric(MetricType::Counter, &counter.to_string()) {
                    ids.insert(counter, id);
                }
            }
        });
    }

    /// Counts one occurrence.
    pub(super) fn count(self, event: Event, tenant: Option<&TenantName>) {
        self.add(event, tenant, 1);
    }

    /// Counts several occurrences.
    pub(super) fn add(self, event: Event, tenant: Option<&TenantName>, count: u64) {
        with_metrics(|Metrics { tally, ids, summary, .. }| {
            summary.add(event, tenant, count);
            let now = tally.add(event, tenant.filter(|_| self.per_tenant), count);
            increment(ids, Counter { event, tenant: None }, now);
        });
    }

    /// Sends what was counted since the last tick to the host.
    pub(super) fn tick() {
        with_metrics(|Metrics { tally, ids, .. }| {
            tally.drain().for_each(|(counter, count)| increment(ids, counter, count));
        });
    }

    /// The lines for the log that sum up events, as far as they are due.
    pub(super) fn take_summary(now: UnixTime) -> Vec<String> {
        with_metrics(|Metrics { summary, .. }| summary.take(now))
    }

    /// Counts the event of a line. A line about the end of a login adds to the histogram
    /// `tenantgate.login_seconds`.
    pub(super) fn count_line(self, line: &LogLine) {
        self.count(line.event, line.tenant.as_ref());
        if let Some(seconds) = line.login_seconds {
            record(MetricType::Histogram, "login_seconds", seconds);
        }
    }

    /// Adds the time since `began`, when a call to a provider was made, to the histogram
    /// `tenantgate.provider_call_ms`.
    pub(super) fn call_ended(began: SystemTime) {
        let passed = hostcalls::get_current_time().ok().and_then(|now| now.duration_since(began).ok());
        if let Some(millis) = passed.and_then(|passed| u64::try_from(passed.as_millis()).ok()) {
            record(MetricType::Histogram, "provider_call_ms", millis);
        }
    }

    /// Sets the gauge `tenantgate.<name>`.
    pub(super) fn set(name: &str, value: u64) {
        record(MetricType::Gauge, name, value);
    }

    /// Sets the gauge `tenantgate.tenant_keys.<tenant>.age_seconds`, if tenants have metrics of
    /// their own.
    pub(super) fn set_keys_age(self, tenant: &TenantName, seconds: u64) {
        if self.per_tenant {
            record(MetricType::Gauge, &format!("tenant_keys.{tenant}.age_seconds"), seconds);
        }
    }
}

/// Runs `act` with the metrics. They are never in use here, because `act` makes no callback.
fn with_metrics<T: Default>(act: impl FnOnce(&mut Metrics) -> T) -> T {
    METRICS.with(|metrics| metrics.try_borrow_mut().map(|mut metrics| act(&mut metrics)).unwrap_or_default())
}

/// Sets a gauge of the host, or adds a value to a histogram. The metric `tenantgate.<name>` is
/// defined if it is not yet. An error of the host is ignored, because nothing else depends on the
/// metrics.
fn record(metric: MetricType, name: &str, value: u64) {
    with_metrics(|Metrics { recorded, .. }| {
        let id = match recorded.get(name) {
            Some(id) => *id,
            None => {
                let Ok(id) = hostcalls::define_metric(metric, &format!("tenantgate.{name}")) else { return };
                *recorded.entry(name.to_owned()).or_insert(id)
            }
        };
        let _ = hostcalls::record_metric(id, value);
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

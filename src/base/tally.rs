//! Occurrences of events that the host does not know of yet.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::event::Event;
use super::tenant_name::TenantName;

/// A counter of the host. Events are fixed, and only the configuration names tenants, so clients
/// cannot add counters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Counter {
    /// The event.
    pub event: Event,
    /// The tenant whose events it counts. Without one it counts all.
    pub tenant: Option<TenantName>,
}

/// Writes the name of the counter at the host: `tenantgate.events.<event>` or
/// `tenantgate.tenant_events.<tenant>.<event>`.
impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tenant {
            Some(tenant) => write!(f, "tenantgate.tenant_events.{tenant}.{}", self.event),
            None => write!(f, "tenantgate.events.{}", self.event),
        }
    }
}

/// What was counted and not sent to the host.
#[derive(Debug, Default)]
pub struct Tally {
    pending: HashMap<Counter, u64>,
    /// The events of which the host was told at once since the last [`drain`](Self::drain).
    told: HashSet<Event>,
}

impl Tally {
    /// Counts occurrences of an event, and those of `tenant`, if there is one. The result is what
    /// the host is to be told of all occurrences at once: the first after each
    /// [`drain`](Self::drain). Under a flood of requests, a host call for each occurrence would
    /// cost more than the rejection of an invalid token.
    pub fn add(&mut self, event: Event, tenant: Option<&TenantName>, count: u64) -> u64 {
        let mut add = |tenant| {
            let pending = self.pending.entry(Counter { event, tenant }).or_default();
            *pending = pending.saturating_add(count);
        };
        if let Some(tenant) = tenant {
            add(Some(tenant.clone()));
        }
        if count > 0 && self.told.insert(event) {
            return count;
        }
        add(None);
        0
    }

    /// Takes what the host was not told of yet.
    pub fn drain(&mut self) -> impl Iterator<Item = (Counter, u64)> {
        self.told.clear();
        self.pending.drain().filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tenant_name;

    fn drain(tally: &mut Tally) -> Vec<(String, u64)> {
        let mut drained: Vec<_> = tally.drain().map(|(counter, count)| (counter.to_string(), count)).collect();
        drained.sort();
        drained
    }

    #[test]
    fn the_total_is_told_at_once_and_the_rest_later() {
        let (acme, globex) = (tenant_name("acme.eu"), tenant_name("globex"));
        let mut tally = Tally::default();
        assert_eq!(drain(&mut tally), []);
        for _ in 0..2 {
            assert_eq!(tally.add(Event::Logout, Some(&acme), 1), 1);
            assert_eq!(tally.add(Event::Logout, Some(&globex), 2), 0);
            assert_eq!(tally.add(Event::UnknownHost, None, 3), 3);
            let expected = [("acme.eu.logout", 1), ("globex.logout", 2)];
            let mut expected =
                expected.map(|(name, count)| (format!("tenantgate.tenant_events.{name}"), count)).to_vec();
            expected.insert(0, ("tenantgate.events.logout".to_owned(), 2));
            assert_eq!(drain(&mut tally), expected);
        }
        assert_eq!(tally.add(Event::TokenCacheHits, None, 0), 0);
        assert_eq!(drain(&mut tally), []);
    }
}

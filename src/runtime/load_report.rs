//! The line for the log about a configuration that was loaded. Every VM of a process loads the same
//! one, and one of them writes the line.

use super::deferred::DeferredTenants;
use super::load_input::LoadInput;
use super::runtime::Runtime;
use super::tenant_table::TenantEntry;
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::change;

/// How many tenants serve, and how many are broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantCounts {
    /// Those that serve.
    pub serving: usize,
    /// Those whose hosts get 503.
    pub broken: usize,
}

impl Runtime {
    /// The numbers of its tenants.
    pub fn tenant_counts(&self) -> TenantCounts {
        let here = self.entries().iter().filter(|entry| matches!(entry, TenantEntry::Broken(_))).count();
        let broken = self.deferred().map_or(here, |deferred| deferred.broken().0);
        let all = self.entries().len().saturating_add(self.deferred().map_or(0, DeferredTenants::len));
        TenantCounts { serving: all.saturating_sub(broken), broken }
    }

    /// Whether this VM reports that it loaded this configuration: the first of those that load it
    /// within [`WINDOW`] does. Without shared data or time every VM does.
    pub fn reports_load(&self, input: &LoadInput, env: &Env<'_>) -> bool {
        let Ok(UnixTime(now)) = env.now() else { return true };
        let key = format!("tenantgate/loaded/{:x}", input.id());
        let mut is_reported = false;
        let claimed = change(env.shared(), &key, |bytes| {
            let last = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<u64>().ok());
            is_reported = last.is_some_and(|last| (last..last.saturating_add(WINDOW)).contains(&now));
            (!is_reported).then(|| now.to_string().into_bytes())
        });
        claimed.is_ok() || !is_reported
    }

    /// The first valid names of broken tenants.
    pub(super) fn broken_names(&self) -> Vec<String> {
        if let Some(deferred) = self.deferred() {
            return deferred.broken().1.to_vec();
        }
        let names = self.entries().iter().filter_map(|entry| match entry {
            TenantEntry::Broken(tenant) => tenant.name.as_ref().map(ToString::to_string),
            TenantEntry::Served(_) => None,
        });
        names.take(MAX_NAMES).collect()
    }

    /// The line about the tenants. The names of broken tenants without a valid name are missing.
    pub fn load_report(&self) -> LogLine {
        let TenantCounts { serving, broken } = self.tenant_counts();
        let names = self.broken_names();
        let text = match broken {
            0 => format!("{serving} tenants serve"),
            _ => format!("{serving} tenants serve, {broken} answer 503: {}", names.join(", ")),
        };
        let level = if broken == 0 { Level::Info } else { Level::Error };
        LogLine::with_text(level, Event::ConfigurationLoaded, None, format!("configuration loaded: {text}"))
    }
}

/// All workers of a process load a configuration within these seconds.
const WINDOW: u64 = 10;
/// The most tenants that are named.
const MAX_NAMES: usize = 20;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::jose::{HostAlgorithms, NoHostVerifier, Verifier};
    use crate::testing::{TestHost, TestSharedData, runtime};

    #[test]
    fn one_vm_reports_each_load() {
        let (shared, runtime) = (TestSharedData::default(), runtime(&["k"]));
        let reports = |configuration: &[u8], now: u64| {
            let mut host = TestHost::default();
            let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() };
            let input = LoadInput::new(&Arc::new(configuration.to_vec()), []);
            runtime.reports_load(&input, &Env::new(Some(UnixTime(now)), &mut host, verifier, &shared))
        };
        assert_eq!([reports(b"a", 100), reports(b"a", 100), reports(b"a", 109)], [true, false, false]);
        assert_eq!([reports(b"b", 100), reports(b"b", 101)], [true, false]);
        assert_eq!([reports(b"a", 110), reports(b"a", 111)], [true, false]);
        // A clock that was set back hides nothing.
        assert!(reports(b"a", 50));
    }
}

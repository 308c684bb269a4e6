//! `store`: the etcd that this replica has in common with others.

use std::time::Duration;

use super::cursor::Cursor;
use super::etcd;
use super::values::{duration, one_of};
use crate::env::Environment;
use crate::session::store::{StoreSettings, WhenAway};

/// Reads the section. `None` if it is absent or has a mistake.
pub(super) fn store(at: &Cursor<'_>, environment: &dyn Environment) -> Option<StoreSettings> {
    if !at.is_present() {
        return None;
    }
    let store = at.object();
    let settings = settings(&store.field("etcd"), environment);
    store.finish();
    settings
}

fn settings(at: &Cursor<'_>, environment: &dyn Environment) -> Option<StoreSettings> {
    let object = at.required_object();
    let etcd = etcd::etcd(at, &object, environment);
    let interval_at = object.field("interval");
    let interval = duration(&interval_at, DEFAULT_INTERVAL, MIN_INTERVAL..=MAX_INTERVAL);
    let staleness_at = object.field("max_staleness");
    let max_staleness = duration(&staleness_at, DEFAULT_STALENESS, MIN_INTERVAL..=MAX_STALENESS);
    let when_away_at = object.field("when_away");
    let when_away = match one_of(&when_away_at, &["serve", "refuse"]) {
        Some(0) => Some(WhenAway::Serve),
        Some(_) => Some(WhenAway::Refuse),
        None => (!when_away_at.is_present()).then_some(WhenAway::Serve),
    };
    object.finish();
    let (interval, max_staleness) = (interval?, max_staleness?);
    if max_staleness < interval.saturating_mul(2) {
        return staleness_at.refuse("is shorter than two times `interval`, so one late answer would count as none");
    }
    Some(StoreSettings { etcd: etcd?, interval, max_staleness, when_away: when_away? })
}

const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);
const MIN_INTERVAL: Duration = Duration::from_secs(1);
const MAX_INTERVAL: Duration = Duration::from_secs(60);
const DEFAULT_STALENESS: Duration = Duration::from_secs(30);
const MAX_STALENESS: Duration = Duration::from_secs(60 * 60);

//! `store`: the etcd that this replica has in common with others.

use std::sync::Arc;
use std::time::Duration;

use super::cursor::Cursor;
use super::load_context::Environment;
use super::provider::cluster;
use super::values::{duration, one_of, secret};
use crate::etcd::Etcd;
use crate::session::store::{StoreSettings, WhenAway};

/// Reads the section. `None` if it is absent or has a mistake.
pub(super) fn store(at: &Cursor<'_>, environment: &dyn Environment) -> Option<StoreSettings> {
    if !at.is_present() {
        return None;
    }
    let store = at.object();
    let settings = etcd(&store.field("etcd"), environment);
    store.finish();
    settings
}

fn etcd(at: &Cursor<'_>, environment: &dyn Environment) -> Option<StoreSettings> {
    let object = at.required_object();
    let cluster = cluster(&object.field("cluster"));
    let prefix = prefix(&object.field("prefix"));
    let (name_at, password_at) = (object.field("username"), object.field("password"));
    let (name, password) = (name_at.text(), secret(&password_at, environment));
    if name_at.is_present() != password_at.is_present() {
        at.error("has one of `username` and `password`; give both, or neither for an etcd without users");
    }
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
    let user = name.map(str::to_owned).zip(password);
    let etcd = Arc::new(Etcd::new(cluster?, prefix?, user));
    Some(StoreSettings { etcd, interval, max_staleness, when_away: when_away? })
}

/// Reads what every key begins with. A slash at its end keeps it from being the beginning of
/// another one.
fn prefix(at: &Cursor<'_>) -> Option<String> {
    match at.text() {
        None => (!at.is_present()).then(|| DEFAULT_PREFIX.to_owned()),
        Some(text) if text.len() > 1 && text.ends_with('/') && text.bytes().all(|b| b.is_ascii_graphic()) => {
            Some(text.to_owned())
        }
        Some(text) => at.refuse(format!("{text:?} is not a prefix of keys; write it as \"{DEFAULT_PREFIX}\"")),
    }
}

const DEFAULT_PREFIX: &str = "/tenantgate/";
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);
const MIN_INTERVAL: Duration = Duration::from_secs(1);
const MAX_INTERVAL: Duration = Duration::from_secs(60);
const DEFAULT_STALENESS: Duration = Duration::from_secs(30);
const MAX_STALENESS: Duration = Duration::from_secs(60 * 60);

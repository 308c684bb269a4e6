//! `tenants[].refresh`: whether and how often sessions are refreshed.

use std::time::Duration;

use super::cursor::Cursor;
use super::values::duration;
use crate::tenant::Refresh;

/// Reads the section. `Some(None)` if it is absent, `None` if it has a mistake.
pub(super) fn refresh(at: &Cursor<'_>) -> Option<Option<Refresh>> {
    if !at.is_present() {
        return Some(None);
    }
    let object = at.object();
    let interval = duration(&object.field("interval"), DEFAULT_INTERVAL, MIN_INTERVAL..=MAX_INTERVAL);
    object.finish();
    Some(Some(Refresh { interval: interval? }))
}

const DEFAULT_INTERVAL: Duration = Duration::from_secs(10 * 60);
const MIN_INTERVAL: Duration = Duration::from_secs(60);
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

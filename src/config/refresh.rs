//! `tenants[].refresh`: whether and how often an identity is asked for again.

use std::time::Duration;

use super::cursor::Cursor;
use super::values::duration;
use crate::tenant::Refresh;

/// `Some(None)` without the section.
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

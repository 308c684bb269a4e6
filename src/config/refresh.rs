//! `tenants[].refresh`: whether and how often sessions are refreshed.

use std::time::Duration;

use super::cursor::Cursor;
use super::values::duration;
use crate::tenant::{Refresh, WithoutToken};

/// Reads the section. `Some(None)` if it is absent, `None` if it has a mistake.
pub(super) fn refresh(at: &Cursor<'_>) -> Option<Option<Refresh>> {
    if !at.is_present() {
        return Some(None);
    }
    let object = at.object();
    let (interval_at, max_stale_at) = (object.field("interval"), object.field("max_stale"));
    let interval = duration(&interval_at, DEFAULT_INTERVAL, MIN_INTERVAL..=MAX_INTERVAL);
    let without_token = without_token(&object.field("without_token"));
    let twice = interval.unwrap_or(DEFAULT_INTERVAL).saturating_mul(2);
    let max_stale = duration(&max_stale_at, twice, MIN_INTERVAL..=MAX_STALE);
    let revoke_at_sign_out = object.field("revoke_at_sign_out").boolean().unwrap_or(true);
    object.finish();
    let (interval, max_stale) = (interval?, max_stale?);
    if max_stale < interval {
        return max_stale_at.refuse("is shorter than `interval`, so sessions would end before they are refreshed");
    }
    Some(Some(Refresh { interval, max_stale, without_token: without_token?, revoke_at_sign_out }))
}

fn without_token(at: &Cursor<'_>) -> Option<WithoutToken> {
    match at.text() {
        None => (!at.is_present()).then_some(WithoutToken::End),
        Some("end") => Some(WithoutToken::End),
        Some("keep") => Some(WithoutToken::Keep),
        Some(_) => at.refuse("has to be `end` or `keep`"),
    }
}

const DEFAULT_INTERVAL: Duration = Duration::from_secs(10 * 60);
const MIN_INTERVAL: Duration = Duration::from_secs(1);
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_STALE: Duration = Duration::from_secs(48 * 60 * 60);

//! `stats`: which counters there are.

use super::cursor::Cursor;

/// Reads whether each tenant has counters of its own.
pub(super) fn stats(at: &Cursor<'_>) -> bool {
    let object = at.object();
    let per_tenant = object.field("per_tenant").boolean().unwrap_or(true);
    object.finish();
    per_tenant
}

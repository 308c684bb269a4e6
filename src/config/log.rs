//! `log`: what the log has beside the line of each event.

use super::cursor::Cursor;
use crate::base::log_settings::LogSettings;

/// Reads the settings of the log.
pub(super) fn log(at: &Cursor<'_>) -> LogSettings {
    let object = at.object();
    let users = object.field("users").boolean().unwrap_or(false);
    let audit = object.field("audit").boolean().unwrap_or(false);
    object.finish();
    LogSettings { users, audit }
}

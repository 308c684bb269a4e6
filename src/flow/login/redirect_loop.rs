//! The guard against redirect loops. If a login ends well and its session is not accepted, the next login begins at
//! once, and an issuer that remembers the person ends it at once: the browser would go round for ever.
//!
//! So each finished login leaves a count in a short-lived cookie, and the next login continues it. The count is not
//! sealed: it has to be readable where nothing that is sealed can be opened, and a forged count causes a page with a
//! link at worst.

use std::time::Duration;

use crate::http::cookie;
use crate::http::request::RequestHead;
use crate::tenant::{Login, TenantCookies};

/// How many logins of this browser came just before.
pub(super) fn count(head: &RequestHead, login: &Login) -> u8 {
    let name = TenantCookies::new(login).redirect_loop();
    let counts = cookie::sent(head).filter(|(sent, _)| *sent == name.as_bytes()).take(MAX_TRIES);
    counts.filter_map(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok()).max().unwrap_or(0)
}

/// Whether one more login would be one too many.
pub(super) fn is_detected(before: u8) -> bool {
    before >= MAX_IN_A_ROW
}

/// The `Set-Cookie` value after one more login.
pub(super) fn increment(before: u8, login: &Login) -> Option<String> {
    let cookies = TenantCookies::new(login);
    cookies.set(&cookies.redirect_loop(), &before.saturating_add(1).to_string(), WINDOW)
}

/// The `Set-Cookie` value that begins to count anew.
pub(super) fn reset(login: &Login) -> String {
    let cookies = TenantCookies::new(login);
    cookies.delete(&cookies.redirect_loop())
}

const MAX_IN_A_ROW: u8 = 3;
/// Between the end of one login and the beginning of the next: a browser that is sent round takes no longer, a person does.
const WINDOW: Duration = Duration::from_secs(30);
const MAX_TRIES: usize = 4;

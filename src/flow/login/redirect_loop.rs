//! Detection of redirect loops. If a login succeeds and its session is not accepted, the next login
//! begins at once, and an issuer with a session for the user ends it at once: the browser would be
//! redirected without end.
//!
//! Therefore each finished login stores a count in a short-lived cookie, and the next login
//! continues it. The count is not sealed, because it has to be readable even if no sealed cookie
//! can be opened. A forged count causes at worst a page with a link.
//!
//! Scenarios: `tests/scenarios/{login,session}.rs`.

use std::time::Duration;

use crate::http::cookie;
use crate::http::request::RequestHead;
use crate::tenant::{Login, TenantCookies};

/// The number of logins of this browser just before.
pub(super) fn count(head: &RequestHead, login: &Login) -> u8 {
    let name = TenantCookies::new(login).redirect_loop();
    let counts = cookie::sent(head).filter(|(sent, _)| *sent == name.as_bytes()).take(MAX_TRIES);
    counts.filter_map(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok()).max().unwrap_or(0)
}

/// Whether another login would continue a redirect loop.
pub(super) fn is_detected(before: u8) -> bool {
    before >= MAX_IN_A_ROW
}

/// The `Set-Cookie` value after one more login. `None` if browsers would drop the cookie.
pub(super) fn increment(before: u8, login: &Login) -> Option<String> {
    let cookies = TenantCookies::new(login);
    cookies.set(&cookies.redirect_loop(), &before.saturating_add(1).to_string(), WINDOW)
}

/// The `Set-Cookie` value that deletes the count.
pub(super) fn reset(login: &Login) -> String {
    let cookies = TenantCookies::new(login);
    cookies.delete(&cookies.redirect_loop())
}

/// The number of logins after which the next one is refused.
const MAX_IN_A_ROW: u8 = 3;
/// The longest time between the end of one login and the beginning of the next one in a loop. A
/// redirected browser needs less, a user more.
const WINDOW: Duration = Duration::from_secs(30);
/// The most cookies of the same name that are read.
const MAX_TRIES: usize = 4;

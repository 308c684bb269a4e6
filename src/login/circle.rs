//! The guard against going round in circles. A login that ends well and is refused at once would begin again, and an issuer that
//! remembers the person would end it again, without end and without anybody being told.
//!
//! So each finished login leaves a count in a short-lived cookie, and the next one goes on counting. The count is in clear: it has to be
//! readable where nothing that is sealed can be opened, and the worst that a forged one does is a page with a link.

use std::time::Duration;

use crate::cookie::{self, Cookies};
use crate::request::RequestHead;
use crate::tenant::Tenant;

/// How many logins of this browser came just before.
pub(super) fn before(head: &RequestHead, tenant: &Tenant) -> u8 {
    let name = Cookies::of(tenant).circle();
    let counts = cookie::sent(head).filter(|(sent, _)| *sent == name.as_bytes()).take(MAX_TRIES);
    counts.filter_map(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok()).max().unwrap_or(0)
}

/// Whether one more login would be one too many.
pub(super) fn is_closed(before: u8) -> bool {
    before >= MAX_IN_A_ROW
}

/// The `Set-Cookie` value after one more login.
pub(super) fn count(before: u8, tenant: &Tenant) -> Option<String> {
    let cookies = Cookies::of(tenant);
    cookies.set(&cookies.circle(), &before.saturating_add(1).to_string(), WINDOW)
}

/// The `Set-Cookie` value that begins to count anew.
pub(super) fn forget(tenant: &Tenant) -> String {
    let cookies = Cookies::of(tenant);
    cookies.delete(&cookies.circle())
}

const MAX_IN_A_ROW: u8 = 3;
/// Between the end of one login and the beginning of the next: a browser that is sent round takes no longer, a person does.
const WINDOW: Duration = Duration::from_secs(30);
const MAX_TRIES: usize = 4;

//! The first leg: away to the issuer.

use super::attempt::{Attempt, surplus};
use super::authorization;
use crate::cookie::{self, Cookies};
use crate::denial::Denial;
use crate::env::Env;
use crate::reply::{Level, LocalReply};
use crate::visit::Visit;

/// Sends the browser to the tenant's issuer, with a cookie that brings it back to the page that it asks for now.
pub(crate) fn begin(visit: &Visit<'_>, env: &mut Env<'_>) -> Result<LocalReply, Denial> {
    let Visit { head, gate, host, tenant, target, asker } = visit;
    let page = target.to_string();
    if page.len() > MAX_PAGE {
        return Err(Denial::AddressTooLong);
    }
    let now = env.now()?;
    let timeout = tenant.login.timeout;
    let attempt = Attempt::new(host, page, now.plus(timeout), env)?;
    let sealed = attempt.seal(tenant, gate, env)?;

    let cookies = Cookies::of(tenant);
    let cookie = cookies.set(&attempt.cookie_name(tenant), &sealed, timeout).ok_or(Denial::AddressTooLong)?;
    let ask = cookies.ask();
    let asked = cookie::sent(head).any(|(name, _)| name == ask.as_bytes());
    let url = authorization::url(tenant, &attempt, &tenant.redirect_uri(host), asked)?;
    let note = asker.note(Level::Debug, "login_started", "sent to the issuer");
    let reply = LocalReply::redirect(url, note).with_cookie(cookie);
    let reply = if asked { reply.with_cookie(cookies.delete(&ask)) } else { reply };
    let surplus = surplus(head, tenant, gate, now);
    Ok(surplus.iter().fold(reply, |reply, name| reply.with_cookie(cookies.delete(name))))
}

/// Sealed, this still fits into a cookie with all else that an attempt holds.
const MAX_PAGE: usize = 2048;

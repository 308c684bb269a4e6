//! The first leg: away to the issuer.

use super::attempt::{Attempt, surplus};
use super::{authorization, circle};
use crate::cookie::{self, Cookies};
use crate::denial::Denial;
use crate::env::Env;
use crate::page::Way;
use crate::reply::{Level, LocalReply};
use crate::visit::Visit;

/// Sends the browser to the tenant's issuer, with a cookie that brings it back to the page that it asks for now.
pub(crate) fn begin(visit: &Visit<'_>, env: &mut Env<'_>) -> Result<LocalReply, Denial> {
    begin_for(visit, visit.target.to_string(), circle::before(visit.head, &visit.tenant), env)
}

/// As [`begin`], for the start page, in the place of a login that cannot go on.
pub(super) fn begin_again(visit: &Visit<'_>, env: &mut Env<'_>) -> Result<LocalReply, Denial> {
    let before = circle::before(visit.head, &visit.tenant);
    let reply = begin_for(visit, "/".to_owned(), before, env)?;
    Ok(circle::count(before, &visit.tenant).into_iter().fold(reply, LocalReply::with_cookie))
}

fn begin_for(visit: &Visit<'_>, page: String, before: u8, env: &mut Env<'_>) -> Result<LocalReply, Denial> {
    let Visit { head, gate, host, tenant, .. } = visit;
    let asker = visit.asker();
    if page.len() > MAX_PAGE {
        return Err(Denial::AddressTooLong);
    }
    if circle::is_closed(before) {
        let way = Way::Link { href: format!("{}{page}", tenant.origin(host)), label: "Try again" };
        return Ok(asker.refuse_with(&Denial::LoginCircle, Some(way)).with_cookie(circle::forget(tenant)));
    }
    let now = env.now()?;
    let timeout = tenant.login.timeout;
    let attempt = Attempt::new(host, page, before, now.plus(timeout), env)?;
    let sealed = attempt.seal(tenant, gate, env)?;

    let cookies = Cookies::of(tenant);
    let name = attempt.cookie_name(tenant);
    let cookie = cookies.set(&name, &sealed, timeout).ok_or(Denial::AddressTooLong)?;
    let surplus = surplus(head, tenant, gate, now, name.len().saturating_add(sealed.len()));
    let ask = cookies.ask();
    let asked = cookie::sent(head).any(|(name, _)| name == ask.as_bytes());
    let url = authorization::url(tenant, &attempt, &tenant.redirect_uri(host), asked)?;
    let note = asker.note(Level::Debug, "login_started", "sent to the issuer");
    let reply = LocalReply::redirect(url, note).with_cookie(cookie);
    let reply = if asked { reply.with_cookie(cookies.delete(&ask)) } else { reply };
    Ok(surplus.iter().fold(reply, |reply, name| reply.with_cookie(cookies.delete(name))))
}

/// Sealed, this still fits into a cookie with all else that an attempt holds.
const MAX_PAGE: usize = 2048;

//! The beginning of a login: the redirect to the authorization endpoint.
//!
//! Scenarios: `tests/scenarios/login.rs`.

use super::attempt::{Attempt, surplus};
use super::{authorization_request, redirect_loop};
use crate::base::event::{Event, Level};
use crate::env::{Env, HostFailure};
use crate::error::LoginError;
use crate::http::cookie;
use crate::http::reply::LocalReply;
use crate::http::request::RequestHead;
use crate::runtime::RequestContext;
use crate::tenant::TenantCookies;

/// Redirects the browser to the issuer of the tenant. A cookie stores the page to return to.
///
/// # Errors
/// [`LoginError`] if the address is too long, the endpoint is not known yet, or the host fails.
pub(crate) fn begin(context: &RequestContext, env: &mut Env<'_>) -> Result<LocalReply, LoginError> {
    let count = redirect_loop::count(&context.head, &context.tenant().login);
    begin_for(context, Beginning::at(context.target().to_string(), count), env)
}

/// Begins a login like `begin`, but with the start page as the page to return to. It replaces a
/// login whose attempt cannot be opened any more.
///
/// # Errors
/// [`LoginError`], as for `begin`.
pub(super) fn begin_again(context: &RequestContext, env: &mut Env<'_>) -> Result<LocalReply, LoginError> {
    let login = &context.tenant().login;
    let count = redirect_loop::count(&context.head, login);
    let reply = begin_for(context, Beginning::at("/".to_owned(), count), env)?;
    Ok(redirect_loop::increment(count, login).into_iter().fold(reply, LocalReply::with_cookie))
}

/// How a login begins.
pub(super) struct Beginning<'a> {
    /// The page to return to: path, query and fragment.
    pub(super) page: String,
    /// The number of logins of this browser just before.
    pub(super) logins_before: u8,
    /// The `login_hint` of a third party.
    pub(super) hint: Option<&'a str>,
    /// Whether the issuer has to ask for credentials, whatever the cookies say.
    pub(super) asks: bool,
}

impl Beginning<'_> {
    /// The beginning of a login that returns to `page`.
    pub(super) fn at(page: String, logins_before: u8) -> Self {
        Self { page, logins_before, hint: None, asks: false }
    }
}

/// Begins a login.
///
/// # Errors
/// [`LoginError`], as for `begin`.
pub(super) fn begin_for(
    context: &RequestContext,
    beginning: Beginning<'_>,
    env: &mut Env<'_>,
) -> Result<LocalReply, LoginError> {
    let Beginning { page, logins_before, hint, asks: must_ask } = beginning;
    let RequestContext { head, runtime, host, served, .. } = context;
    let tenant = context.tenant();
    if page.len() > MAX_PAGE {
        return Err(LoginError::AddressTooLong);
    }
    let reply_context = context.reply_context();
    if redirect_loop::is_detected(logins_before) {
        let page = format!("{}{page}", tenant.origin(host));
        let reply = reply_context.refuse_at(&LoginError::RedirectLoop.into(), Some(&page));
        return Ok(reply.with_cookie(redirect_loop::reset(&tenant.login)));
    }
    let now = env.now().map_err(HostFailure::from)?;
    let timeout = tenant.login.timeout;
    let attempt = Attempt::new(host, page, logins_before, now.plus(timeout), env).map_err(HostFailure::from)?;
    let sealed = attempt.seal(tenant, runtime.ring(), env).map_err(HostFailure::from)?;

    let cookies = TenantCookies::new(&tenant.login);
    let name = attempt.cookie_name(&tenant.login);
    let cookie = cookies.set(&name, &sealed, timeout).ok_or(LoginError::AddressTooLong)?;
    let surplus = surplus(head, tenant, runtime.ring(), now, name.len().saturating_add(sealed.len()));
    let asks = must_ask || asks(head, &cookies);
    let url = authorization_request::url(&served.provider, &attempt, &tenant.redirect_uri(host), hint, asks)?;
    // A filter before this one removes what clients send under this name.
    let is_second = tenant.headers.tenant.as_ref().is_some_and(|name| head.has(name));
    let reason = if is_second { SECOND } else { "sent to the issuer" };
    let log = reply_context.log(Level::Debug, Event::LoginStarted, reason);
    let reply = LocalReply::redirect(url, log).with_cookie(cookie);
    Ok(surplus.iter().fold(reply, |reply, name| reply.with_cookie(cookies.delete(name))))
}

/// The reason for the log if the request has the header that the upstream gets.
const SECOND: &str = "sent to the issuer; the request has the header of the tenant for the upstream, so Tenantgate \
                      stands twice in the chain of filters, or a client sent it";

/// Whether the issuer has to ask for credentials. The cookie that says so stays until a login ends
/// with a session, because a user can leave the issuer's page and come back.
pub(super) fn asks(head: &RequestHead, cookies: &TenantCookies<'_>) -> bool {
    let ask = cookies.ask();
    cookie::sent(head).any(|(name, _)| name == ask.as_bytes())
}

/// The longest address to return to, in bytes. Sealed with the rest of the attempt, it still fits
/// into a cookie.
pub(super) const MAX_PAGE: usize = 2048;

//! Logout in a frame: the issuer loads the logout URI of Tenantgate in the user's browser (OpenID
//! Connect Front-Channel Logout 1.0).
//!
//! Any site can load it, so the parameters alone end no session: they have to match the session of
//! the cookie that the browser sends.
//!
//! Scenarios: `tests/scenarios/frontchannel.rs`.

use std::borrow::Cow;

use url::{Url, form_urlencoded};

use super::end_session::{delete_cookies, revoke};
use crate::base::event::{Event, Level};
use crate::env::Env;
use crate::http::page_layout::Page;
use crate::http::reply::LocalReply;
use crate::oauth::discovery::Provider;
use crate::runtime::RequestContext;
use crate::session::Session;
use crate::session::revocation::RevocationEntry;
use crate::tenant::Tenant;

/// Ends the session of the cookie if the parameters match it, and with it all sessions that belong
/// to the same session at the issuer.
pub(crate) fn frontchannel_logout(context: &RequestContext, env: &Env<'_>) -> LocalReply {
    let head = &context.head;
    let sid = (head.only(":method") == Some(b"GET")).then(|| sid(context.target().query, context.tenant())).flatten();
    let session = env.now().ok().and_then(|now| context.sessions(now).find(head)).map(Session::into_record);
    let session = session.filter(|session| session.sid.is_some() && session.sid == sid);
    let (event, title, message) = match &session {
        Some(_) => (Event::FrontchannelLogout, "Signed out", "You are signed out of this site."),
        None => (
            Event::FrontchannelLogoutIgnored,
            "Not signed out",
            "Your browser has no session that this sign-out is about.",
        ),
    };
    let page = Page { event, title, message, action: None };
    let reply_context = context.reply_context();
    let log = reply_context.log(Level::Debug, event, "asked for in a frame");
    let framed_by = framed_by(&context.served.provider);
    let reply = reply_context.page_in_frame(200, &page, Some(&framed_by), log);
    match session {
        Some(session) => {
            revoke(&session, session.sid.as_deref().map(RevocationEntry::sid), context, env);
            delete_cookies(reply, context)
        }
        None => reply,
    }
}

/// `sid` of the request (section 3), if `iss` is the issuer of this tenant and neither is repeated.
fn sid(query: Option<&str>, tenant: &Tenant) -> Option<String> {
    let one = |name: &str| {
        let mut values = form_urlencoded::parse(query?.as_bytes()).filter(|(other, _)| other == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    };
    one("iss").filter(|issuer| *issuer == tenant.issuer)?;
    one("sid").map(Cow::into_owned)
}

/// The origins of the issuer, which alone may show the page in a frame.
fn framed_by(provider: &Provider) -> String {
    let issuer = Url::parse(&provider.tenant().issuer).ok();
    let mut origins: Vec<String> = issuer
        .into_iter()
        .chain(provider.end_session_endpoint())
        .map(|url| url.origin().ascii_serialization())
        .collect();
    origins.dedup();
    origins.join(" ")
}

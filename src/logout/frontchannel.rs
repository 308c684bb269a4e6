//! The issuer loads a page of ours in a frame of its own (OpenID Connect Front-Channel Logout 1.0).
//!
//! Who loads it is not known, so the parameters alone end nothing: they have to be those of a session whose cookie comes along.

use std::borrow::Cow;

use url::{Url, form_urlencoded};

use super::{delete_cookies, end};
use crate::env::Env;
use crate::page::Page;
use crate::reply::{Level, LocalReply};
use crate::revocation::Mark;
use crate::session::Session;
use crate::tenant::Tenant;
use crate::visit::Visit;

/// Ends the session that came along, if it is the one that is meant, and with it all that belong to the same session at the issuer.
pub(crate) fn frontchannel_logout(visit: &Visit<'_>, env: &Env<'_>) -> LocalReply {
    let Visit { head, gate, tenant, target, .. } = visit;
    let asker = visit.asker();
    let session = env.now().ok().and_then(|now| Session::of(head, tenant, gate, now)).map(Session::into_record);
    let meant = (head.only(":method") == Some(b"GET")).then(|| meant(target.query, tenant)).flatten();
    let session = session.filter(|session| session.sid.is_some() && session.sid == meant);
    let (event, title, message) = match &session {
        Some(_) => ("frontchannel_logout", "Signed out", "You are signed out of this site."),
        None => ("frontchannel_logout_ignored", "Not signed out", "There is no such session here to sign out of."),
    };
    let page = Page { code: event, title, message, way: None };
    let note = asker.note(Level::Debug, event, "asked for in a frame");
    let reply = LocalReply::page_in_frame(200, &page, Some(&framed_by(tenant)), &asker, note);
    match session {
        Some(session) => {
            end(&session, session.sid.as_deref().map(Mark::sid), visit, env);
            delete_cookies(reply, visit)
        }
        None => reply,
    }
}

/// The `sid` of the request (section 3), if its `iss` is this tenant's issuer and each is there once.
fn meant(query: Option<&str>, tenant: &Tenant) -> Option<String> {
    let one = |name: &str| {
        let mut values = form_urlencoded::parse(query?.as_bytes()).filter(|(other, _)| other == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    };
    one("iss").filter(|issuer| *issuer == tenant.issuer)?;
    one("sid").map(Cow::into_owned)
}

/// The origins of the issuer: nobody else puts the page into a frame.
fn framed_by(tenant: &Tenant) -> String {
    let issuer = Url::parse(&tenant.issuer).ok();
    let mut origins: Vec<String> = issuer
        .into_iter()
        .chain(tenant.provider.end_session_endpoint())
        .map(|url| url.origin().ascii_serialization())
        .collect();
    origins.dedup();
    origins.join(" ")
}

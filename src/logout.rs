//! Signing out (OpenID Connect RP-Initiated Logout 1.0).

use crate::cookie::{self, Cookies};
use crate::env::Env;
use crate::page::{Page, Way};
use crate::reply::{Level, LocalReply};
use crate::session::{Brought, Session};
use crate::tenant::Tenant;
use crate::visit::Visit;

/// Ends the session here, and at the issuer if it has an endpoint for that. Another site can only bring up the question.
pub(crate) fn logout(visit: &Visit<'_>, env: &Env<'_>) -> LocalReply {
    let Visit { head, gate, tenant, asker, .. } = visit;
    if !wanted_here(visit) {
        return confirmation(visit);
    }
    let cookies = Cookies::of(tenant);
    let circle = cookies.circle();
    let had_session = env.now().is_ok_and(|now| Session::of(head, tenant, gate, now).is_some());
    let reply = match end_session_url(tenant) {
        Some(url) if had_session => {
            LocalReply::redirect(url, asker.note(Level::Debug, "logout", "sent to the issuer to end its session, too"))
        }
        _ => signed_out(visit),
    };
    // Whatever its state, a cookie of ours that was sent goes, with the attributes it was set with.
    let mut deleted = Brought::by(head, tenant).delete(tenant);
    if cookie::sent(head).any(|(sent, _)| sent == circle.as_bytes()) {
        deleted.push(cookies.delete(&circle));
    }
    deleted.into_iter().fold(reply, LocalReply::with_cookie)
}

/// Whether the person asked for it on a page of this origin, or typed the address. Browsers without Fetch Metadata tell by `Origin`
/// whether a form was sent from elsewhere.
fn wanted_here(visit: &Visit<'_>) -> bool {
    let Visit { head, tenant, host, .. } = visit;
    if head.has("sec-fetch-site") {
        return matches!(head.only("sec-fetch-site"), Some(b"same-origin" | b"none"));
    }
    !head.has("origin") || head.only("origin") == Some(tenant.origin(host).as_bytes())
}

/// Without an ID token to hint with, `client_id` tells the issuer who asks (section 2).
fn end_session_url(tenant: &Tenant) -> Option<String> {
    let mut url = tenant.provider.end_session_endpoint.clone()?;
    url.query_pairs_mut().append_pair("client_id", &tenant.client.id);
    if let Some(back) = &tenant.login.post_logout_redirect_uri {
        url.query_pairs_mut().append_pair("post_logout_redirect_uri", back.as_str());
    }
    Some(url.into())
}

fn confirmation(visit: &Visit<'_>) -> LocalReply {
    let Visit { tenant, asker, .. } = visit;
    let leads_to = tenant.provider.end_session_endpoint.as_ref().map(|url| url.origin().ascii_serialization());
    let way = Way::Button { action: tenant.login.logout_path.clone(), label: "Sign out", leads_to };
    let page = Page {
        code: "logout_unconfirmed",
        title: "Sign out?",
        message: "Another site sent you here. You are still signed in.",
        way: Some(way),
    };
    LocalReply::page(200, &page, asker, asker.note(Level::Debug, page.code, "asked for by another site"))
}

fn signed_out(visit: &Visit<'_>) -> LocalReply {
    let page = Page {
        code: "signed_out",
        title: "Signed out",
        message: "You are signed out of this site.",
        way: Some(Way::sign_in("/")),
    };
    LocalReply::page(200, &page, &visit.asker, visit.asker.note(Level::Debug, "logout", "session ended here"))
}

//! Signing out here, and by way of here at the issuer (OpenID Connect RP-Initiated Logout 1.0).

use super::{delete_cookies, end};
use crate::env::Env;
use crate::navigation::is_speculative;
use crate::page::{Page, Way};
use crate::reply::{Level, LocalReply};
use crate::session::{Session, SessionRecord};
use crate::tenant::Tenant;
use crate::visit::Visit;

/// Ends the session here, and at the issuer if it has an endpoint for that. Another site can only bring up the question.
pub(crate) fn logout(visit: &Visit<'_>, env: &Env<'_>) -> LocalReply {
    let Visit { head, gate, tenant, .. } = visit;
    let asker = visit.asker();
    if !wanted_here(visit) {
        return confirmation(visit);
    }
    let session = env.now().ok().and_then(|now| Session::of(head, tenant, gate, now)).map(Session::into_record);
    if let Some(session) = &session {
        end(session, None, visit, env);
    }
    let reply = match session.and_then(|session| end_session_url(tenant, &session)) {
        Some(url) => {
            LocalReply::redirect(url, asker.note(Level::Debug, "logout", "sent to the issuer to end its session, too"))
        }
        None => signed_out(visit),
    };
    delete_cookies(reply, visit)
}

/// Whether the person asked for it on a page of this origin, or typed the address. A browser that only looks ahead did not. Browsers without Fetch Metadata tell by `Origin`
/// whether a form was sent from elsewhere.
fn wanted_here(visit: &Visit<'_>) -> bool {
    let Visit { head, tenant, host, .. } = visit;
    if is_speculative(head) {
        return false;
    }
    if head.has("sec-fetch-site") {
        return matches!(head.only("sec-fetch-site"), Some(b"same-origin" | b"none"));
    }
    !head.has("origin") || head.only("origin") == Some(tenant.origin(host).as_bytes())
}

/// The request to the issuer (section 2). It knows the session by the ID token, where that was kept and the address does not become
/// too long, else by its own name for the session or the person.
fn end_session_url(tenant: &Tenant, session: &SessionRecord) -> Option<String> {
    let endpoint = tenant.provider.end_session_endpoint()?;
    let url = |hint: &str, value: &str| {
        let mut url = endpoint.clone();
        url.query_pairs_mut().append_pair("client_id", &tenant.client.id).append_pair(hint, value);
        if let Some(back) = &tenant.login.post_logout_redirect_uri {
            url.query_pairs_mut().append_pair("post_logout_redirect_uri", back.as_str());
        }
        String::from(url)
    };
    let with_token = session.kept.id_token.as_ref().map(|token| url("id_token_hint", token));
    let without = || url("logout_hint", session.sid.as_ref().unwrap_or(&session.sub));
    Some(with_token.filter(|url| url.len() <= MAX_URL).unwrap_or_else(without))
}

fn confirmation(visit: &Visit<'_>) -> LocalReply {
    let Visit { tenant, .. } = visit;
    let asker = visit.asker();
    let leads_to = tenant.provider.end_session_endpoint().map(|url| url.origin().ascii_serialization());
    let way = Way::Button { action: tenant.login.logout_path.clone(), label: "Sign out", leads_to };
    let page = Page {
        code: "logout_unconfirmed",
        title: "Sign out?",
        message: "Another site sent you here. You are still signed in.",
        way: Some(way),
    };
    LocalReply::page(200, &page, &asker, asker.note(Level::Debug, page.code, "asked for by another site"))
}

fn signed_out(visit: &Visit<'_>) -> LocalReply {
    let page = Page {
        code: "signed_out",
        title: "Signed out",
        message: "You are signed out of this site.",
        way: Some(Way::sign_in("/")),
    };
    let asker = visit.asker();
    LocalReply::page(200, &page, &asker, asker.note(Level::Debug, "logout", "session ended here"))
}

/// Servers in front of an issuer take request lines of some thousand bytes.
const MAX_URL: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Kept;
    use crate::testing::{gate, session, tenants};

    #[test]
    fn a_token_that_would_make_the_address_too_long_stays_here() {
        let gate = gate(&["k"]);
        let [tenant, _] = tenants(&gate);
        let kept = |token| Kept { id_token: Some(token), ..Kept::default() };
        let url = |length| {
            let record = SessionRecord { kept: kept("x".repeat(length)), sub: "ada".to_owned(), ..session(0) };
            end_session_url(tenant, &record).unwrap()
        };
        assert_eq!(url(4000).len(), "https://i.example/out?client_id=gate&id_token_hint=".len() + 4000);
        assert_eq!(url(4096), "https://i.example/out?client_id=gate&logout_hint=ada");
    }
}

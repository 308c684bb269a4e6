//! Logout that the user starts, at Tenantgate and at the issuer (OpenID Connect RP-Initiated
//! Logout 1.0).
//!
//! Scenarios: `tests/scenarios/logout.rs`.

use super::end_session::{delete_cookies, revoke};
use crate::base::event::{Event, Level};
use crate::env::Env;
use crate::http::navigation::is_speculative;
use crate::http::page::{Page, PageAction};
use crate::http::reply::LocalReply;
use crate::oauth::discovery::Provider;
use crate::runtime::RequestContext;
use crate::session::{Session, SessionRecord};

/// Ends the session at Tenantgate, and at the issuer if it has an `end_session_endpoint`. A request
/// from another site gets a page that asks the user for confirmation.
pub(crate) fn logout(context: &RequestContext, env: &Env<'_>) -> LocalReply {
    if !is_wanted(context) {
        return confirmation(context);
    }
    let session = env.now().ok().and_then(|now| context.sessions(now).find(&context.head));
    let session = session.map(Session::into_record);
    if let Some(session) = &session {
        revoke(session, None, context, env);
    }
    let reply = match session.and_then(|session| end_session_url(&context.served.provider, &session)) {
        Some(url) => {
            let reason = "sent to the issuer to end its session, too";
            LocalReply::redirect(url, context.reply_context().log(Level::Debug, Event::Logout, reason))
        }
        None => signed_out(context),
    };
    delete_cookies(reply, context)
}

/// Whether the user followed a link on a page of this origin or entered the address. A prefetch by
/// the browser does not count. In browsers without Fetch Metadata, `Origin` shows whether a form
/// was posted from another site.
fn is_wanted(context: &RequestContext) -> bool {
    let RequestContext { head, host, .. } = context;
    if is_speculative(head) {
        return false;
    }
    if head.has("sec-fetch-site") {
        return matches!(head.only("sec-fetch-site"), Some(b"same-origin" | b"none"));
    }
    !head.has("origin") || head.only("origin") == Some(context.tenant().origin(host).as_bytes())
}

/// The logout request to the issuer (section 2), if the issuer has an endpoint for it. It has the
/// ID token as `id_token_hint` if the session retained it and the URL is not too long; otherwise
/// `logout_hint` is the `sid`, or else the `sub`, of the session.
fn end_session_url(provider: &Provider, session: &SessionRecord) -> Option<String> {
    let tenant = provider.tenant();
    let endpoint = provider.end_session_endpoint()?;
    let url = |hint: &str, value: &str| {
        let mut url = endpoint.clone();
        url.query_pairs_mut().append_pair("client_id", &tenant.client.id).append_pair(hint, value);
        if let Some(back) = &tenant.login.post_logout_redirect_uri {
            url.query_pairs_mut().append_pair("post_logout_redirect_uri", back.as_str());
        }
        String::from(url)
    };
    let with_token = session.tokens.id_token.as_ref().map(|token| url("id_token_hint", token));
    let without = || url("logout_hint", session.sid.as_ref().unwrap_or(&session.sub));
    Some(with_token.filter(|url| url.len() <= MAX_URL).unwrap_or_else(without))
}

fn confirmation(context: &RequestContext) -> LocalReply {
    let end_session = context.served.provider.end_session_endpoint();
    let leads_to = end_session.map(|url| url.origin().ascii_serialization());
    let action = PageAction::Button { action: context.tenant().login.logout_path.clone(), label: "Sign out", leads_to };
    let page = Page {
        event: Event::LogoutConfirmation,
        title: "Sign out?",
        message: "Another site asked to sign you out. You are still signed in. Do you want to sign out?",
        action: Some(action),
    };
    let reply_context = context.reply_context();
    reply_context.page(200, &page, reply_context.log(Level::Debug, page.event, "asked for by another site"))
}

fn signed_out(context: &RequestContext) -> LocalReply {
    let page = Page {
        event: Event::SignedOut,
        title: "Signed out",
        message: "You are signed out of this site.",
        action: Some(PageAction::sign_in("/")),
    };
    let reply_context = context.reply_context();
    reply_context.page(200, &page, reply_context.log(Level::Debug, Event::Logout, "session ended here"))
}

/// The longest URL with an `id_token_hint`, in bytes. Servers limit request lines to a few thousand
/// bytes.
const MAX_URL: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::RetainedTokens;
    use crate::testing::{runtime, session};

    #[test]
    fn an_id_token_hint_that_makes_the_url_too_long_is_left_out() {
        let runtime = runtime(&["k"]);
        let provider = runtime.providers().next().unwrap();
        let tokens = |token| RetainedTokens { id_token: Some(token), ..RetainedTokens::default() };
        let url = |length| {
            let record = SessionRecord { tokens: tokens("x".repeat(length)), sub: "ada".to_owned(), ..session(0) };
            end_session_url(&provider, &record).unwrap()
        };
        assert_eq!(url(4000).len(), "https://i.example/out?client_id=gate&id_token_hint=".len() + 4000);
        assert_eq!(url(4096), "https://i.example/out?client_id=gate&logout_hint=ada");
    }
}

//! Logout that the user starts, at Tenantgate and at the issuer (OpenID Connect RP-Initiated
//! Logout 1.0).
//!
//! Scenarios: `tests/scenarios/logout.rs`.

use std::time::Duration;

use super::end_session::{EndedSessions, SignOut, delete_cookies};
use super::pages::{confirmation, signed_out};
use crate::base::event::{Event, Level};
use crate::env::Env;
use crate::error::ReplyContext;
use crate::http::navigation::{has_fetch_metadata, is_navigation};
use crate::http::origin::is_same_origin;
use crate::http::reply::LocalReply;
use crate::oauth::discovery::Provider;
use crate::runtime::RequestContext;
use crate::session::SessionRecord;
use crate::tenant::TenantCookies;

/// Ends the session at Tenantgate, and at the issuer if it has an `end_session_endpoint`. A request
/// that the user may not have made gets a page that asks for confirmation.
pub(crate) fn logout(context: &RequestContext, env: &mut Env<'_>) -> SignOut {
    if !is_wanted(context) {
        return EndedSessions::default().answer(confirmation(context));
    }
    let (ended, sessions) = end_sessions(context, env);
    let reply = match end_session_url(&context.served.provider, sessions.first()) {
        Some(url) => {
            let reason = "sent to the issuer to end its session, too";
            let log = reply_context(context, &sessions).log(Level::Debug, Event::Logout, reason);
            delete_cookies(LocalReply::redirect(url, log), context)
        }
        None => ask_again(delete_cookies(signed_out(&reply_context(context, &sessions)), context), context),
    };
    ended.answer(reply)
}

/// Ends the session at Tenantgate, and sends what `login` replies, which begins a login with
/// another account. The session at the issuer goes on until then. As for [`logout`], the user has
/// to have made the request.
pub(crate) fn logout_before(
    context: &RequestContext,
    login: impl FnOnce(&mut Env<'_>) -> LocalReply,
    env: &mut Env<'_>,
) -> SignOut {
    if !is_wanted(context) {
        return EndedSessions::default().answer(confirmation(context));
    }
    let (ended, sessions) = end_sessions(context, env);
    let line = (!sessions.is_empty()).then(|| {
        let reason = "session ended for a login with another account";
        reply_context(context, &sessions).log(Level::Debug, Event::Logout, reason)
    });
    let reply = line.into_iter().fold(login(env), LocalReply::with_log);
    ended.answer(ask_again(delete_cookies(reply, context), context))
}

/// The properties of the request, with the user whose sessions these are.
fn reply_context(context: &RequestContext, sessions: &[SessionRecord]) -> ReplyContext {
    let user = sessions.first().map(|session| session.identity.user.clone());
    ReplyContext { user, ..context.reply_context() }
}

/// Ends the sessions of the request. Those that the browser sent are given back, too.
fn end_sessions(context: &RequestContext, env: &mut Env<'_>) -> (EndedSessions, Vec<SessionRecord>) {
    let mut ended = EndedSessions::default();
    let sessions = env.now().map(|now| context.sessions(now).revocable(&context.head)).unwrap_or_default();
    for session in &sessions {
        ended.add(session, None, context, env);
    }
    (ended, sessions)
}

/// Makes the issuer ask for credentials at the next login. Its own session goes on, so the next
/// visit would otherwise sign the same user in at once.
fn ask_again(reply: LocalReply, context: &RequestContext) -> LocalReply {
    let cookies = TenantCookies::new(&context.tenant().login);
    cookies.set(&cookies.ask(), "1", ASK_FOR).into_iter().fold(reply, LocalReply::with_cookie)
}

/// Whether the user followed a link on a page of this origin, entered the address, or posted a form
/// of this origin. An image, a script or a prefetch of a page of this origin does not count, so a
/// GET has to be a navigation by Fetch Metadata. For a POST of a browser without Fetch Metadata,
/// `Origin` shows where the form is.
fn is_wanted(context: &RequestContext) -> bool {
    let RequestContext { head, host, .. } = context;
    let from_here = is_same_origin(head, &context.tenant().origin(host));
    match head.only(":method") {
        Some(b"GET") => from_here && head.has("sec-fetch-site") && has_fetch_metadata(head) && is_navigation(head),
        Some(b"POST") => from_here,
        _ => false,
    }
}

/// The logout request to the issuer (section 2), if the issuer has an endpoint for it. It has the
/// ID token as `id_token_hint` if the session retained it and the URL is not too long; otherwise
/// `logout_hint` is the `sid`, or else the `sub`, of the session. Without a session there is no
/// hint, and the issuer asks the user.
fn end_session_url(provider: &Provider, session: Option<&SessionRecord>) -> Option<String> {
    let tenant = provider.tenant();
    let endpoint = provider.end_session_endpoint()?;
    let url = |hint: Option<(&str, &str)>| {
        let mut url = endpoint.clone();
        url.query_pairs_mut().append_pair("client_id", &tenant.client.id).extend_pairs(hint);
        if let Some(back) = &tenant.login.post_logout_redirect_uri {
            url.query_pairs_mut().append_pair("post_logout_redirect_uri", back.as_str());
        }
        String::from(url)
    };
    let with_token = session.and_then(|session| session.tokens.id_token.as_deref());
    let with_token = with_token.map(|token| url(Some(("id_token_hint", token))));
    let without = || url(session.map(|session| ("logout_hint", session.sid.as_deref().unwrap_or(&session.sub))));
    Some(with_token.filter(|url| url.len() <= MAX_URL).unwrap_or_else(without))
}

/// The time after a sign-out in which the next login asks for credentials: a working day.
const ASK_FOR: Duration = Duration::from_secs(12 * 60 * 60);
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
            end_session_url(&provider, Some(&record)).unwrap()
        };
        assert_eq!(url(4000).len(), "https://i.example/out?client_id=gate&id_token_hint=".len() + 4000);
        assert_eq!(url(4096), "https://i.example/out?client_id=gate&logout_hint=ada");
    }
}

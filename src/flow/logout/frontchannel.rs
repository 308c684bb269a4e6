//! Logout in a frame: the issuer loads the logout URI of Tenantgate in the user's browser (OpenID
//! Connect Front-Channel Logout 1.0).
//!
//! Any site can load it, so the parameters alone end no session: they have to match the session of
//! the cookie that the browser sends.
//!
//! Scenarios: `tests/scenarios/frontchannel.rs`.

use url::{Url, form_urlencoded};

use super::end_session::{EndedSessions, SignOut, delete_cookies};
use crate::base::event::{Event, Level};
use crate::env::Env;
use crate::error::ReplyContext;
use crate::http::page_layout::Page;
use crate::oauth::discovery::Provider;
use crate::runtime::RequestContext;
use crate::session::revocation::RevocationEntry;
use crate::session::{SentSession, SessionRecord};

/// Ends the session of the cookie if the parameters match it, and with it all sessions that belong
/// to the same session at the issuer.
pub(crate) fn frontchannel_logout(context: &RequestContext, env: &mut Env<'_>) -> SignOut {
    let mut ended = EndedSessions::default();
    let session = session(context, env);
    let (event, title, message) = match &session {
        Ok(_) => (Event::FrontchannelLogout, "Signed out", "You are signed out of this site."),
        Err(_) => (
            Event::FrontchannelLogoutIgnored,
            "Not signed out",
            "You are not signed in here, or this sign-out is for another account.",
        ),
    };
    let page = Page { event, title, message, user: None, actions: Vec::new() };
    let user = session.as_ref().ok().map(|session| session.identity.user.clone());
    let reply_context = ReplyContext { user, ..context.reply_context() };
    let reason = session.as_ref().err().map_or("asked for in a frame", Ignored::reason);
    let log = reply_context.log(Level::Debug, event, reason);
    let framed_by = framed_by(&context.served.provider);
    let reply = reply_context.page_in_frame(200, &page, Some(&framed_by), log);
    let Ok(session) = session else { return ended.answer(reply) };
    ended.add(&session, session.sid.as_deref().map(RevocationEntry::sid), context, env);
    ended.answer(delete_cookies(reply, context))
}

/// The reason why a front-channel logout ends nothing.
enum Ignored {
    /// The issuer sent neither `iss` nor `sid`. It sends them to a client that is registered with
    /// `frontchannel_logout_session_required` (section 2).
    NoParameters,
    /// The request is not a GET, `iss` is not the issuer of this tenant, or one of the parameters
    /// is absent or repeated.
    OtherParameters,
    /// The browser sent no session with this `sid`.
    NoSession,
}

impl Ignored {
    fn reason(&self) -> &'static str {
        match self {
            Self::NoParameters => {
                "no `iss` and `sid`; register the client with `frontchannel_logout_session_required` as true"
            }
            Self::OtherParameters => "no GET, another `iss` than the issuer, or a parameter twice or missing",
            Self::NoSession => "no session of this browser has this `sid`",
        }
    }
}

/// The session of the cookie, if the parameters match it.
fn session(context: &RequestContext, env: &Env<'_>) -> Result<SessionRecord, Ignored> {
    let sid = sid(context)?;
    let session =
        env.now().ok().and_then(|now| context.sessions(now).find(&context.head).ok()).map(SentSession::into_record);
    session.filter(|session| session.sid.as_ref() == Some(&sid)).ok_or(Ignored::NoSession)
}

/// `sid` of the request (section 3), if `iss` is the issuer of this tenant and neither is repeated.
fn sid(context: &RequestContext) -> Result<String, Ignored> {
    let query = context.target().query.unwrap_or_default();
    let (mut issuer, mut sid, mut is_repeated) = (None, None, false);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "iss" => is_repeated |= issuer.replace(value).is_some(),
            "sid" => is_repeated |= sid.replace(value).is_some(),
            _ => {}
        }
    }
    let is_valid = !is_repeated && context.head.only(":method") == Some(b"GET");
    match (issuer, sid) {
        (Some(issuer), Some(sid)) if is_valid && issuer == context.tenant().issuer => Ok(sid.into_owned()),
        (None, None) => Err(Ignored::NoParameters),
        _ => Err(Ignored::OtherParameters),
    }
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

//! The answer to a page that asks who is signed in. It has the names of oauth2-proxy's
//! `/oauth2/userinfo`.
//!
//! It neither extends nor refreshes a session, so a page may ask as often as it likes. It knows
//! what the refreshes of this process have brought. A page of another origin can send the request
//! and does not get the answer.
//!
//! Scenarios: `tests/scenarios/whoami.rs`.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::access::roles;
use crate::base::event::{Event, Level};
use crate::base::time::UnixTime;
use crate::env::{Env, HostFailure};
use crate::error::{BearerError, Refusal, ReplyContext, RequestError};
use crate::http::reply::LocalReply;
use crate::identity::VerifiedIdentity;
use crate::runtime::RequestContext;
use crate::session::SessionEnd;

/// The identity of an API client, or why it has none.
type Bearer = Result<Arc<VerifiedIdentity>, BearerError>;

/// The identity as JSON: that of the bearer token, if the request has one, or else of the session.
pub(crate) fn whoami(context: &RequestContext, bearer: Option<Bearer>, env: &Env<'_>) -> LocalReply {
    let reply_context = ReplyContext { html: false, ..context.reply_context() };
    let log = || reply_context.log(Level::Debug, Event::Userinfo, "asked who is signed in");
    if !context.head.only(":method").is_some_and(|method| matches!(method, b"GET" | b"HEAD")) {
        return LocalReply::empty(405, log()).with_header("allow", "GET, HEAD".to_owned());
    }
    match body(context, bearer, env) {
        Ok(body) => LocalReply::empty(200, log())
            .with_body("application/json", body)
            .with_header("cross-origin-resource-policy", "same-origin".to_owned()),
        Err(Nobody { refusal, end }) => {
            let ended = end.map(|end| reply_context.session_ended(end));
            ended.into_iter().fold(reply_context.refuse(&refusal), LocalReply::with_log)
        }
    }
}

/// The reason why nobody is signed in, and why the session is over, if there was one.
struct Nobody {
    refusal: Refusal,
    end: Option<SessionEnd>,
}

impl<E: Into<Refusal>> From<E> for Nobody {
    fn from(error: E) -> Self {
        Self { refusal: error.into(), end: None }
    }
}

fn body(context: &RequestContext, bearer: Option<Bearer>, env: &Env<'_>) -> Result<String, Nobody> {
    if let Some(bearer) = bearer {
        return Ok(object(&*bearer?, None, context));
    }
    let sessions = context.sessions(env.now().map_err(HostFailure::from)?);
    let nobody = |end| Nobody { refusal: RequestError::Unauthenticated.into(), end };
    let sent = sessions.find(&context.head).map_err(nobody)?;
    let session = sent.admit(&context.host).map_err(RequestError::from)?;
    let session = sessions.newest(session, env.shared()).map_err(|end| nobody(Some(end)))?;
    let end = sessions.end(session.record());
    Ok(object(session.identity(), Some(end), context))
}

fn object(identity: &VerifiedIdentity, expires: Option<UnixTime>, context: &RequestContext) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Userinfo<'a> {
        user: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<&'a str>,
        groups: Vec<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        preferred_username: Option<&'a str>,
        roles: Vec<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<u64>,
    }
    let userinfo = Userinfo {
        user: identity.user(),
        email: identity.forwarded_email(&context.tenant().identity),
        groups: identity.groups().iter().map(String::as_str).collect(),
        preferred_username: identity.claims().get("preferred_username").and_then(Value::as_str),
        roles: roles(identity, context.tenant()),
        expires_at: expires.map(|time| time.0),
    };
    serde_json::to_string(&userinfo).unwrap_or_default()
}

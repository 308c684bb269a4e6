//! A login that a third party begins, such as the portal of the issuer (OpenID Connect Core section
//! 4). It is no more than a visit of a page: the third party learns nothing, and chooses neither
//! the issuer nor another site to go to.
//!
//! Scenarios: `tests/scenarios/initiated.rs`.

use super::begin::{Beginning, begin_for};
use super::page::page_of;
use super::redirect_loop;
use crate::base::event::{Event, Level};
use crate::base::secret::Secret;
use crate::env::Env;
use crate::error::{LoginError, ReplyContext, RequestError};
use crate::http::form::parameter;
use crate::http::navigation::is_navigation;
use crate::http::reply::LocalReply;
use crate::http::request::BodyError;
use crate::runtime::RequestContext;

/// Sends the browser to the issuer, or to the target if it has a session.
pub(crate) fn initiated_login(context: &RequestContext, env: &mut Env<'_>) -> LocalReply {
    let reply_context = context.reply_context();
    if !is_navigation(&context.head) {
        return reply_context.refuse(&RequestError::Unauthenticated.into());
    }
    let query = context.target().query.unwrap_or_default();
    let origin = context.tenant().origin(&context.host);
    // A page of the application does not know the issuer. Other pages cannot send this value.
    let is_own = context.head.only("sec-fetch-site") == Some(b"same-origin");
    let Some((hint, target)) = read(query, &context.tenant().issuer, is_own) else {
        return reply_context.refuse(&LoginError::RequestInvalid.into());
    };
    let page = page_of(&target.unwrap_or_default(), &origin);
    let end = match env.now().map(|now| context.sessions(now).find(&context.head).map(drop)) {
        Ok(Ok(())) => return redirect(origin + &page, &reply_context),
        Ok(Err(end)) => end,
        Err(_) => None,
    };
    let count = redirect_loop::count(&context.head, &context.tenant().login);
    let address = origin + &page;
    let beginning = Beginning { hint: hint.as_deref(), ..Beginning::at(page, count) };
    let reply = begin_for(context, beginning, env)
        .unwrap_or_else(|error| reply_context.refuse_at(&error.into(), Some(&address)));
    end.map(|end| reply_context.session_ended(end)).into_iter().fold(reply, LocalReply::with_log)
}

/// A login that is begun with a form, whose body has not arrived.
pub(crate) struct LoginForm {
    address: String,
    reply_context: ReplyContext,
}

impl LoginForm {
    /// The form, if the request is a POST.
    pub(crate) fn new(context: &RequestContext) -> Option<Self> {
        let address = || format!("{}{}?", context.tenant().origin(&context.host), context.target().path);
        let is_post = context.head.only(":method") == Some(b"POST");
        is_post.then(|| Self { address: address(), reply_context: context.reply_context() })
    }

    /// Takes the body, and sends the browser to the address that has the form as its query. A form
    /// of another site comes without the session cookie (`SameSite=Lax`), a redirect with it.
    pub(crate) fn read(&self, body: Result<Secret<Vec<u8>>, BodyError>) -> LocalReply {
        if matches!(body, Err(BodyError::TimedOut)) {
            return self.reply_context.refuse(&RequestError::BodyTimeout.into());
        }
        let is_query = |form: &[u8]| form.iter().all(|&b| b.is_ascii_graphic() && b != b'#');
        let form = body.ok().map(|body| body.expose_secret().clone());
        let form = form.filter(|form| (1..=MAX_FORM).contains(&form.len()) && is_query(form));
        match form.and_then(|form| String::from_utf8(form).ok()) {
            Some(form) => redirect([self.address.as_str(), &form].concat(), &self.reply_context),
            None => self.reply_context.refuse(&LoginError::RequestInvalid.into()),
        }
    }
}

fn redirect(url: String, context: &ReplyContext) -> LocalReply {
    LocalReply::redirect(url, context.log(Level::Debug, Event::LoginInitiated, "asked for by a third party"))
}

/// `login_hint` and `target_link_uri`. `None` if `iss` is not `issuer` byte for byte, or absent
/// unless `is_own`, if a parameter is repeated, or if the hint is too long. Other parameters are
/// ignored, as the section says.
fn read(query: &str, issuer: &str, is_own: bool) -> Option<(Option<String>, Option<String>)> {
    let one = |name| parameter(query.as_bytes(), name).ok();
    let (iss, hint, target) = (one("iss")?, one("login_hint")?, one("target_link_uri")?);
    let is_short = hint.as_ref().is_none_or(|hint| hint.len() <= MAX_HINT);
    let is_meant = iss.map_or(is_own, |iss| iss == issuer);
    (is_meant && is_short).then_some((hint.filter(|hint| !hint.is_empty()), target))
}

/// The longest form, in bytes, and the longest hint: both become parts of addresses.
const MAX_FORM: usize = 4096;
const MAX_HINT: usize = 512;

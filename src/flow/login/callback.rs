//! The callback: the authorization response has to belong to a login that this browser began.
//!
//! Scenarios: `tests/scenarios/callback.rs`.

use super::attempt::{Attempt, AttemptError};
use super::authorization_response::AuthorizationResponse;
use super::begin::{asks, begin_again};
use super::code_exchange::CodeExchange;
use super::returned::Returned;
use crate::base::event::{Event, Level};
use crate::env::{Env, HostFailure};
use crate::error::LoginError;
use crate::http::call::HttpCall;
use crate::http::host::Host;
use crate::http::navigation::is_navigation;
use crate::http::page_layout::PageAction;
use crate::http::reply::LocalReply;
use crate::runtime::RequestContext;
use crate::session::SentCookies;
use crate::tenant::TenantCookies;

/// Checks the authorization response. Only a response that belongs to an attempt of this browser
/// causes a token request, so a forged callback neither uses up a code nor causes a call.
///
/// # Errors
/// The answer to a response that is not accepted.
pub(crate) fn callback(context: RequestContext, env: &mut Env<'_>) -> Result<(CodeExchange, HttpCall), LocalReply> {
    let refuse = |error: LoginError| context.reply_context().refuse(&error.into());
    let response = read(&context).map_err(refuse)?;
    let now = env.now().map_err(|error| refuse(HostFailure::from(error).into()))?;
    let ring = context.runtime.ring();
    let attempt = match Attempt::from_state(&response.state, &context.head, context.tenant(), ring, now) {
        Ok(attempt) => attempt,
        Err(error) => return Err(without_attempt(&context, error, env)),
    };
    let Some(host) = host_of(&attempt, &context, env) else {
        return Err(refuse(LoginError::StateUnknown("the login began on a host that is not of this tenant any more")));
    };
    let login = &context.tenant().login;
    let sent = SentCookies::new(&context.head, login);
    let asks = asks(&context.head, &TenantCookies::new(login));
    let reply_context = context.reply_context();
    let RequestContext { runtime, served, .. } = context;
    let returned = Returned { runtime, served, host, attempt, sent, asks, reply_context };
    // RFC 9207 section 2.4: a response with the `iss` of another issuer is rejected, even if it is
    // an error, and so is a response without `iss` if the issuer always sends it.
    let may_omit = !returned.served.provider.names_issuer();
    if !response.issuer.map_or(may_omit, |issuer| issuer == returned.served.model.issuer) {
        return Err(returned.refuse(&LoginError::IssuerMismatch.into()));
    }
    match response.outcome {
        Ok(code) => CodeExchange::begin(returned, &code, env),
        Err(error) => {
            let error = error.confirm(&returned.attempt);
            Err(returned.refuse(&LoginError::Authorization(error).into()))
        }
    }
}

fn read(context: &RequestContext) -> Result<AuthorizationResponse, LoginError> {
    if context.head.only(":method") != Some(b"GET") {
        let reason = "the callback is no GET; let the issuer answer with the response mode `query`, not `form_post`";
        return Err(LoginError::CallbackInvalid(reason));
    }
    let query = context.target().query.unwrap_or_default();
    let invalid = LoginError::CallbackInvalid("the callback lacks a parameter or repeats one");
    AuthorizationResponse::parse(query).ok_or(invalid)
}

/// The host where the attempt began, if it still belongs to this tenant.
fn host_of(attempt: &Attempt, context: &RequestContext, env: &Env<'_>) -> Option<Host> {
    attempt.host().filter(|host| context.runtime.is_host_of(host, context.tenant(), env))
}

/// The answer to an authorization response without an attempt. No parameter of the response is
/// used. A user with a session is redirected to the page where the login began, if it is known,
/// else to the start page. If the attempt was sealed with a removed key, a new login begins.
/// Otherwise the answer is an error page.
fn without_attempt(context: &RequestContext, error: AttemptError, env: &mut Env<'_>) -> LocalReply {
    let tenant = context.tenant();
    let reply_context = context.reply_context();
    let page = match &error {
        AttemptError::Expired(attempt) => {
            host_of(attempt, context, env).map(|host| format!("{}{}", tenant.origin(&host), attempt.page))
        }
        AttemptError::KeyGone | AttemptError::Unknown | AttemptError::Unreadable => None,
    };
    let page = page.unwrap_or_else(|| format!("{}/", tenant.origin(&context.host)));
    if env.now().is_ok_and(|now| context.sessions(now).find(&context.head).is_ok()) {
        let reason = "the authorization response belongs to no login in progress, and the browser has a session";
        return LocalReply::redirect(page, reply_context.log(Level::Debug, Event::CallbackWithoutLogin, reason));
    }
    match &error {
        AttemptError::KeyGone if is_navigation(&context.head) => {
            begin_again(context, env).unwrap_or_else(|error| reply_context.refuse(&error.into()))
        }
        AttemptError::Expired(_) | AttemptError::KeyGone | AttemptError::Unknown | AttemptError::Unreadable => {
            let refusal = LoginError::StateUnknown(error.reason()).into();
            reply_context.refuse_with(&refusal, None, vec![PageAction::sign_in(&page)])
        }
    }
}

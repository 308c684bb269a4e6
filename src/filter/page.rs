//! A request for a page of the upstream: whether it is forwarded, and with which identity.
//!
//! Scenarios: `tests/scenarios/{access,bearer,forward,refusal,refresh,session}.rs`.

use super::request_step::{RequestStep, await_refresh, with};
use super::response_phase::ResponsePhase;
use super::sign_outs::{SignOuts, sign_outs};
use crate::access::{AnonymousDecision, RouteDecision};
use crate::base::audit::Decision;
use crate::base::event::{Event, Level};
use crate::base::time::UnixTime;
use crate::env::{Env, HostFailure};
use crate::error::{BearerError, Refusal, Remedy, ReplyContext, RequestError};
use crate::flow::bearer;
use crate::flow::login;
use crate::flow::refresh::{SessionFreshness, freshness};
use crate::http::authorization::has_bearer_token;
use crate::http::navigation::is_navigation;
use crate::http::page_layout::PageAction;
use crate::http::reply::LocalReply;
use crate::identity::VerifiedIdentity;
use crate::oauth::discovery::NeededDocuments;
use crate::runtime::RequestContext;
use crate::session::SessionEnd;
use crate::upstream::Forward;

/// Handles a request for a page of the upstream. The identity comes from the bearer token or the
/// session, and the access rules decide about it. A request that has waited for a refresh passes
/// the end of its wait.
pub(super) fn page(context: RequestContext, wait_end: Option<UnixTime>, env: &mut Env<'_>) -> RequestStep {
    if has_bearer_token(&context.head) {
        return with(NeededDocuments::Keys, context, env, page_for_bearer);
    }
    let now = match env.now() {
        Ok(now) => now,
        Err(no_time) => return refuse(&context, &HostFailure::from(no_time).into()),
    };
    let session = match context.sessions(now).find(&context.head).map(|sent| sent.admit(&context.host)) {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => return anonymous(context, Some(RequestError::from(error).into()), env),
        Err(Some(end)) => return ended(context, end, env),
        Err(None) => return anonymous(context, None, env),
    };
    let context = match sign_outs(context, env, move |context, env| page(context, wait_end, env)) {
        SignOuts::Known(context) => context,
        SignOuts::Unknown(context) => return anonymous(context, Some(RequestError::StoreUnavailable.into()), env),
        SignOuts::Awaited(step) => return *step,
    };
    // The list may have come since.
    if context.runtime.store().is_some() && context.served.revocations.contain(&session.record().into(), now) {
        return ended(context, SessionEnd::Revoked, env);
    }
    let (session, response) = match freshness(&context, session, wait_end, now, env) {
        SessionFreshness::Current(session) => {
            let cookies = context.sessions(now).keep_alive(&session, &context.head, env);
            (session, ResponsePhase::with_cookies(cookies))
        }
        // A cookie that is written now could replace the one of the refresh.
        SessionFreshness::InProgress(session) => (session, ResponsePhase::default()),
        SessionFreshness::Renewed(session, cookies) => (session, ResponsePhase::with_cookies(cookies)),
        SessionFreshness::Due(session, start, awaited) => (session, ResponsePhase::with_refresh(start, awaited)),
        SessionFreshness::Overdue(awaited, start) => return await_refresh(context, awaited, start),
        SessionFreshness::Ended(end) => return ended(context, end, env),
    };
    forward(context, session.identity(), response, env)
}

/// Handles a request for a page with a bearer token.
fn page_for_bearer(context: RequestContext, env: &mut Env<'_>) -> RequestStep {
    match bearer::identity(&context, env) {
        Ok(identity) => forward(context, &identity, ResponsePhase::default(), env),
        Err(error @ BearerError::Host(_)) => refuse(&context, &error.into()),
        Err(error) => anonymous(context, Some(error.into()), env),
    }
}

/// Forwards the request with `identity` if the access rules permit it. In a dry run a violation is
/// logged, and the request is forwarded.
fn forward(
    context: RequestContext,
    identity: &VerifiedIdentity,
    response: ResponsePhase,
    env: &Env<'_>,
) -> RequestStep {
    let decision = decide(&context, env);
    let permitted = match decision.permit(identity) {
        Ok(permitted) => permitted,
        Err(error) => {
            let reply = refuse_user(&context, identity, &error.into());
            return RequestStep::Reply(response.abandon(reply, env));
        }
    };
    let response = match permitted.dry_run_violation() {
        None => response,
        Some(error) => {
            let reply_context = context.reply_context().about(identity.user());
            response.with_log(reply_context.log(Level::Info, Event::AccessDryRun, &error.to_string()))
        }
    };
    match Forward::authenticated(&permitted, context.runtime.upstream(), env) {
        Ok(forward) => {
            let forward = forward.with_audit(audit(&context, Some(identity), &decision));
            RequestStep::Forward(context, forward, response)
        }
        Err(failure) => RequestStep::Reply(response.abandon(context.reply_context().refuse(&failure.into()), env)),
    }
}

/// Handles a request whose session is over as one without a session.
fn ended(context: RequestContext, end: SessionEnd, env: &mut Env<'_>) -> RequestStep {
    let line = context.reply_context().session_ended(end);
    anonymous(context, None, env).with_log(line)
}

/// Forwards a request without an identity if the access rules make it public. `unused` is the
/// reason why its bearer token or its session is not used. If the rules need a user, that is the
/// answer; without it a navigation begins a login and any other request gets 401.
fn anonymous(context: RequestContext, unused: Option<Refusal>, env: &mut Env<'_>) -> RequestStep {
    let decision = decide(&context, env);
    match (decision.without_user(), unused) {
        // A public request with an invalid token is forwarded like one without a token, and one of
        // another origin like one without a session.
        (AnonymousDecision::Public(public), _) => {
            let forward = Forward::anonymous(&public, context.runtime.upstream());
            let forward = forward.with_audit(audit(&context, None, &decision));
            RequestStep::Forward(context, forward, ResponsePhase::default())
        }
        (AnonymousDecision::Refused(error), _) => refuse(&context, &error.into()),
        (AnonymousDecision::UserNeeded, Some(refusal)) => refuse(&context, &refusal),
        (AnonymousDecision::UserNeeded, None) if is_navigation(&context.head) => {
            with(NeededDocuments::Metadata, context, env, |context, env| match login::begin(&context, env) {
                Ok(reply) => RequestStep::Reply(reply),
                Err(error) => refuse(&context, &error.into()),
            })
        }
        (AnonymousDecision::UserNeeded, None) => {
            let sign_in = PageAction::sign_in(&login::page_to_return_to(&context).unwrap_or_else(|| "/".to_owned()));
            let refusal = RequestError::Unauthenticated.into();
            RequestStep::Reply(context.reply_context().refuse_with(&refusal, None, vec![sign_in]))
        }
    }
}

/// The decision of the access rules.
fn decide<'a>(context: &'a RequestContext, env: &Env<'_>) -> RouteDecision<'a> {
    let client = || env.client_address();
    RouteDecision::new(&context.head, context.tenant(), &context.host, context.target(), &client)
}

/// The audit line for a request that is forwarded, if the configuration asks for it.
fn audit(
    context: &RequestContext,
    identity: Option<&VerifiedIdentity>,
    decision: &RouteDecision<'_>,
) -> Option<String> {
    if !context.runtime.log().audit {
        return None;
    }
    let reply_context =
        ReplyContext { user: identity.map(|identity| identity.user().to_owned()), ..context.reply_context() };
    reply_context.audit(Decision::Allow, None, &decision.describe().to_string())
}

/// Replies with the refusal.
fn refuse(context: &RequestContext, refusal: &Refusal) -> RequestStep {
    let page = login::page_to_return_to(context);
    RequestStep::Reply(context.reply_context().refuse_at(refusal, page.as_deref()))
}

/// Refuses a request whose user is known. The page says who that is. A user who may have access
/// with another account can sign in with one, and returns to this page.
fn refuse_user(context: &RequestContext, identity: &VerifiedIdentity, refusal: &Refusal) -> LocalReply {
    let reply_context = context.reply_context().about(identity.user());
    let page = login::page_to_return_to(context);
    let email = identity.forwarded_email(&context.tenant().identity).filter(|email| *email != identity.user());
    let email = email.map(|email| [" (", email, ")"].concat()).unwrap_or_default();
    let is_person = !has_bearer_token(&context.head);
    let another = refusal.is_access_denied() && is_person;
    let another = another.then(|| login::another_account(context, page.as_deref()));
    // A link to the start page would lead a user who may not open that one to the same refusal.
    let remedy = refusal.remedy().filter(|remedy| *remedy != Remedy::StartPage || context.target().path != "/");
    let actions = another.into_iter().chain(remedy.and_then(|remedy| remedy.action(page.as_deref()))).collect();
    reply_context.refuse_with(refusal, is_person.then(|| identity.user().to_owned() + &email), actions)
}

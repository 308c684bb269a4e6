//! Whether a session needs a refresh before its request continues.
//!
//! Scenarios: `tests/scenarios/refresh.rs`.

use std::time::Duration;

use super::awaited::AwaitedRefresh;
use super::refreshing::{Refreshing, StartRefresh};
use super::time_limit::{longest_call, longest_refresh};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::oauth::{PAUSE, Permission, ProviderAvailability, refresh_request};
use crate::runtime::RequestContext;
use crate::session::store::Claim;
use crate::session::{
    Age, MAX_BEHIND, RefreshGrant, RefreshKey, RefreshState, RefreshStore, SentCookies, Session, SessionEnd,
};
use crate::tenant::Refresh;

/// The freshness of a session, before its request continues.
pub(crate) enum SessionFreshness {
    /// The session needs no refresh now, or the last one failed a short time ago.
    Current(Session),
    /// Another request refreshes the session. This request continues with it.
    InProgress(Session),
    /// Another request refreshed the session, and this browser has not got the new cookies yet.
    Renewed(Session, Vec<String>),
    /// The request continues with the session, and this refresh begins. The response waits for it,
    /// unless nothing is awaited.
    Due(Session, StartRefresh, Option<Box<AwaitedRefresh>>),
    /// The request waits for a refresh: one that begins now, or one that is in progress.
    Overdue(Box<AwaitedRefresh>, Option<StartRefresh>),
    /// The session ends: the issuer rejected the refresh or did not confirm the identity for too
    /// long, the renewed session is not valid, or there is no refresh token.
    Ended(SessionEnd),
}

/// Decides about `session`, and begins a refresh if one is needed. A request that has waited for a
/// refresh passes the end of its wait, and begins none.
pub(crate) fn freshness(
    context: &RequestContext,
    session: Session,
    wait_end: Option<UnixTime>,
    now: UnixTime,
    env: &mut Env<'_>,
) -> SessionFreshness {
    let tenant = context.tenant();
    let Some(refresh) = &tenant.refresh else { return SessionFreshness::Current(session) };
    let mut session = session;
    let mut renewed = None;
    let mut is_in_progress = false;
    // Several refreshes may have happened since this browser got its cookies.
    for behind in 0..=MAX_BEHIND {
        let Some(grant) = session.grant() else {
            let end = context.sessions(now).confirmed_until(session.record());
            if end.is_some_and(|end| now >= end) {
                return UNCONFIRMED;
            }
            break;
        };
        let age = grant.age(refresh, now);
        if age == Age::Young {
            break;
        }
        let key = RefreshKey::new(&tenant.name, grant);
        let next = match store(context).state(key, env.shared(), now) {
            Some(RefreshState::Renewed(sealed)) => match context.sessions(now).open(sealed.as_bytes()) {
                // The age of every session that is used was checked, so the last pass takes none.
                Ok(newer) if behind < MAX_BEHIND => {
                    session = newer;
                    renewed = Some(sealed);
                    continue;
                }
                Ok(_) => return UNCONFIRMED,
                Err(end) => return SessionFreshness::Ended(end),
            },
            Some(RefreshState::Rejected) => return UNCONFIRMED,
            Some(RefreshState::Failed(_)) => Next::Pause,
            Some(RefreshState::Called(_)) => Next::Wait,
            None if wait_end.is_some() => Next::Pause,
            None => begin(context, &session, grant, refresh, now, env),
        };
        let wait_end = wait_end.unwrap_or_else(|| now.plus(longest_wait(context)));
        let awaited = Box::new(AwaitedRefresh::new(context, key, wait_end));
        match (next, age) {
            (Next::Begin(start), Age::Due) => return SessionFreshness::Due(session, start, Some(awaited)),
            (Next::Begin(start), _) => return SessionFreshness::Overdue(awaited, Some(start)),
            // A stale session cannot go on without an answer.
            (Next::Probe(start), Age::Stale) => return SessionFreshness::Overdue(awaited, Some(start)),
            (Next::Probe(start), _) => return SessionFreshness::Due(session, start, None),
            (Next::Wait, Age::Overdue | Age::Stale) if now < wait_end => {
                return SessionFreshness::Overdue(awaited, None);
            }
            (Next::Wait | Next::Pause, Age::Stale) => return UNCONFIRMED,
            (Next::Wait, _) => is_in_progress = true,
            (Next::Pause, _) => {}
        }
        break;
    }
    let sent = || SentCookies::new(&context.head, &tenant.login);
    match renewed.and_then(|sealed| context.sessions(now).write_sealed(&session, &sealed, &sent())) {
        Some(cookies) => SessionFreshness::Renewed(session, cookies),
        None if is_in_progress => SessionFreshness::InProgress(session),
        None => SessionFreshness::Current(session),
    }
}

/// The issuer has not confirmed the session.
const UNCONFIRMED: SessionFreshness = SessionFreshness::Ended(SessionEnd::Unconfirmed);

/// What a request does about a refresh that has no result yet.
enum Next {
    /// Begin the refresh.
    Begin(StartRefresh),
    /// Begin the refresh, which finds out whether the provider answers again. Only a stale session
    /// waits for it.
    Probe(StartRefresh),
    /// Another request makes the call.
    Wait,
    /// No call is made for now.
    Pause,
}

fn store(context: &RequestContext) -> RefreshStore<'_> {
    RefreshStore::new(context.runtime.ring(), context.tenant())
}

/// Claims the refresh for this request and makes the call, if the provider is not known to be away.
fn begin(
    context: &RequestContext,
    session: &Session,
    grant: &RefreshGrant,
    refresh: &Refresh,
    now: UnixTime,
    env: &mut Env<'_>,
) -> Next {
    let tenant = context.tenant();
    let key = RefreshKey::new(&tenant.name, grant);
    let permission = ProviderAvailability::new(tenant).permission(env.shared(), longest_wait(context), now);
    if permission == Permission::Pause {
        return Next::Pause;
    }
    if !store(context).claim(key, now.plus(longest_wait(context)), env.shared(), now) {
        return Next::Wait;
    }
    let Ok(request) = refresh_request(&context.served.provider, &grant.refresh_token, env) else {
        RefreshStore::fail(key, now.plus(PAUSE), env.shared());
        return Next::Pause;
    };
    // A refresh does not wait for an etcd that is known to be away.
    let store = context.runtime.store().filter(|store| !store.is_away());
    let claim = store.and_then(|store| Claim::new(store, &context.served.model, key, longest_wait(context), env));
    let start = Refreshing::begin(context, session, grant, refresh, request, claim, now);
    if permission == Permission::Probe { Next::Probe(start) } else { Next::Begin(start) }
}

/// The longest time to the end of a refresh. With a store, the claim takes time, too.
fn longest_wait(context: &RequestContext) -> Duration {
    let tenant = context.tenant();
    if context.runtime.store().is_some() { longest_refresh(tenant) } else { longest_call(tenant) }
}

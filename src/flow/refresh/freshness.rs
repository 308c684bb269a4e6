//! How fresh a session is before a request goes on with it.

use std::time::Duration;

use super::refreshing::{BACK_OFF, Refreshing};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::http::call::HttpCall;
use crate::oauth::refresh_request;
use crate::runtime::RequestContext;
use crate::session::{Age, RefreshDecision, RefreshKey, SentCookies, Session};
use crate::tenant::{Tenant, WithoutToken};

/// How fresh a session is before a request goes on with it.
pub(crate) enum SessionFreshness {
    /// The session is good as it is.
    Current(Session),
    /// The session was refreshed a moment ago, and this browser does not have the cookies yet.
    Renewed(Session, Vec<String>),
    /// The request goes on with the session, which is refreshed meanwhile.
    Due(Session, Box<Refreshing>, HttpCall),
    /// The session has to be refreshed first.
    Overdue(Session, Box<Refreshing>, HttpCall),
    /// The issuer has rejected the refresh, or could not be asked for too long: the session has
    /// ended.
    Ended,
}

/// Finds out how fresh `session` is.
pub(crate) fn freshness(
    context: &RequestContext,
    session: Session,
    now: UnixTime,
    env: &mut Env<'_>,
) -> SessionFreshness {
    let tenant = context.tenant();
    let Some(refresh) = &tenant.refresh else { return SessionFreshness::Current(session) };
    let memory = context.runtime.refresh_memory();
    let mut session = session;
    let mut renewed = None;
    // A browser may be some refreshes behind.
    for _ in 0..MAX_BEHIND {
        let Some(grant) = session.grant() else {
            let end = UnixTime(session.record().signed_in).plus(refresh.interval);
            if refresh.without_token == WithoutToken::End && now >= end {
                return SessionFreshness::Ended;
            }
            break;
        };
        let age = grant.age(refresh, now);
        let overdue = match age {
            Age::Young => break,
            Age::Due => false,
            Age::Overdue | Age::Stale => true,
        };
        match memory.decide(RefreshKey::new(&tenant.name, grant), overdue, longest_refresh(tenant), now) {
            RefreshDecision::Call => {
                let Ok(call) = refresh_request(&context.served.provider, &grant.refresh_token, env) else {
                    memory.failed(RefreshKey::new(&tenant.name, grant), now.plus(BACK_OFF));
                    if age == Age::Stale {
                        return SessionFreshness::Ended;
                    }
                    break;
                };
                let refreshing = Box::new(Refreshing::new(context, &session, grant, refresh));
                return if overdue {
                    SessionFreshness::Overdue(session, refreshing, call)
                } else {
                    SessionFreshness::Due(session, refreshing, call)
                };
            }
            RefreshDecision::BackOff if age == Age::Stale => return SessionFreshness::Ended,
            RefreshDecision::BackOff | RefreshDecision::Continue => break,
            RefreshDecision::Rejected => return SessionFreshness::Ended,
            RefreshDecision::Renewed(sealed) => match context.sessions(now).open(sealed.as_bytes()) {
                Some(newer) => {
                    session = newer;
                    renewed = Some(sealed);
                }
                None => return SessionFreshness::Ended,
            },
        }
    }
    let sent = || SentCookies::new(&context.head, &tenant.login);
    match renewed.and_then(|sealed| context.sessions(now).write_sealed(&session, &sealed, &sent())) {
        Some(cookies) => SessionFreshness::Renewed(session, cookies),
        None => SessionFreshness::Current(session),
    }
}

/// The longest time that a refresh may take: a call for the tokens, and one to the UserInfo endpoint.
fn longest_refresh(tenant: &Tenant) -> Duration {
    let calls = if tenant.login.userinfo { 2 } else { 1 };
    tenant.provider.timeout.saturating_mul(calls)
}

const MAX_BEHIND: usize = 8;

//! Whether a session needs a refresh before its request continues.
//!
//! Scenarios: `tests/scenarios/refresh.rs`.

use std::time::Duration;

use super::refreshing::{BACK_OFF, Refreshing};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::http::call::HttpCall;
use crate::oauth::refresh_request;
use crate::runtime::RequestContext;
use crate::session::{Age, RefreshDecision, RefreshKey, SentCookies, Session};
use crate::tenant::{Tenant, WithoutToken};

/// The freshness of a session, before its request continues.
pub(crate) enum SessionFreshness {
    /// The session needs no refresh now.
    Current(Session),
    /// Another request refreshed the session, and this browser has not got the new cookies yet.
    Renewed(Session, Vec<String>),
    /// The request continues with the session; the refresh runs beside it.
    Due(Session, Box<Refreshing>, HttpCall),
    /// The request waits for the refresh.
    Overdue(Session, Box<Refreshing>, HttpCall),
    /// The session ends: the issuer rejected the refresh or did not confirm the identity for too
    /// long, the renewed session is not valid, or there is no refresh token.
    Ended,
}

/// Decides about `session`, and makes the refresh request if one is needed.
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
    // Several refreshes may have happened since this browser got its cookies.
    for behind in 0..=MAX_BEHIND {
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
                // The age of every session that is used was checked, so the last pass takes none.
                Some(newer) if behind < MAX_BEHIND => {
                    session = newer;
                    renewed = Some(sealed);
                }
                _ => return SessionFreshness::Ended,
            },
        }
    }
    let sent = || SentCookies::new(&context.head, &tenant.login);
    match renewed.and_then(|sealed| context.sessions(now).write_sealed(&session, &sealed, &sent())) {
        Some(cookies) => SessionFreshness::Renewed(session, cookies),
        None => SessionFreshness::Current(session),
    }
}

/// The longest duration of a refresh: the timeout of the token request, and that of the UserInfo
/// request if there is one.
fn longest_refresh(tenant: &Tenant) -> Duration {
    let calls = if tenant.login.userinfo { 2 } else { 1 };
    tenant.provider.timeout.saturating_mul(calls)
}

/// The most refreshes that one request catches up with.
const MAX_BEHIND: usize = 8;

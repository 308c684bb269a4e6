//! Refreshing a session (RFC 6749 section 6, OpenID Connect Core section 12): the issuer is asked whether it still stands by the identity, and
//! what it is now.
//!
//! It is asked ahead of time, beside a request that goes on at once; a request that comes too late waits for it.

mod memory;
mod refreshing;

use std::time::Duration;

use crate::call::HttpCall;
use crate::env::{Env, UnixTime};
use crate::login;
use crate::session::{Age, Brought, Session};
use crate::tenant::Tenant;
use crate::visit::Visit;
use memory::{Key, Turn};

pub(crate) use memory::Refreshes;
pub(crate) use refreshing::{Leg, Outcome, Refreshing};

/// How a session stands before a request goes on with it.
pub(crate) enum Standing {
    /// As it is.
    Current(Session),
    /// It was refreshed a moment ago, and this browser does not know yet.
    Renewed(Session, Vec<String>),
    /// It goes on, and is refreshed beside.
    Due(Session, Box<Refreshing>, HttpCall),
    /// It has to be refreshed first.
    Overdue(Box<Refreshing>, HttpCall),
    /// The issuer does not stand by it any more.
    Ended,
}

/// Finds out how `session` stands at the tenant of this visit.
pub(crate) fn standing(visit: &Visit<'_>, session: Session, now: UnixTime, env: &mut Env<'_>) -> Standing {
    let Visit { head, gate, tenant, .. } = visit;
    let Some(refresh) = &tenant.refresh else { return Standing::Current(session) };
    let mut session = session;
    let mut renewed = None;
    // A browser may be some refreshes behind.
    for _ in 0..MAX_BEHIND {
        let Some(grant) = session.grant() else { break };
        let age = grant.age(refresh, now);
        if age == Age::Young {
            break;
        }
        let overdue = age == Age::Overdue;
        match gate.refreshes().turn(Key::of(&tenant.name, grant), overdue, patience(tenant), now) {
            Turn::Call => {
                let Ok(call) = login::refresh_request(tenant, &grant.refresh_token, env) else {
                    gate.refreshes().failed(Key::of(&tenant.name, grant), now.plus(BACK_OFF));
                    break;
                };
                let refreshing = Box::new(Refreshing::of(visit, &session, grant, grant.overdue(refresh)));
                return if overdue {
                    Standing::Overdue(refreshing, call)
                } else {
                    Standing::Due(session, refreshing, call)
                };
            }
            Turn::Leave => break,
            Turn::Refused => return Standing::Ended,
            Turn::Renewed(sealed) => match Session::sealed_as(&sealed, tenant, gate, now) {
                Some(newer) => {
                    session = newer;
                    renewed = Some(sealed);
                }
                None => return Standing::Ended,
            },
        }
    }
    match renewed.and_then(|sealed| session.write_again(&sealed, &Brought::by(head, tenant), tenant, gate, now)) {
        Some(cookies) => Standing::Renewed(session, cookies),
        None => Standing::Current(session),
    }
}

/// How long a refresh may take: a call for the tokens, and one for what the UserInfo endpoint adds.
fn patience(tenant: &Tenant) -> Duration {
    let calls = if tenant.login.userinfo { 2 } else { 1 };
    tenant.provider.timeout.saturating_mul(calls)
}

const MAX_BEHIND: usize = 8;
/// Between two tries at an issuer that does not answer as it should.
const BACK_OFF: Duration = Duration::from_secs(30);

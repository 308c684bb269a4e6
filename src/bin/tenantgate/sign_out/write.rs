//! Writes a sign-out to etcd. The core says which calls to make.

use tenantgate::base::time::UnixTime;
use tenantgate::env::NoClientAddress;
use tenantgate::env::shared::NoSharedData;
use tenantgate::http::call::HttpCall;
use tenantgate::runtime::{Runtime, ServedTenant};
use tenantgate::session::revocation::SelectedSessions;
use tenantgate::session::store::CommandStep;

use crate::client::{Answer, Skew, response};
use crate::etcd::Servers;
use crate::machine::with_env;
use crate::secrets::without;

/// Lets the core write that these sessions end. The result is until when they have to have begun.
pub(super) fn write(
    runtime: &Runtime,
    tenant: &ServedTenant,
    sessions: SelectedSessions<'_>,
    etcd: &mut Servers,
) -> Result<UnixTime, String> {
    let begun = with_env(&NoSharedData, &NoClientAddress, |env| runtime.end_sessions(tenant, sessions, env))
        .ok_or(super::NO_STORE)?;
    let (sign_out, mut call) = begun.map_err(|failure| failure.to_string())?;
    let until = sign_out.until();
    let mut sign_out = Box::new(sign_out);
    let mut is_first = true;
    loop {
        let answer = etcd.call(&call).map_err(|problem| format!("etcd did not confirm it; {problem}"))?;
        // The first call reads, so nothing is written yet.
        if is_first {
            compare_clocks(&answer)?;
        }
        is_first = false;
        let token = tokens(&call);
        match sign_out.called(response(&Ok(answer))) {
            CommandStep::Call(next, following) => (sign_out, call) = (next, following),
            CommandStep::End(Ok(())) => return Ok(until),
            CommandStep::End(Err(reason)) => {
                return Err(without(format!("etcd did not confirm it; {}: {reason}", etcd.name()), &token));
            }
        }
    }
}

/// A sign-out has the time of this machine, and sessions have that of the replicas.
fn compare_clocks(answer: &Answer) -> Result<(), String> {
    let consequence = match answer.skew() {
        Some(Skew { ahead, .. }) if ahead > MOST_SKEW => {
            format!("{ahead} s behind that of etcd, so sessions that began since would go on")
        }
        Some(Skew { behind, .. }) if behind > MOST_SKEW => {
            format!("{behind} s ahead of that of etcd, so new sessions would end, too")
        }
        Some(_) | None => return Ok(()),
    };
    Err(format!("nothing was written: the clock of this machine is {consequence}; set both by NTP"))
}

/// The token of a call.
fn tokens(call: &HttpCall) -> Vec<String> {
    let token = call.headers.iter().filter(|(name, _)| *name == "authorization");
    token.map(|(_, value)| value.expose_secret().clone()).collect()
}

/// The most seconds between the clocks of this machine and of etcd.
const MOST_SKEW: u64 = 5;

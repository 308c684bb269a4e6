//! The second leg: the browser is back, and what it brings has to belong to a login that it began here.

use super::answer::Answer;
use super::attempt::Attempt;
use super::redeem::{Redeeming, Returned};
use crate::call::HttpCall;
use crate::denial::Denial;
use crate::env::Env;
use crate::gate::Entry;
use crate::host::Host;
use crate::reply::LocalReply;
use crate::visit::Visit;

/// Checks the answer of the issuer. Only if it belongs to an attempt of this browser is there anything to redeem, so a forged
/// callback neither burns a code nor causes a call.
pub(crate) fn callback(visit: Visit<'_>, env: &mut Env<'_>) -> Result<(Redeeming, HttpCall), LocalReply> {
    let (answer, attempt, host) = match recognise(&visit, env) {
        Ok(found) => found,
        Err(denial) => return Err(visit.asker.refuse(&denial)),
    };
    let returned = Returned { tenant: visit.tenant, host, attempt, asker: visit.asker };
    // RFC 9207 section 2.4: an answer of another issuer is not acted on, not even on its error; nor is one that does not say whose it
    // is where the issuer always does.
    let may_be_silent = !returned.tenant.provider.names_issuer();
    if !answer.issuer.map_or(may_be_silent, |issuer| issuer == returned.tenant.issuer) {
        return Err(returned.refuse(&Denial::OtherIssuer));
    }
    match answer.outcome {
        Ok(code) => returned.redeem(&code, env),
        Err(error) => Err(returned.refuse(&Denial::AuthorizationRefused(error))),
    }
}

/// The attempt that the answer belongs to, and the host it goes back to.
fn recognise(visit: &Visit<'_>, env: &Env<'_>) -> Result<(Answer, Attempt, Host), Denial> {
    let Visit { head, gate, tenant, target, .. } = visit;
    if head.only(":method") != Some(b"GET") {
        return Err(Denial::CallbackMalformed);
    }
    let answer = Answer::parse(target.query.unwrap_or_default()).ok_or(Denial::CallbackMalformed)?;
    let attempt = Attempt::of_state(&answer.state, head, tenant, gate, env.now()?).ok_or(Denial::StateUnknown)?;
    let host = attempt.host().ok_or(Denial::StateUnknown)?;
    // The configuration of this moment has to give the host to this tenant still.
    match gate.select(&host) {
        Some(Entry::Serving(owner)) if owner.name == tenant.name => Ok((answer, attempt, host)),
        _ => Err(Denial::StateUnknown),
    }
}

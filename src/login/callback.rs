//! The second leg: the browser is back, and what it brings has to belong to a login that it began here.

use super::answer::Answer;
use super::attempt::{Attempt, Lost};
use super::begin::begin_again;
use super::redeem::{Redeeming, Returned};
use crate::call::HttpCall;
use crate::denial::Denial;
use crate::env::Env;
use crate::gate::Entry;
use crate::host::Host;
use crate::navigation::is_navigation;
use crate::page::Way;
use crate::reply::{Level, LocalReply};
use crate::session::{Brought, Session};
use crate::visit::Visit;

/// Checks the answer of the issuer. Only if it belongs to an attempt of this browser is there anything to redeem, so a forged
/// callback neither burns a code nor causes a call.
pub(crate) fn callback(visit: Visit<'_>, env: &mut Env<'_>) -> Result<(Redeeming, HttpCall), LocalReply> {
    let answer = read(&visit).map_err(|denial| visit.asker().refuse(&denial))?;
    let now = env.now().map_err(|error| visit.asker().refuse(&error.into()))?;
    let attempt = match Attempt::of_state(&answer.state, visit.head, &visit.tenant, visit.gate, now) {
        Ok(attempt) => attempt,
        Err(lost) => return Err(late(&visit, lost, env)),
    };
    let Some(host) = host_of(&attempt, &visit) else { return Err(visit.asker().refuse(&Denial::StateUnknown)) };
    let brought = Brought::by(visit.head, &visit.tenant);
    let returned = Returned { asker: visit.asker(), tenant: visit.tenant, host, attempt, brought };
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

fn read(visit: &Visit<'_>) -> Result<Answer, Denial> {
    if visit.head.only(":method") != Some(b"GET") {
        return Err(Denial::CallbackMalformed);
    }
    Answer::parse(visit.target.query.unwrap_or_default()).ok_or(Denial::CallbackMalformed)
}

/// The host that the attempt goes back to. The configuration of this moment has to give it to this tenant still.
fn host_of(attempt: &Attempt, visit: &Visit<'_>) -> Option<Host> {
    let host = attempt.host()?;
    match visit.gate.select(&host) {
        Some(Entry::Serving(owner)) if owner.name == visit.tenant.name => Some(host),
        _ => None,
    }
}

/// An answer that no attempt waits for. Nothing of it is used: whoever is signed in goes to the page, where it is known; whose attempt
/// was sealed with a key that was removed begins another one, and everybody else is told.
fn late(visit: &Visit<'_>, lost: Lost, env: &mut Env<'_>) -> LocalReply {
    let Visit { head, gate, tenant, .. } = visit;
    let asker = visit.asker();
    let page = match &lost {
        Lost::Expired(attempt) => {
            host_of(attempt, visit).map(|host| format!("{}{}", tenant.origin(&host), attempt.page))
        }
        Lost::KeyGone | Lost::Unknown => None,
    };
    let page = page.unwrap_or_else(|| format!("{}/", tenant.origin(&visit.host)));
    if env.now().is_ok_and(|now| Session::of(head, tenant, gate, now).is_some()) {
        let note =
            asker.note(Level::Debug, "login_late", "an answer came that nobody waits for, and there is a session");
        return LocalReply::redirect(page, note);
    }
    match lost {
        Lost::KeyGone if is_navigation(head) => begin_again(visit, env).unwrap_or_else(|denial| asker.refuse(&denial)),
        Lost::Expired(_) | Lost::KeyGone | Lost::Unknown => {
            asker.refuse_with(&Denial::StateUnknown, Some(Way::sign_in(&page)))
        }
    }
}

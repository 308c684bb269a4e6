//! Signing out: by the person, who comes here ([`logout`]), and by the issuer, in a frame of its own page ([`frontchannel_logout`]) or from
//! server to server ([`Notice`]).

mod backchannel;
mod frontchannel;
mod rp_initiated;

use crate::cookie::Cookies;
use crate::env::{Env, UnixTime};
use crate::reply::LocalReply;
use crate::revocation::{Mark, Revocation};
use crate::session::SessionRecord;
use crate::visit::Visit;

pub(crate) use backchannel::Notice;
pub(crate) use frontchannel::frontchannel_logout;
pub(crate) use rp_initiated::logout;

/// Sees to it that a copy of the session's cookie is worth nothing, and ends what `more` names. A host that keeps nothing is no reason not to
/// sign out: this VM knows it.
fn end(session: &SessionRecord, more: Option<Mark>, visit: &Visit<'_>, env: &Env<'_>) {
    let Ok(now) = env.now() else { return };
    let this = (Mark::session(session.id), UnixTime(session.signed_in));
    let marks = more.map(|mark| (mark, now)).into_iter().chain([this]).collect();
    let _ = Revocation { marks, token: None }.keep(&visit.tenant, visit.gate.policy().lifetime, now, env);
}

/// Whatever its state, a cookie of ours that was sent goes, with the attributes it was set with.
fn delete_cookies(reply: LocalReply, visit: &Visit<'_>) -> LocalReply {
    let cookies = Cookies::of(&visit.tenant);
    let sent = cookies.sent(visit.head);
    sent.iter().fold(reply, |reply, name| reply.with_cookie(cookies.delete(name)))
}

//! The end of a session: its revocation, and the deletion of its cookies.
//!
//! Scenarios: `tests/scenarios/{logout,frontchannel}.rs`.

use crate::base::time::UnixTime;
use crate::env::Env;
use crate::http::reply::LocalReply;
use crate::runtime::RequestContext;
use crate::session::SessionRecord;
use crate::session::revocation::{Revocation, RevocationEntry};
use crate::tenant::TenantCookies;

/// Revokes the session, so that a copy of its cookies is invalid, and the entry `more`. If the host
/// cannot store that, the logout continues, and only this VM remembers it.
pub(super) fn revoke(session: &SessionRecord, more: Option<RevocationEntry>, context: &RequestContext, env: &Env<'_>) {
    let Ok(now) = env.now() else { return };
    let this = (RevocationEntry::session(session.id), UnixTime(session.signed_in));
    let entries = more.map(|entry| (entry, now)).into_iter().chain([this]).collect();
    let lifetime = context.runtime.policy().lifetime;
    let _ = Revocation { entries, token: None }.store(&context.served.revocations, lifetime, now, env);
}

/// Deletes every cookie of the tenant that the browser sent, with the attributes that it was set
/// with.
pub(super) fn delete_cookies(reply: LocalReply, context: &RequestContext) -> LocalReply {
    let cookies = TenantCookies::new(&context.tenant().login);
    let sent = cookies.sent(&context.head);
    sent.iter().fold(reply, |reply, name| reply.with_cookie(cookies.delete(name)))
}

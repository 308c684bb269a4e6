//! The end of a session: its revocation, and the deletion of its cookies.
//!
//! Scenarios: `tests/scenarios/{logout,frontchannel}.rs`.

use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::error::ReplyContext;
use crate::http::reply::LocalReply;
use crate::runtime::RequestContext;
use crate::session::SessionRecord;
use crate::session::revocation::{Folded, Revocation, RevocationEntry};
use crate::tenant::TenantCookies;

/// Revokes the session, so that a copy of its cookies is invalid, and the entry `more`. If the host
/// cannot store that, the logout continues, and only this VM remembers it. Returns a line for the
/// log if other sessions were revoked, too, to keep the list within its limit.
pub(super) fn revoke(
    session: &SessionRecord,
    more: Option<RevocationEntry>,
    context: &RequestContext,
    env: &Env<'_>,
) -> Option<LogLine> {
    let now = env.now().ok()?;
    let this = (RevocationEntry::session(session.id, &session.sub), UnixTime(session.signed_in));
    let entries = more.map(|entry| (entry, now)).into_iter().chain([this]).collect();
    let lifetime = context.runtime.policy().lifetime;
    let stored = Revocation { entries, token: None }.store(&context.served.revocations, lifetime, now, env);
    folded(stored.ok()?, &context.reply_context())
}

/// The line for the log if a revocation has revoked sessions that it is not about.
pub(super) fn folded(folded: Folded, context: &ReplyContext) -> Option<LogLine> {
    let (level, reason) = match folded {
        Folded { everybody: true, .. } => {
            (Level::Warn, "too many sign-outs: the older sessions of all users of this tenant ended")
        }
        Folded { users: 0, .. } => return None,
        Folded { .. } => (Level::Info, "too many sign-outs of one user: that user's older sessions ended"),
    };
    Some(context.log(level, Event::RevocationsFolded, reason))
}

/// Deletes every cookie of the tenant that the browser sent, with the attributes that it was set
/// with.
pub(super) fn delete_cookies(reply: LocalReply, context: &RequestContext) -> LocalReply {
    let cookies = TenantCookies::new(&context.tenant().login);
    let sent = cookies.sent(&context.head);
    sent.iter().fold(reply, |reply, name| reply.with_cookie(cookies.delete(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RequestId;
    use crate::http::request::RequestHead;

    #[test]
    fn sessions_that_a_sign_out_is_not_about_are_logged() {
        let context = ReplyContext::new(&RequestHead::default(), &RequestId::Generated("1".to_owned()));
        let line = |users, everybody| folded(Folded { users, everybody }, &context);
        assert_eq!(line(0, false), None);
        for (users, everybody, level, text) in
            [(1, false, Level::Info, "one user"), (1, true, Level::Warn, "all users")]
        {
            let line = line(users, everybody).unwrap();
            assert!(
                line.level == level && line.event == Event::RevocationsFolded && line.text.contains(text),
                "{line:?}"
            );
        }
    }
}

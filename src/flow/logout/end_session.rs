//! The end of a session: its revocation, that of its refresh token, and the deletion of cookies.
//!
//! Scenarios: `tests/scenarios/{logout,frontchannel,token_revocation}.rs`.

use crate::base::event::{Event, Level, LogLine};
use crate::base::secret::Secret;
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::error::ReplyContext;
use crate::http::reply::LocalReply;
use crate::runtime::RequestContext;
use crate::session::SessionRecord;
use crate::session::revocation::{Folded, Revocation, RevocationEntry};
use crate::tenant::TenantCookies;

/// A sign-out: the answer to the browser, and what is left to do after it.
pub(crate) struct SignOut {
    /// The answer.
    pub(crate) reply: LocalReply,
    /// The refresh tokens of the sessions that ended. No session uses them any more.
    pub(crate) refresh_tokens: Vec<Secret<String>>,
    /// What the sign-out has revoked, for other replicas.
    pub(crate) revocation: Revocation,
}

/// The sessions that a sign-out has ended so far.
#[derive(Default)]
pub(super) struct EndedSessions {
    log: Vec<LogLine>,
    refresh_tokens: Vec<Secret<String>>,
    revocation: Revocation,
}

impl EndedSessions {
    /// Revokes the session, so that a copy of its cookies is invalid, and the entry `more`. If the
    /// host cannot store that, the logout continues, and only this VM remembers it. The newest
    /// refresh token of the session is to be revoked, too, unless the session is revoked already: a
    /// copy of its cookies must not cause one call after the other.
    pub(super) fn add(
        &mut self,
        session: &SessionRecord,
        more: Option<RevocationEntry>,
        context: &RequestContext,
        env: &mut Env<'_>,
    ) {
        let Ok(now) = env.now() else { return };
        let revocations = &context.served.revocations;
        revocations.catch_up(env.shared());
        let is_revoked = revocations.contain(&session.into(), now);
        let this = (RevocationEntry::session(session.id, &session.sub), UnixTime(session.signed_in));
        let entries: Vec<_> = more.map(|entry| (entry, now)).into_iter().chain([this]).collect();
        // A session that is over is known to the other replicas. So a copy of its cookies cannot
        // fill the store.
        if !is_revoked {
            self.revocation.entries.extend_from_slice(&entries);
        }
        let revocation = Revocation { entries, ..Revocation::default() };
        if let Ok(stored) = context.runtime.revoke(&context.served, &revocation, now, env) {
            self.log.extend(folded(stored, &context.reply_context()));
        }
        if !is_revoked {
            let grant = context.sessions(now).newest_grant(session, env.shared());
            self.refresh_tokens.extend(grant.map(|grant| Secret::new(grant.refresh_token)));
        }
    }

    /// The sign-out with this answer to the browser.
    pub(super) fn answer(self, reply: LocalReply) -> SignOut {
        let reply = self.log.into_iter().fold(reply, LocalReply::with_log);
        SignOut { reply, refresh_tokens: self.refresh_tokens, revocation: self.revocation }
    }
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

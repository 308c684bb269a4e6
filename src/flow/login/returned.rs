//! A browser that came back from the issuer.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::Attempt;
use super::redirect_loop;
use crate::base::event::{Event, Level, LogLine};
use crate::error::{LoginError, Refusal, Remedy, ReplyContext};
use crate::http::host::Host;
use crate::http::page::PageAction;
use crate::http::reply::LocalReply;
use crate::runtime::{Runtime, ServedTenant};
use crate::session::SentCookies;
use crate::tenant::{TenantCookies, WithoutToken};

/// A browser that came back with a response to its own attempt. However the login goes on, the attempt is over.
pub(super) struct Returned {
    pub(super) runtime: Arc<Runtime>,
    pub(super) served: Arc<ServedTenant>,
    pub(super) host: Host,
    pub(super) attempt: Attempt,
    pub(super) sent: SentCookies,
    pub(super) reply_context: ReplyContext,
}

/// A session that the login started.
pub(super) struct StartedSession {
    /// The `Set-Cookie` values that store it.
    pub(super) cookies: Vec<String>,
    /// Whether the issuer sent a refresh token for it.
    pub(super) is_refreshable: bool,
}

impl Returned {
    /// Sends the browser to the page that it asked for, with the `Set-Cookie` values of its session, or says why there
    /// is none.
    pub(super) fn end(&self, outcome: Result<StartedSession, LoginError>) -> LocalReply {
        match outcome {
            Ok(StartedSession { cookies, is_refreshable }) => {
                let log = self.reply_context.log(Level::Debug, Event::LoginFinished, "session started");
                let mut reply = self.without_attempt(LocalReply::redirect(self.page(), log));
                if let Some(line) = self.refresh_token_missing(is_refreshable) {
                    reply = reply.with_log(line);
                }
                let count = redirect_loop::increment(self.attempt.logins_before, &self.served.model.login);
                cookies.into_iter().chain(count).fold(reply, LocalReply::with_cookie)
            }
            Err(error) => self.refuse(&error.into()),
        }
    }

    /// The line for the log if sessions are to be refreshed and this one cannot be.
    fn refresh_token_missing(&self, is_refreshable: bool) -> Option<LogLine> {
        let refresh = self.served.model.refresh?;
        let ends = !is_refreshable && refresh.without_token == WithoutToken::End;
        ends.then(|| {
            let reason = "the issuer sent no refresh token, so the session ends after `refresh.interval`; add the \
                          scope `offline_access` to `login.scopes`, or set `refresh.without_token` to `keep`";
            self.reply_context.log(Level::Warn, Event::RefreshTokenMissing, reason)
        })
    }

    /// Refuses, and offers to try again the page that was asked for. Where a retry helps only if the issuer asks who it
    /// is, the next login has it ask.
    pub(super) fn refuse(&self, refusal: &Refusal) -> LocalReply {
        let remedy = refusal.remedy();
        let action = PageAction::Link { href: self.page(), label: remedy.label() };
        let reply = self.without_attempt(self.reply_context.refuse_with(refusal, Some(action)));
        let cookies = TenantCookies::new(&self.served.model.login);
        match remedy {
            Remedy::TryAgain => reply,
            Remedy::SignInAgain | Remedy::AnotherAccount => {
                let ask = cookies.set(&cookies.ask(), "1", ASK_FOR);
                ask.into_iter().fold(reply, LocalReply::with_cookie)
            }
        }
    }

    /// The address that the browser asked for when the login began.
    fn page(&self) -> String {
        format!("{}{}", self.served.model.origin(&self.host), self.attempt.page)
    }

    /// Deletes the attempt's cookie: a state is good for one callback.
    fn without_attempt(&self, reply: LocalReply) -> LocalReply {
        let login = &self.served.model.login;
        reply.with_cookie(TenantCookies::new(login).delete(&self.attempt.cookie_name(login)))
    }
}

/// So long after a refusal the next login has the issuer ask.
const ASK_FOR: Duration = Duration::from_secs(5 * 60);

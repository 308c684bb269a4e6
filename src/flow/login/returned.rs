//! A login whose browser came back from the issuer.
//!
//! Scenarios: `tests/scenarios/{login,callback}.rs`.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::Attempt;
use super::redirect_loop;
use crate::base::event::{Event, Level, LogLine};
use crate::base::time::UnixTime;
use crate::error::{LoginError, Refusal, Remedy, ReplyContext};
use crate::http::host::Host;
use crate::http::reply::LocalReply;
use crate::runtime::{Runtime, ServedTenant};
use crate::session::SentCookies;
use crate::tenant::{TenantCookies, WithoutToken};

/// A login whose browser came back with a response to its own attempt. Every answer from here on
/// deletes the attempt.
pub(super) struct Returned {
    /// The configuration at the beginning of the request.
    pub(super) runtime: Arc<Runtime>,
    /// The tenant of the login.
    pub(super) served: Arc<ServedTenant>,
    /// The host where the login began.
    pub(super) host: Host,
    /// The attempt that the response belongs to.
    pub(super) attempt: Attempt,
    /// The session cookies of the request.
    pub(super) sent: SentCookies,
    /// Whether the browser has the cookie that makes the issuer ask for credentials.
    pub(super) asks: bool,
    /// The properties of the request that replies and log lines depend on.
    pub(super) reply_context: ReplyContext,
}

/// A session that the login started.
pub(super) struct StartedSession {
    /// The `Set-Cookie` values that store it.
    pub(super) cookies: Vec<String>,
    /// The user.
    pub(super) user: String,
    /// When it began.
    pub(super) at: UnixTime,
    /// Whether the issuer sent a refresh token for it.
    pub(super) is_refreshable: bool,
}

impl Returned {
    /// Ends the login: redirects to the page where it began, with the `Set-Cookie` values of the
    /// session, or refuses.
    pub(super) fn end(&self, outcome: Result<StartedSession, LoginError>) -> LocalReply {
        match outcome {
            Ok(StartedSession { cookies, user, at, is_refreshable }) => {
                let reply_context = self.reply_context.clone().about(&user);
                let log = reply_context.log(Level::Debug, Event::LoginFinished, "session started");
                let began = self.attempt.began(&self.served.model.login);
                let log = LogLine { login_seconds: Some(at.0.saturating_sub(began.0)), ..log };
                let mut reply = self.without_attempt(LocalReply::redirect(self.page(), log));
                if let Some(line) = self.refresh_token_missing(is_refreshable) {
                    reply = reply.with_log(line);
                }
                let cookies_of_tenant = TenantCookies::new(&self.served.model.login);
                let asked = self.asks.then(|| cookies_of_tenant.delete(&cookies_of_tenant.ask()));
                let count = redirect_loop::increment(self.attempt.logins_before, &self.served.model.login);
                cookies.into_iter().chain(asked).chain(count).fold(reply, LocalReply::with_cookie)
            }
            Err(error) => self.refuse(&error.into()),
        }
    }

    /// The log line for a session that is to be refreshed and has no refresh token.
    fn refresh_token_missing(&self, is_refreshable: bool) -> Option<LogLine> {
        let refresh = self.served.model.refresh?;
        let ends = !is_refreshable && refresh.without_token == WithoutToken::End;
        ends.then(|| {
            let reason = "the issuer sent no refresh token, so the session ends after `refresh.interval`; add the \
                          scope `offline_access` to `login.scopes`, or set `refresh.without_token` to `keep`";
            self.reply_context.log(Level::Warn, Event::RefreshTokenMissing, reason)
        })
    }

    /// Refuses the login and links to the page where it began, if another login can help. If only
    /// another prompt can help, a cookie makes the next login ask for credentials.
    pub(super) fn refuse(&self, refusal: &Refusal) -> LocalReply {
        let reply = self.without_attempt(self.reply_context.refuse_at(refusal, Some(&self.page())));
        let cookies = TenantCookies::new(&self.served.model.login);
        let needs_prompt = refusal.remedy().is_some_and(Remedy::needs_prompt);
        let ask = needs_prompt.then(|| cookies.set(&cookies.ask(), "1", ASK_FOR)).flatten();
        ask.into_iter().fold(reply, LocalReply::with_cookie)
    }

    /// The URL of the page where the login began.
    fn page(&self) -> String {
        format!("{}{}", self.served.model.origin(&self.host), self.attempt.page)
    }

    /// Deletes the cookie of the attempt: a `state` is valid for one callback.
    fn without_attempt(&self, reply: LocalReply) -> LocalReply {
        let login = &self.served.model.login;
        reply.with_cookie(TenantCookies::new(login).delete(&self.attempt.cookie_name(login)))
    }
}

/// The time after a refusal in which the next login asks for credentials.
const ASK_FOR: Duration = Duration::from_secs(5 * 60);

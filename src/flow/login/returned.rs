//! A browser that came back from the issuer.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::Attempt;
use super::redirect_loop;
use crate::base::event::{Event, Level};
use crate::error::{LoginError, Refusal, Remedy, ReplyContext};
use crate::http::host::Host;
use crate::http::page::PageAction;
use crate::http::reply::LocalReply;
use crate::runtime::{Runtime, ServedTenant};
use crate::session::SentCookies;
use crate::tenant::TenantCookies;

/// A browser that came back with a response to its own attempt. However the login goes on, the attempt is over.
pub(super) struct Returned {
    pub(super) runtime: Arc<Runtime>,
    pub(super) served: Arc<ServedTenant>,
    pub(super) host: Host,
    pub(super) attempt: Attempt,
    pub(super) sent: SentCookies,
    pub(super) reply_context: ReplyContext,
}

impl Returned {
    /// Sends the browser to the page that it asked for, with the `Set-Cookie` values of its session, or says why there
    /// is none.
    pub(super) fn end(&self, outcome: Result<Vec<String>, LoginError>) -> LocalReply {
        match outcome {
            Ok(cookies) => {
                let log = self.reply_context.log(Level::Debug, Event::LoginFinished, "session started");
                let reply = self.without_attempt(LocalReply::redirect(self.page(), log));
                let count = redirect_loop::increment(self.attempt.logins_before, &self.served.model.login);
                cookies.into_iter().chain(count).fold(reply, LocalReply::with_cookie)
            }
            Err(error) => self.refuse(&error.into()),
        }
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

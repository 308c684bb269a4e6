//! Who waits for the answer: a person or a program, and under which request id.

use crate::denial::Denial;
use crate::encode::base64url;
use crate::env::Env;
use crate::navigation::accepts_html;
use crate::page::{OwnWords, Page, Way};
use crate::reply::{Level, LocalReply, Note};
use crate::request::RequestHead;
use crate::tenant::TenantName;

/// What every reply needs to know of the request.
#[derive(Clone)]
pub(crate) struct Asker {
    /// Whether to answer with a page. JSON otherwise.
    pub(crate) html: bool,
    /// Stands on the page and in the log, so that one leads to the other.
    pub(crate) request_id: String,
    /// The tenant, as soon as it is known.
    pub(crate) tenant: Option<TenantName>,
    /// That tenant's own words.
    pub(crate) words: OwnWords,
}

impl Asker {
    /// Reads the head.
    pub(crate) fn of(head: &RequestHead, id: &RequestId) -> Self {
        let request_id = match id {
            RequestId::Given => given_id(head).unwrap_or_default().to_owned(),
            RequestId::Drawn(id) => id.clone(),
        };
        Self { html: accepts_html(head), request_id, tenant: None, words: OwnWords::default() }
    }

    /// The answer to a request that is refused.
    pub(crate) fn refuse(&self, denial: &Denial) -> LocalReply {
        self.refuse_with(denial, denial.way())
    }

    /// As [`refuse`](Self::refuse), with a way on of the caller's choosing.
    pub(crate) fn refuse_with(&self, denial: &Denial, way: Option<Way>) -> LocalReply {
        let (title, message) = denial.words();
        let page = Page { code: denial.event(), title, message, way };
        let note = self.note(denial.level(), denial.event(), &denial.to_string());
        let reply = LocalReply::page(denial.status(), &page, self, note);
        denial
            .headers(self.tenant.as_ref())
            .into_iter()
            .fold(reply, |reply, (name, value)| reply.with_header(name, value))
    }

    /// A log line about this request.
    pub(crate) fn note(&self, level: Level, event: &'static str, reason: &str) -> Note {
        let tenant = self.tenant.as_ref().map_or("-", TenantName::as_str);
        let line = [event, " tenant=", tenant, " request_id=", &self.request_id, ": ", reason].concat();
        Note { level, event, line }
    }
}

/// Under which id a request is known. Most requests get no answer of the gate, so no text is made of it before it is needed.
pub(crate) enum RequestId {
    /// The one that the head has.
    Given,
    /// One of the gate's own.
    Drawn(String),
}

impl RequestId {
    /// The request id is Envoy's `x-request-id`; a client may have chosen it, so it is taken only if it is short and of harmless characters.
    pub(crate) fn of(head: &RequestHead, env: &mut Env<'_>) -> Self {
        if given_id(head).is_some() {
            return Self::Given;
        }
        // Without randomness there is still an answer, only one that is hard to find in the log.
        Self::Drawn(env.random::<12>().map_or_else(|_| "none".to_owned(), |bytes| base64url(&bytes)))
    }
}

fn given_id(head: &RequestHead) -> Option<&str> {
    head.only("x-request-id").filter(|id| is_harmless(id)).and_then(|id| std::str::from_utf8(id).ok())
}

fn is_harmless(id: &[u8]) -> bool {
    (1..=64).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

//! What the gate itself answers, and what it notes about it.

use std::fmt;

use crate::asker::Asker;
use crate::page::Page;

/// A reply of the gate. The upstream has no part in it.
#[must_use = "a reply that is not sent leaves the client waiting"]
pub struct LocalReply {
    /// HTTP status code.
    pub status: u16,
    /// Header lines in order; `set-cookie` may repeat.
    pub headers: Vec<(&'static str, String)>,
    /// The whole body.
    pub body: String,
    /// What is logged and counted.
    pub note: Note,
}

/// Names only: values hold cookies, state and nonces.
impl fmt::Debug for LocalReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        f.debug_struct("LocalReply")
            .field("status", &self.status)
            .field("headers", &names)
            .field("note", &self.note)
            .finish_non_exhaustive()
    }
}

impl LocalReply {
    /// Sends the browser to `url`. 302 turns every method into a GET in practice, so no body goes along (RFC 9700 section 4.12).
    pub(crate) fn redirect(url: String, note: Note) -> Self {
        Self { status: 302, headers: common_headers(), body: String::new(), note }.with_header("location", url)
    }

    /// Nothing to say but the status.
    pub(crate) fn empty(status: u16, note: Note) -> Self {
        Self { status, headers: common_headers(), body: String::new(), note }
    }

    /// A page for a person, or the same in JSON for a program.
    pub(crate) fn page(status: u16, page: &Page, asker: &Asker, note: Note) -> Self {
        Self::page_in_frame(status, page, None, asker, note)
    }

    /// A page that these origins may show in a frame.
    pub(crate) fn page_in_frame(status: u16, page: &Page, framed_by: Option<&str>, asker: &Asker, note: Note) -> Self {
        let id = &asker.request_id;
        let reply = Self { status, headers: common_headers(), body: String::new(), note };
        if asker.html {
            let reply = Self { body: page.html(&asker.words, id), ..reply };
            reply
                .with_header("content-type", "text/html; charset=utf-8".to_owned())
                .with_header("content-security-policy", page.content_security_policy(framed_by))
        } else {
            Self { body: page.json(id), ..reply }.with_header("content-type", "application/json".to_owned())
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn with_cookie(self, set_cookie: String) -> Self {
        self.with_header("set-cookie", set_cookie)
    }
}

/// One line for the log and one counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How much it matters to an operator.
    pub level: Level,
    /// The name of the event, a fixed word; the counter is called by it.
    pub event: &'static str,
    /// The log line: tenant, request id and reason. Nothing secret, and nothing of the client's choosing but a request id
    /// of harmless characters.
    pub line: String,
}

/// Log levels, as Envoy names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Everyday: a login begins, a client without a session is refused.
    Debug,
    /// Worth a look in numbers: forged or expired callbacks.
    Info,
    /// The issuer misbehaves.
    Warn,
    /// An operator must act.
    Error,
}

/// No answer of the gate is for a cache, and none of its addresses is for anybody else.
fn common_headers() -> Vec<(&'static str, String)> {
    [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff")]
        .map(|(name, value)| (name, value.to_owned()))
        .into()
}

//! A response that Tenantgate sends itself, without the upstream.

use std::fmt;

use crate::base::event::LogLine;

/// A response that Tenantgate sends itself. The upstream does not receive the request.
#[must_use = "a reply that is not sent leaves the client waiting"]
pub struct LocalReply {
    /// The HTTP status code.
    pub status: u16,
    /// Header lines in order. `set-cookie` may occur more than once.
    pub headers: Vec<(&'static str, String)>,
    /// The whole body.
    pub body: String,
    /// The lines that are logged and counted. The first one is about what the reply says.
    pub log: Vec<LogLine>,
    /// The filter state to set: names and values, in printable ASCII.
    pub filter_state: Vec<(&'static str, String)>,
}

/// Shows the header names only, because the values contain cookies, state and nonces.
impl fmt::Debug for LocalReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        f.debug_struct("LocalReply")
            .field("status", &self.status)
            .field("headers", &names)
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

impl LocalReply {
    /// A redirect to `url`. Browsers follow a 302 with a GET and without the body (RFC 9700 section
    /// 4.12).
    pub(crate) fn redirect(url: String, log: LogLine) -> Self {
        Self::empty(302, log).with_header("location", url)
    }

    /// A response without a body. Caches must not store it, and browsers send no `Referer` from it.
    pub(crate) fn empty(status: u16, log: LogLine) -> Self {
        let headers =
            [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff")];
        let headers = headers.map(|(name, value)| (name, value.to_owned())).into();
        Self { status, headers, body: String::new(), log: vec![log], filter_state: Vec::new() }
    }

    /// The same response with a body of this media type.
    pub(crate) fn with_body(mut self, media_type: &str, body: String) -> Self {
        self.body = body;
        self.with_header("content-type", media_type.to_owned())
    }

    /// The same response with one more header line.
    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same response with this `Referrer-Policy`.
    pub(crate) fn with_referrer_policy(mut self, policy: &'static str) -> Self {
        self.headers.retain(|(name, _)| *name != "referrer-policy");
        self.with_header("referrer-policy", policy.to_owned())
    }

    /// The same response with one more line for the log.
    pub(crate) fn with_log(mut self, line: LogLine) -> Self {
        self.log.push(line);
        self
    }

    /// The same response with one more `Set-Cookie` line.
    pub(crate) fn with_cookie(self, set_cookie: String) -> Self {
        self.with_header("set-cookie", set_cookie)
    }
}

//! The response phase: the upstream has the request. The filter can delay the response head and
//! edit it. It cannot forward, refuse or change the request any more.
//!
//! ```text
//!   nothing awaited ───── Response ─────▶ released
//!
//!   refresh awaited ─┬─── RefreshEnded ─▶ refresh awaited
//!                    └─── Response ─────▶ held ─── RefreshEnded ─▶ released
//! ```
//!
//! Not drawn: a refresh that has ended before the response head arrives does not hold it, and one
//! that is still in progress after `RefreshEnded` holds it on.
//!
//! Scenarios: `tests/scenarios/{session,refresh}.rs`.

use super::plugin_call::PluginCall;
use crate::base::event::LogLine;
use crate::env::Env;
use crate::flow::refresh::{AwaitedCookies, AwaitedRefresh, StartRefresh};
use crate::http::reply::LocalReply;
use crate::session::RefreshKey;

/// The edits and log lines of the response, and the refresh that may still be in progress. It is
/// made together with the [`Forward`](crate::upstream::Forward) of the request.
#[derive(Default)]
#[must_use = "a response phase that is dropped loses cookies"]
pub(super) struct ResponsePhase {
    /// `Set-Cookie` values.
    cookies: Vec<String>,
    log: Vec<LogLine>,
    /// The refresh that begins when the request goes to the upstream.
    start: Option<StartRefresh>,
    /// The refresh whose cookies the response waits for.
    awaited: Option<Box<AwaitedRefresh>>,
    /// Whether the response head has arrived and is held back.
    held: bool,
}

/// An effect on the response.
#[derive(Debug)]
#[must_use = "a response that is not released leaves the client waiting"]
pub enum ResponseEffect {
    /// Wait for the next input. A response head that has arrived is held back.
    Wait,
    /// Begin this refresh. The response head may wait for it, see
    /// [`Filter::awaited`](super::Filter::awaited).
    Refresh(PluginCall),
    /// Apply these edits, log these lines, and let the response continue.
    Release(Vec<ResponseEdit>, Vec<LogLine>),
}

/// One change to the response head. Edits are applied in order.
#[derive(Clone, PartialEq, Eq)]
pub enum ResponseEdit {
    /// Add a header line.
    Add(&'static str, String),
    /// Remove all lines of this header.
    Remove(&'static str),
    /// Replace all lines of this header by one.
    Set(&'static str, &'static str),
}

/// Prints the names only, because the values are session cookies.
impl std::fmt::Debug for ResponseEdit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Add(name, _) | Self::Remove(name) | Self::Set(name, _)) = self;
        f.debug_tuple("ResponseEdit").field(name).finish_non_exhaustive()
    }
}

impl ResponsePhase {
    /// Adds these cookies to the response.
    pub(super) fn with_cookies(cookies: Vec<String>) -> Self {
        Self { cookies, ..Self::default() }
    }

    /// Begins this refresh beside the request, and adds its cookies to the response if they are
    /// awaited.
    pub(super) fn with_refresh(start: StartRefresh, awaited: Option<Box<AwaitedRefresh>>) -> Self {
        Self { start: Some(start), awaited, ..Self::default() }
    }

    /// Logs this line with the response.
    pub(super) fn with_log(mut self, line: LogLine) -> Self {
        self.log.push(line);
        self
    }

    /// Ends the phase before it begins, because Tenantgate sends `reply`. The reply gets the
    /// cookies and the log lines, and another request may refresh the session.
    pub(super) fn abandon(self, reply: LocalReply, env: &Env<'_>) -> LocalReply {
        if let Some(start) = self.start {
            start.refreshing.abandon(env);
        }
        let reply = self.log.into_iter().fold(reply, LocalReply::with_log);
        self.cookies.into_iter().fold(reply, LocalReply::with_cookie)
    }

    /// Begins the phase: the request goes to the upstream, and the refresh begins at the same time.
    pub(super) fn begin(&mut self) -> ResponseEffect {
        self.start.take().map_or(ResponseEffect::Wait, |start| ResponseEffect::Refresh(start.into()))
    }

    /// Whether the response needs no edit and no log line.
    pub(super) fn is_idle(&self) -> bool {
        self.cookies.is_empty() && self.log.is_empty() && self.awaited.is_none()
    }

    /// Whether the response head has arrived and waits for the end of a refresh.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// The refresh that a response head waits for.
    pub(super) fn awaited_refresh(&self) -> Option<RefreshKey> {
        self.awaited.as_ref().filter(|_| self.held).map(|awaited| awaited.key())
    }

    /// Takes the response head.
    pub(super) fn arrived(&mut self, env: &Env<'_>) -> ResponseEffect {
        self.held = true;
        self.release(env)
    }

    /// Looks for the end of the refresh.
    pub(super) fn refresh_ended(&mut self, env: &Env<'_>) -> ResponseEffect {
        if self.held { self.release(env) } else { ResponseEffect::Wait }
    }

    /// Releases a response head that has arrived, unless a refresh is in progress. The request was
    /// forwarded with the old identity, so a refresh applies from the next request on.
    fn release(&mut self, env: &Env<'_>) -> ResponseEffect {
        match self.awaited.as_ref().map(|awaited| awaited.cookies(env)) {
            Some(AwaitedCookies::NotYet) => return ResponseEffect::Wait,
            Some(AwaitedCookies::Known(cookies)) => self.cookies.extend(cookies),
            None => {}
        }
        self.awaited = None;
        self.held = false;
        let mut edits: Vec<ResponseEdit> =
            self.cookies.drain(..).map(|cookie| ResponseEdit::Add("set-cookie", cookie)).collect();
        if !edits.is_empty() {
            // A shared cache must not store the session, whatever the upstream permits.
            edits.push(ResponseEdit::Set("cache-control", "no-store"));
            edits.extend(OUTRANKING.map(ResponseEdit::Remove));
        }
        ResponseEffect::Release(edits, self.log.drain(..).collect())
    }
}

/// The headers that outrank `Cache-Control` at some shared cache: `CDN-Cache-Control` and others of
/// that kind (RFC 9213), `Surrogate-Control` (Fastly), `Edge-Control` (Akamai), and
/// `X-Accel-Expires` (nginx).
const OUTRANKING: [&str; 7] = [
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "netlify-cdn-cache-control",
    "vercel-cdn-cache-control",
    "surrogate-control",
    "edge-control",
    "x-accel-expires",
];

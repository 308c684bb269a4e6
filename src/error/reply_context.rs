//! The properties of a request that its replies and log lines depend on.

use std::sync::Arc;

use super::refusal::Refusal;
use crate::base::audit::{AuditFacts, AuditedRequest, Decision};
use crate::base::encoding::{base64url, escaped};
use crate::base::event::{Event, Level, LogLine};
use crate::base::log_settings::LogSettings;
use crate::base::secret::Secret;
use crate::env::Env;
use crate::http::call::HttpCall;
use crate::http::navigation::accepts_html;
use crate::http::page_layout::{Page, PageAction};
use crate::http::page_settings::PageSettings;
use crate::http::reply::LocalReply;
use crate::http::request::RequestHead;
use crate::http::trace_parent::TraceParent;
use crate::session::SessionEnd;
use crate::tenant::TenantName;

/// The properties of a request that its replies and log lines depend on.
#[derive(Clone)]
pub(crate) struct ReplyContext {
    /// Whether the client accepts HTML. Otherwise the body of a reply is JSON.
    pub(crate) html: bool,
    /// The request id, for the page and for the log.
    pub(crate) request_id: String,
    /// The tenant, once it is known.
    pub(crate) tenant: Option<TenantName>,
    /// The host of the site, once it is known that there is one.
    pub(crate) site: Option<String>,
    /// What the tenant configures for its pages.
    pub(crate) pages: Arc<PageSettings>,
    /// The user, once it is known.
    pub(crate) user: Option<String>,
    /// The trace of the request, for the calls that it causes.
    pub(crate) trace: Option<TraceParent>,
    /// What the log has beside the line of each event.
    pub(crate) log: LogSettings,
    /// The request as audit lines name it, if there are any.
    pub(crate) audited: Option<Arc<AuditedRequest>>,
}

impl ReplyContext {
    /// The context of a request whose tenant is not known yet.
    pub(crate) fn new(head: &RequestHead, id: &RequestId) -> Self {
        let request_id = match id {
            RequestId::Received => received_id(head).unwrap_or_default().to_owned(),
            RequestId::Generated(id) => id.clone(),
        };
        Self {
            html: accepts_html(head),
            request_id,
            tenant: None,
            site: None,
            pages: Arc::default(),
            user: None,
            trace: TraceParent::of(head),
            log: LogSettings::default(),
            audited: None,
        }
    }

    /// The same context, with these settings of the log for this request.
    pub(crate) fn logged(self, log: LogSettings, head: &RequestHead) -> Self {
        let value = |name| head.only(name).unwrap_or_default();
        let audited = || Arc::new(AuditedRequest::new(value(":method"), value(":authority"), value(":path")));
        Self { log, audited: log.audit.then(audited), ..self }
    }

    /// The call of this request with its trace.
    pub(crate) fn traced(&self, mut call: HttpCall) -> HttpCall {
        let value = self.trace.iter().map(|trace| Secret::new(trace.as_str().to_owned()));
        call.headers.extend(value.map(|value| (TraceParent::HEADER, value)));
        call
    }

    /// The same context, where the user is known.
    pub(crate) fn about(self, user: &str) -> Self {
        Self { user: Some(user.to_owned()), ..self }
    }

    /// The reply to a refused request, where no page is known that the user asked for.
    pub(crate) fn refuse(&self, refusal: &Refusal) -> LocalReply {
        self.refuse_at(refusal, None)
    }

    /// The same as [`refuse`](Self::refuse), for a user who asked for `page`. The user gets there
    /// if that can help.
    pub(crate) fn refuse_at(&self, refusal: &Refusal, page: Option<&str>) -> LocalReply {
        let action = refusal.remedy().and_then(|remedy| remedy.action(page));
        self.refuse_with(refusal, None, action.into_iter().collect())
    }

    /// The same as [`refuse`](Self::refuse), with these actions on the page, and with the user who
    /// is signed in.
    pub(crate) fn refuse_with(&self, refusal: &Refusal, user: Option<String>, actions: Vec<PageAction>) -> LocalReply {
        let answer = refusal.answer();
        let (title, message) = answer.text;
        let page = Page { event: answer.event, title, message, user, actions };
        let log = self.log(answer.level, answer.event, &refusal.to_string());
        let reply = self.page(answer.status, &page, log);
        let headers = refusal.headers(self.tenant.as_ref()).into_iter();
        headers.fold(reply, |reply, (name, value)| reply.with_header(name, value))
    }

    /// A page for a user, or its content as JSON for a program.
    pub(crate) fn page(&self, status: u16, page: &Page, log: LogLine) -> LocalReply {
        self.page_in_frame(status, page, None, log)
    }

    /// The same as [`page`](Self::page), for a page that the origins `framed_by` may show in a
    /// frame.
    pub(crate) fn page_in_frame(&self, status: u16, page: &Page, framed_by: Option<&str>, log: LogLine) -> LocalReply {
        let reply = LocalReply::empty(status, log);
        if self.html {
            reply
                .with_body("text/html; charset=utf-8", page.html(&self.pages, self.site.as_deref(), &self.request_id))
                .with_header("content-security-policy", page.content_security_policy(&self.pages, framed_by))
                .with_referrer_policy(page.referrer_policy())
        } else {
            reply.with_body("application/json", page.json(&self.request_id))
        }
    }

    /// A log line about this request.
    pub(crate) fn log(&self, level: Level, event: Event, reason: &str) -> LogLine {
        let mut labels = [" request_id=", &self.request_id].concat();
        if let Some(user) = self.user.as_ref().filter(|_| self.log.users) {
            labels.extend([" user=\"", &escaped(user, MAX_USER), "\""]);
        }
        let line = LogLine::with_labels(level, event, self.tenant.as_ref(), &labels, reason);
        let audit = Decision::of(event).and_then(|decision| self.audit(decision, Some(event), reason));
        LogLine { user: self.user.clone(), audit, ..line }
    }

    /// The audit line for this decision, if the configuration asks for it.
    pub(crate) fn audit(&self, decision: Decision, event: Option<Event>, reason: &str) -> Option<String> {
        let Self { tenant, request_id, user, .. } = self;
        let (tenant, user) = (tenant.as_ref(), user.as_deref());
        self.audited
            .as_ref()
            .map(|request| request.line(&AuditFacts { decision, event, tenant, request_id, user, reason }))
    }

    /// The log line for a session of this request that is over.
    pub(crate) fn session_ended(&self, end: SessionEnd) -> LogLine {
        let event = end.event();
        self.log(Level::Debug, event, event.summarized().map_or("", |summarized| summarized.reason))
    }
}

/// The most characters of a user name in a line of the log.
const MAX_USER: usize = 200;

/// The id of a request. Most requests are forwarded and do not need its text, so a received id is
/// copied only for a [`ReplyContext`].
#[derive(Clone)]
pub(crate) enum RequestId {
    /// `x-request-id` of the request.
    Received,
    /// An id that Tenantgate generated.
    Generated(String),
}

impl RequestId {
    /// Takes Envoy's `x-request-id`. A client may have chosen it, so it is used only if it is short
    /// and has no special characters.
    pub(crate) fn new(head: &RequestHead, env: &mut Env<'_>) -> Self {
        if received_id(head).is_some() {
            return Self::Received;
        }
        // Without random bytes the reply has no unique id, so it is hard to find in the log.
        Self::Generated(env.random::<12>().map_or_else(|_| "none".to_owned(), |bytes| base64url(&bytes)))
    }
}

/// Envoy's `x-request-id`, if it is valid.
fn received_id(head: &RequestHead) -> Option<&str> {
    head.only("x-request-id").filter(|id| is_harmless(id)).and_then(|id| std::str::from_utf8(id).ok())
}

fn is_harmless(id: &[u8]) -> bool {
    (1..=64).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

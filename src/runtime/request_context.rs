//! The context of a request: its head, its tenant and its configuration.

use std::sync::Arc;

use super::documents::Found;
use super::runtime::Runtime;
use super::tenant_table::{ServedTenant, TenantEntry};
use crate::base::event::{Event, Level};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::error::{ReplyContext, RequestError, RequestId};
use crate::http::host::Host;
use crate::http::navigation::is_navigation;
use crate::http::reply::LocalReply;
use crate::http::request::{RequestHead, Target};
use crate::oauth::discovery::catch_up;
use crate::session::Sessions;
use crate::tenant::Tenant;

/// The context of a request whose `:authority` selected a tenant and whose `:path` is valid. The
/// request keeps it, with its request id and its configuration, until it is answered or forwarded.
pub(crate) struct RequestContext {
    /// The head of the request.
    pub(crate) head: RequestHead,
    /// The configuration at the beginning of the request.
    pub(crate) runtime: Arc<Runtime>,
    /// The host of `:authority`.
    pub(crate) host: Host,
    /// The tenant of the host.
    pub(crate) served: Arc<ServedTenant>,
    /// How often the request has waited for the store.
    store_waits: u8,
    id: RequestId,
}

/// Why a request has no context.
pub(crate) enum NoContext {
    /// It is answered.
    Reply(LocalReply),
    /// The tenant of the host has to be looked up.
    LookUp(Box<RequestHead>, Host),
}

impl RequestContext {
    /// Selects the tenant by `:authority` alone: a client can send any `X-Forwarded-Host` or
    /// `Forwarded`.
    ///
    /// # Errors [`NoContext`]: the answer to a request without a valid host, tenant or path, and to
    /// a browser that opens a page on the host with a final dot, or a tenant that has to be looked
    /// up.
    pub(crate) fn new(head: RequestHead, runtime: &Arc<Runtime>, env: &mut Env<'_>) -> Result<Self, NoContext> {
        let id = RequestId::new(&head, env);
        let reply_context = || ReplyContext::new(&head, &id).logged(runtime.log(), &head);
        let refuse = |error: RequestError| NoContext::Reply(reply_context().refuse(&error.into()));
        let authority = head.only(":authority").unwrap_or_default();
        let Ok(host) = Host::from_authority(authority) else { return Err(refuse(RequestError::HostInvalid)) };
        let has_final_dot = Host::has_final_dot(authority);
        let served = match runtime.find(&host, env) {
            Found::Tenant(TenantEntry::Served(tenant)) => tenant,
            Found::Tenant(TenantEntry::Broken(broken)) => {
                let (tenant, site) = (broken.name.clone(), Some(host.to_string()));
                let context = ReplyContext { tenant, site, ..reply_context() };
                let mut reply = context.refuse(&RequestError::TenantBroken.into());
                let level = env.now().map_or(Level::Error, |now| broken.log_level(now));
                reply.log.iter_mut().for_each(|line| line.level = level);
                return Err(NoContext::Reply(reply));
            }
            Found::Absent => return Err(refuse(RequestError::UnknownHost)),
            Found::Away => return Err(refuse(RequestError::TenantUnavailable)),
            Found::Unknown => return Err(NoContext::LookUp(Box::new(head), host)),
        };
        catch_up(&served.provider, env);
        let context = Self { head, runtime: runtime.clone(), host, served, store_waits: 0, id };
        match context.parsed_target() {
            Some(target) if has_final_dot && is_navigation(&context.head) => {
                Err(NoContext::Reply(context.redirect_to_host(target)))
            }
            Some(_) => Ok(context),
            None => Err(NoContext::Reply(context.reply_context().refuse(&RequestError::PathInvalid.into()))),
        }
    }

    /// The answer to a request whose tenant could not be looked up.
    pub(crate) fn tenant_unavailable(head: &RequestHead, runtime: &Runtime, env: &mut Env<'_>) -> LocalReply {
        let id = RequestId::new(head, env);
        let context = ReplyContext::new(head, &id).logged(runtime.log(), head);
        context.refuse(&RequestError::TenantUnavailable.into())
    }

    /// The same context, after a wait of the request for the store.
    pub(crate) fn after_wait_for_store(self) -> Self {
        Self { store_waits: self.store_waits.saturating_add(1), ..self }
    }

    /// Whether the request may wait for the store: for its first poll, and for the list of the
    /// tenant.
    pub(crate) fn may_wait_for_store(&self) -> bool {
        self.store_waits < 2
    }

    /// The model of the tenant.
    pub(crate) fn tenant(&self) -> &Tenant {
        &self.served.model
    }

    /// The path and query of the request.
    pub(crate) fn target(&self) -> Target<'_> {
        // The constructor refuses a request without a valid path.
        self.parsed_target().unwrap_or(Target { path: "/", query: None })
    }

    fn parsed_target(&self) -> Option<Target<'_>> {
        self.head.only(":path").and_then(Target::parse)
    }

    /// Redirects the browser to the same page on the host without a final dot. The issuer returns
    /// it there, and it would not have the cookie of a login that began with the dot.
    fn redirect_to_host(&self, target: Target<'_>) -> LocalReply {
        let url = format!("{}{target}", self.tenant().origin(&self.host));
        let reason = "sent to the host without the final dot";
        LocalReply::redirect(url, self.reply_context().log(Level::Debug, Event::HostRedirected, reason))
    }

    /// The sessions of the tenant at `now`.
    pub(crate) fn sessions(&self, now: UnixTime) -> Sessions<'_> {
        self.runtime.sessions(&self.served, now)
    }

    /// The facts that an answer to this request needs.
    pub(crate) fn reply_context(&self) -> ReplyContext {
        let (tenant, pages) = (Some(self.tenant().name.clone()), self.tenant().pages.clone());
        let site = Some(self.host.to_string());
        let context = ReplyContext::new(&self.head, &self.id).logged(self.runtime.log(), &self.head);
        ReplyContext { tenant, site, pages, ..context }
    }
}

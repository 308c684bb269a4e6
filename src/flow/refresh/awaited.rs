//! The wait for the end of a refresh.

use std::sync::Arc;

use crate::base::time::UnixTime;
use crate::env::Env;
use crate::runtime::{RequestContext, Runtime, ServedTenant};
use crate::session::{RefreshKey, RefreshState, RefreshStore, SentCookies};

/// A refresh that a request or its response waits for. The refresh belongs to the plugin or to
/// another worker, and the shared data have its result.
pub(crate) struct AwaitedRefresh {
    runtime: Arc<Runtime>,
    served: Arc<ServedTenant>,
    sent: SentCookies,
    key: RefreshKey,
    wait_end: UnixTime,
}

/// The result of a refresh, for a response.
pub(crate) enum AwaitedCookies {
    /// The refresh is in progress.
    NotYet,
    /// These `Set-Cookie` values store the new session. There are none if the refresh failed.
    Known(Vec<String>),
}

impl AwaitedRefresh {
    /// The wait of this request until `wait_end` at the latest.
    pub(super) fn new(context: &RequestContext, key: RefreshKey, wait_end: UnixTime) -> Self {
        Self {
            runtime: context.runtime.clone(),
            served: context.served.clone(),
            sent: SentCookies::new(&context.head, &context.tenant().login),
            key,
            wait_end,
        }
    }

    /// The refresh.
    pub(crate) fn key(&self) -> RefreshKey {
        self.key
    }

    /// When the wait is over.
    pub(crate) fn wait_end(&self) -> UnixTime {
        self.wait_end
    }

    /// The cookies for the response, as soon as they are known.
    pub(crate) fn cookies(&self, env: &Env<'_>) -> AwaitedCookies {
        let Ok(now) = env.now() else { return AwaitedCookies::Known(Vec::new()) };
        let sessions = self.runtime.sessions(&self.served, now);
        match RefreshStore::new(self.runtime.ring(), &self.served.model).state(self.key, env.shared(), now) {
            Some(RefreshState::Called(_)) => AwaitedCookies::NotYet,
            Some(RefreshState::Renewed(sealed)) => {
                let session = sessions.open(sealed.as_bytes()).ok();
                let cookies = session.and_then(|session| sessions.write_sealed(&session, &sealed, &self.sent));
                AwaitedCookies::Known(cookies.unwrap_or_default())
            }
            _ => AwaitedCookies::Known(Vec::new()),
        }
    }
}

//! The calls that belong to the plugin and not to a stream: a refresh, and the revocation of a
//! refresh token. Envoy cancels the calls of a stream when it ends.
//!
//! Scenarios: `tests/scenarios/{refresh,token_revocation}.rs`.

use std::fmt;

use crate::base::event::LogLine;
use crate::base::secret::Secret;
use crate::env::Env;
use crate::error::ReplyContext;
use crate::flow::refresh::{RefreshStep, Refreshing, StartRefresh, UnusedToken};
use crate::flow::token_revocation::TokenRevocation;
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::oauth::discovery::Provider;
use crate::session::RefreshKey;

/// A call that is to be made for the plugin.
pub struct PluginCall {
    /// What takes the result.
    pub work: PluginWork,
    /// The call. Its result goes to [`PluginWork::called`].
    pub call: HttpCall,
}

/// What waits for the response to a [`PluginCall`].
pub struct PluginWork(Work);

enum Work {
    Refresh(Box<Refreshing>),
    Revocation(Box<TokenRevocation>),
}

/// What follows a response to a [`PluginCall`].
pub enum PluginStep {
    /// Make another call.
    Call(PluginCall),
    /// The work has ended.
    End {
        /// The refresh that has ended. Tell the streams that wait for it.
        refresh: Option<RefreshKey>,
        /// Log these lines.
        log: Vec<LogLine>,
        /// Then make this call.
        next: Option<PluginCall>,
    },
}

/// Omits the work, which has sessions and tokens.
impl fmt::Debug for PluginCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginCall").field("call", &self.call).finish_non_exhaustive()
    }
}

impl PluginWork {
    /// Takes a response of the provider.
    pub fn called(self, result: Result<CallResponse, CallFailure>, env: &mut Env<'_>) -> PluginStep {
        match self.0 {
            Work::Refresh(refreshing) => match refreshing.called(result, env) {
                RefreshStep::Call(start) => PluginStep::Call(start.into()),
                RefreshStep::End(key, line, unused) => {
                    let mut log = vec![line];
                    let next = unused.and_then(|unused| {
                        let UnusedToken { served, reply_context, refresh_token } = *unused;
                        PluginCall::revocation(&served.provider, &refresh_token, &reply_context, &mut log, env)
                    });
                    PluginStep::End { refresh: Some(key), log, next }
                }
            },
            Work::Revocation(revocation) => {
                PluginStep::End { refresh: None, log: vec![revocation.called(result)], next: None }
            }
        }
    }
}

impl From<StartRefresh> for PluginCall {
    fn from(StartRefresh { refreshing, call }: StartRefresh) -> Self {
        Self { work: PluginWork(Work::Refresh(refreshing)), call }
    }
}

impl PluginCall {
    /// The revocation of a refresh token, if the tenant wants one. If it cannot begin, `log` gets
    /// the reason.
    pub(super) fn revocation(
        provider: &Provider,
        refresh_token: &Secret<String>,
        reply_context: &ReplyContext,
        log: &mut Vec<LogLine>,
        env: &mut Env<'_>,
    ) -> Option<Self> {
        match TokenRevocation::begin(provider, refresh_token, reply_context, env) {
            Ok(start) => {
                let (revocation, call) = start?;
                Some(Self { work: PluginWork(Work::Revocation(Box::new(revocation))), call })
            }
            Err(line) => {
                log.push(line);
                None
            }
        }
    }
}

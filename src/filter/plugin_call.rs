//! The calls that belong to the plugin and not to a stream: a refresh, the revocation of a refresh
//! token, and those of etcd. Envoy cancels the calls of a stream when it ends.
//!
//! Scenarios: `tests/scenarios/{refresh,store,token_revocation}.rs`.

use std::fmt;
use std::time::Duration;

use super::awaited::Awaited;
use crate::base::event::LogLine;
use crate::base::secret::Secret;
use crate::env::Env;
use crate::error::ReplyContext;
use crate::flow::refresh::{RefreshStep, Refreshing, StartRefresh, UnusedToken};
use crate::flow::token_revocation::TokenRevocation;
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::oauth::discovery::Provider;
use crate::runtime::{DocumentStep, DocumentWork, Runtime, StartDocumentWork};
use crate::session::revocation::RevocationSync;
use crate::session::store::{StartStoreWork, StoreStep, StoreWork, lost_lists, poll_if_due};

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
    Store(Box<StoreWork>),
    Document(Box<DocumentWork>),
}

/// What follows a response to a [`PluginCall`].
pub enum PluginStep {
    /// Make another call.
    Call(PluginCall),
    /// Go on with [`PluginWork::again`] after this time, and log these lines. Tell the streams that
    /// wait for the store.
    Later(PluginWork, Duration, Vec<LogLine>),
    /// The work has ended.
    End {
        /// What has ended. Tell the streams that wait for it.
        awaited: Option<Awaited>,
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
            Work::Refresh(refreshing) => refreshed(refreshing.called(result, env), env),
            Work::Revocation(revocation) => {
                PluginStep::End { awaited: None, log: vec![revocation.called(result)], next: None }
            }
            Work::Store(work) => work.called(result, env).into(),
            Work::Document(work) => match work.called(result, env) {
                DocumentStep::Call(start) => PluginStep::Call(start.into()),
                DocumentStep::End(log) => PluginStep::End { awaited: Some(Awaited::Store), log, next: None },
            },
        }
    }

    /// Goes on after a pause.
    pub fn again(self, env: &mut Env<'_>) -> PluginStep {
        match self.0 {
            Work::Refresh(refreshing) => refreshed(refreshing.again(env), env),
            Work::Store(work) => work.again().into(),
            // They make no pause.
            Work::Revocation(_) | Work::Document(_) => PluginStep::End { awaited: None, log: Vec::new(), next: None },
        }
    }
}

/// What follows a step of a refresh.
fn refreshed(step: RefreshStep, env: &mut Env<'_>) -> PluginStep {
    match step {
        RefreshStep::Call(start) => PluginStep::Call(start.into()),
        RefreshStep::Later(refreshing, pause) => {
            PluginStep::Later(PluginWork(Work::Refresh(refreshing)), pause, Vec::new())
        }
        RefreshStep::End(key, line, unused) => {
            let mut log = vec![line];
            let next = unused.and_then(|unused| {
                let UnusedToken { served, reply_context, refresh_token } = *unused;
                PluginCall::revocation(&served.provider, &refresh_token, &reply_context, &mut log, env)
            });
            PluginStep::End { awaited: Some(Awaited::Refresh(key)), log, next }
        }
    }
}

impl From<StoreStep> for PluginStep {
    fn from(step: StoreStep) -> Self {
        match step {
            StoreStep::Call(start) => Self::Call(start.into()),
            StoreStep::Later(work, pause, log) => Self::Later(PluginWork(Work::Store(work)), pause, log),
            StoreStep::End(log) => Self::End { awaited: Some(Awaited::Store), log, next: None },
        }
    }
}

impl From<StartStoreWork> for PluginCall {
    fn from(StartStoreWork { work, call }: StartStoreWork) -> Self {
        Self { work: PluginWork(Work::Store(work)), call }
    }
}

/// The calls to etcd that are due: the poll of the store, a look for changes of tenants, and reads
/// of lists that the store may have lost, so that they are written again.
pub fn calls_to_etcd(runtime: &Runtime, sync: &RevocationSync, env: &mut Env<'_>) -> Vec<PluginCall> {
    let mut calls = Vec::new();
    if let Some(store) = runtime.store() {
        calls.extend(poll_if_due(store, env).map(PluginCall::from));
        calls.extend(lost_lists(store, sync, env).into_iter().map(PluginCall::from));
    }
    calls.extend(runtime.follow_documents(env).into_iter().map(PluginCall::from));
    calls
}

impl From<StartDocumentWork> for PluginCall {
    fn from(StartDocumentWork { work, call }: StartDocumentWork) -> Self {
        Self { work: PluginWork(Work::Document(work)), call }
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

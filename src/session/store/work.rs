//! The work for etcd that belongs to the plugin and not to a stream.

use std::sync::Arc;
use std::time::Duration;

use super::load::Load;
use super::poll::Poll;
use super::publish::Publish;
use super::replica::Store;
use super::step::{Next, Step};
use super::wait::StoreWait;
use crate::base::event::LogLine;
use crate::env::{Env, HostFailure};
use crate::etcd::{EtcdCall, EtcdStep, Operation};
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::session::revocation::{Revocation, Revocations};

/// Some work for etcd.
pub(crate) struct StoreWork {
    store: Arc<Store>,
    task: Task,
    /// The operation in progress. `None` during a pause.
    call: Option<EtcdCall>,
}

pub(super) enum Task {
    /// Reads what is new.
    Poll(Poll),
    /// Reads the list of a tenant, and writes what etcd has lost of it.
    Load(Box<Load>),
    /// Writes a sign-out.
    Publish(Publish),
}

/// Work with a call that is to be made.
pub(crate) struct StartStoreWork {
    /// What takes the result.
    pub(crate) work: Box<StoreWork>,
    /// The call.
    pub(crate) call: HttpCall,
}

/// What follows an answer of etcd.
pub(crate) enum StoreStep {
    /// Make another call.
    Call(StartStoreWork),
    /// Go on after this time, and log these lines.
    Later(Box<StoreWork>, Duration, Vec<LogLine>),
    /// The work has ended. Log these lines.
    End(Vec<LogLine>),
}

impl Task {
    pub(super) fn load(load: Load) -> Self {
        Self::Load(Box::new(load))
    }
}

impl StartStoreWork {
    /// Begins `operation` for `task`.
    pub(super) fn new(store: &Arc<Store>, task: Task, operation: Operation) -> Self {
        let (call, http) = EtcdCall::begin(store.etcd(), operation);
        Self { work: Box::new(StoreWork { store: store.clone(), task, call: Some(call) }), call: http }
    }
}

impl StoreWork {
    /// Takes the response to a call.
    pub(crate) fn called(self, result: Result<CallResponse, CallFailure>, env: &mut Env<'_>) -> StoreStep {
        let Self { store, task, call } = self;
        let Some(call) = call else { return StoreStep::End(Vec::new()) };
        let result = match call.called(result) {
            EtcdStep::Call(call, http) => {
                let work = Box::new(Self { store, task, call: Some(call) });
                return StoreStep::Call(StartStoreWork { work, call: http });
            }
            EtcdStep::End(result) => result,
        };
        match task {
            Task::Poll(poll) => step(&store, poll.answered(result, env), Task::Poll),
            Task::Load(load) => step(&store, load.answered(result, env), Task::load),
            Task::Publish(publish) => step(&store, publish.answered(result), Task::Publish),
        }
    }

    /// Goes on after a pause.
    pub(crate) fn again(self) -> StoreStep {
        match self.task {
            Task::Publish(publish) => step(&self.store, publish.again(), Task::Publish),
            Task::Load(load) => step(&self.store, load.again(), Task::load),
            // A poll makes no pause.
            Task::Poll(_) => StoreStep::End(Vec::new()),
        }
    }
}

fn step<W>(store: &Arc<Store>, Step { next, log }: Step<W>, task: fn(W) -> Task) -> StoreStep {
    match next {
        Next::Operate(next, operation) => StoreStep::Call(StartStoreWork::new(store, task(next), operation)),
        Next::Later(next, pause) => {
            let work = StoreWork { store: store.clone(), task: task(next), call: None };
            StoreStep::Later(Box::new(work), pause, log)
        }
        Next::End => StoreStep::End(log),
    }
}

/// Begins to write what `revocation` ends, and the wait for it. With `retries`, an attempt that
/// fails is followed by others.
///
/// # Errors
/// [`HostFailure`] if the host gives no time or no random bytes.
pub(crate) fn publish(
    store: &Arc<Store>,
    revocations: &Arc<Revocations>,
    revocation: &Revocation,
    retries: bool,
    env: &mut Env<'_>,
) -> Result<(StoreWait, StartStoreWork), HostFailure> {
    let (wait, publish, operation) = Publish::begin(store, revocations, revocation, retries, env)?;
    Ok((wait, StartStoreWork::new(store, Task::Publish(publish), operation)))
}

/// A poll, if one is due and no other VM makes it.
pub(crate) fn poll_if_due(store: &Arc<Store>, env: &mut Env<'_>) -> Option<StartStoreWork> {
    let (poll, operation) = Poll::begin(store, env)?;
    Some(StartStoreWork::new(store, Task::Poll(poll), operation))
}

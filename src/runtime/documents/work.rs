//! The calls for documents, which belong to the plugin and not to a stream.

use std::sync::Arc;

use super::lookup::Lookup;
use super::poll::Poll;
use super::source::DocumentSource;
use crate::base::event::LogLine;
use crate::env::Env;
use crate::etcd::{EtcdCall, EtcdStep, Operation};
use crate::http::call::{CallFailure, CallResponse, HttpCall};

/// Some work for documents.
pub(crate) struct DocumentWork {
    source: Arc<DocumentSource>,
    task: Task,
    call: EtcdCall,
}

pub(super) enum Task {
    /// Finds the tenant of a host.
    Lookup(Lookup),
    /// Follows the log of changes.
    Poll(Poll),
}

/// The next part of some work.
pub(super) enum Next<W> {
    /// Make this operation.
    Operate(W, Operation),
    /// The work has ended. Log these lines.
    End(Vec<LogLine>),
}

/// Work with a call that is to be made.
pub(crate) struct StartDocumentWork {
    /// What takes the result.
    pub(crate) work: Box<DocumentWork>,
    /// The call.
    pub(crate) call: HttpCall,
}

/// What follows an answer of etcd.
pub(crate) enum DocumentStep {
    /// Make another call.
    Call(StartDocumentWork),
    /// The work has ended. Log these lines.
    End(Vec<LogLine>),
}

impl StartDocumentWork {
    /// Begins `operation` for `task`.
    pub(super) fn new(source: &Arc<DocumentSource>, task: Task, operation: Operation) -> Self {
        let (call, http) = EtcdCall::begin(source.etcd(), operation);
        Self { work: Box::new(DocumentWork { source: source.clone(), task, call }), call: http }
    }
}

impl DocumentWork {
    /// Takes the response to a call.
    pub(crate) fn called(self, result: Result<CallResponse, CallFailure>, env: &mut Env<'_>) -> DocumentStep {
        let Self { source, task, call } = self;
        let result = match call.called(result) {
            EtcdStep::Call(call, http) => {
                let work = Box::new(Self { source, task, call });
                return DocumentStep::Call(StartDocumentWork { work, call: http });
            }
            EtcdStep::End(result) => result,
        };
        match task {
            Task::Lookup(lookup) => step(&source, lookup.answered(result, env), Task::Lookup),
            Task::Poll(poll) => step(&source, poll.answered(result, env), Task::Poll),
        }
    }
}

fn step<W>(source: &Arc<DocumentSource>, next: Next<W>, task: fn(W) -> Task) -> DocumentStep {
    match next {
        Next::Operate(next, operation) => DocumentStep::Call(StartDocumentWork::new(source, task(next), operation)),
        Next::End(log) => DocumentStep::End(log),
    }
}

//! The calls for documents, which belong to the plugin and not to a stream.

use std::sync::Arc;

use super::index_scan::IndexScan;
use super::lookup::Lookup;
use super::poll::Poll;
use super::source::DocumentSource;
use super::step::Next;
use super::wait::LookupWait;
use crate::base::event::LogLine;
use crate::env::Env;
use crate::etcd::{EtcdCall, EtcdStep, Operation};
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::http::host::Host;

/// Some work for documents.
pub(crate) struct DocumentWork {
    source: Arc<DocumentSource>,
    task: Task,
    call: EtcdCall,
}

enum Task {
    /// Finds the tenant of a host.
    Lookup(Lookup),
    /// Follows the log of changes.
    Poll(Poll),
    /// Reads which hosts have a tenant.
    Scan(IndexScan),
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
    fn new(source: &Arc<DocumentSource>, task: Task, operation: Operation) -> Self {
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
            Task::Scan(scan) => step(&source, scan.answered(result, env), Task::Scan),
        }
    }
}

fn step<W>(source: &Arc<DocumentSource>, next: Next<W>, task: fn(W) -> Task) -> DocumentStep {
    match next {
        Next::Operate(next, operation) => DocumentStep::Call(StartDocumentWork::new(source, task(next), operation)),
        Next::End(log) => DocumentStep::End(log),
    }
}

/// Waits for the lookup of the tenant of this host, with the work that has to begin for it, unless
/// it is in progress. `None` if etcd cannot be asked at this moment.
pub(crate) fn look_up(
    source: &Arc<DocumentSource>,
    host: &Host,
    env: &Env<'_>,
) -> Option<(LookupWait, Option<StartDocumentWork>)> {
    let (wait, lookup) = Lookup::begin(source, host, env)?;
    let start = lookup.map(|(lookup, operation)| StartDocumentWork::new(source, Task::Lookup(lookup), operation));
    Some((wait, start))
}

/// What is due and no other VM of this process does: a look for changes, and after many requests
/// for hosts without a tenant a read of those with one.
pub(crate) fn follow(source: &Arc<DocumentSource>, env: &mut Env<'_>) -> Vec<StartDocumentWork> {
    let poll = Poll::begin(source, env).map(|(poll, operation)| (Task::Poll(poll), operation));
    let scan = IndexScan::begin(source, env).map(|(scan, operation)| (Task::Scan(scan), operation));
    let due = poll.into_iter().chain(scan);
    due.map(|(task, operation)| StartDocumentWork::new(source, task, operation)).collect()
}

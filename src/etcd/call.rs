//! An operation in progress: the operation itself, and what it may need before: a token for the
//! user, and leases.
//!
//! Scenarios: `tests/scenarios/store.rs`.

use std::sync::Arc;

use serde_json::json;

use super::answer::{Answer, error, token};
use super::client::Etcd;
use super::error::EtcdError;
use super::operation::{Lease, Operation};
use crate::base::json;
use crate::base::secret::Secret;
use crate::http::call::{CallFailure, CallResponse, HttpCall};

/// An operation that waits for an answer.
pub(crate) struct EtcdCall {
    etcd: Arc<Etcd>,
    operation: Operation,
    awaited: Awaited,
    /// How often no member has answered.
    unanswered: u8,
    /// Whether a new token was asked for, which is done once.
    is_authenticated: bool,
    /// Whether the leases were made, which is done once.
    is_granted: bool,
}

/// The answer that the operation waits for.
enum Awaited {
    Token,
    /// The answer to the first of these leases.
    Leases(Vec<Lease>),
    Operation,
}

/// What follows an answer.
pub(crate) enum EtcdStep {
    /// Make another call.
    Call(EtcdCall, HttpCall),
    /// The operation has ended.
    End(Result<Answer, EtcdError>),
}

impl EtcdCall {
    /// Begins the operation with a call that is to be made.
    pub(crate) fn begin(etcd: &Arc<Etcd>, operation: Operation) -> (Self, HttpCall) {
        let etcd = etcd.clone();
        let awaited = Awaited::Operation;
        Self { etcd, operation, awaited, unanswered: 0, is_authenticated: false, is_granted: false }.start()
    }

    /// Takes the response to the call.
    pub(crate) fn called(self, result: Result<CallResponse, CallFailure>) -> EtcdStep {
        let CallResponse { status, body } = match result {
            Ok(response) => response,
            Err(failure) => return self.unanswered(EtcdError::Unreachable(failure)),
        };
        let body = body.expose_secret();
        let (text, code) = if status == 200 { Default::default() } else { error(body) };
        if status >= 500 {
            return self.unanswered(EtcdError::Refused(status, text));
        }
        match self.awaited {
            Awaited::Token => match token(body).filter(|_| status == 200) {
                Some(token) => {
                    self.etcd.set_token(Some(Secret::new(token)));
                    self.operate().into()
                }
                None => EtcdStep::End(Err(EtcdError::Refused(status, text))),
            },
            // Another replica may have made the lease.
            Awaited::Leases(_) if status == 200 || text.contains(LEASE_EXISTS) => self.granted().into(),
            Awaited::Operation if status == 200 && body.len() > CallResponse::MAX_BODY => {
                EtcdStep::End(Err(EtcdError::TooLong))
            }
            Awaited::Operation if status == 200 => EtcdStep::End(Answer::read(body).ok_or(EtcdError::Invalid)),
            Awaited::Operation if text.contains(LEASE_NOT_FOUND) && !self.is_granted => {
                let leases = self.operation.leases();
                self.grant(leases).into()
            }
            Awaited::Operation | Awaited::Leases(_)
                if self.etcd.user().is_some() && !self.is_authenticated && is_about_token(code, &text) =>
            {
                self.etcd.set_token(None);
                self.authenticate().into()
            }
            Awaited::Operation | Awaited::Leases(_) => EtcdStep::End(Err(EtcdError::Refused(status, text))),
        }
    }

    /// Tries again, with the next member if Envoy knows several, or gives up. Every operation can
    /// be made again, even if the answer to it was lost.
    fn unanswered(self, error: EtcdError) -> EtcdStep {
        let unanswered = self.unanswered.saturating_add(1);
        if unanswered >= MOST_ATTEMPTS { EtcdStep::End(Err(error)) } else { Self { unanswered, ..self }.start().into() }
    }

    fn start(self) -> (Self, HttpCall) {
        if self.etcd.needs_token() { self.authenticate() } else { self.operate() }
    }

    fn authenticate(self) -> (Self, HttpCall) {
        let (name, password) = self.etcd.user().map_or(("", ""), |(name, password)| (name, password.expose_secret()));
        let call = self.etcd.post("/v3/auth/authenticate", json::write(&json!({ "name": name, "password": password })));
        (Self { awaited: Awaited::Token, is_authenticated: true, ..self }, call)
    }

    fn operate(self) -> (Self, HttpCall) {
        let call = self.operation.call(&self.etcd);
        (Self { awaited: Awaited::Operation, ..self }, call)
    }

    /// Makes the first of these leases, or goes on with the operation if there is none.
    fn grant(self, leases: Vec<Lease>) -> (Self, HttpCall) {
        match leases.first() {
            Some(lease) => {
                let call = lease.grant(&self.etcd);
                (Self { awaited: Awaited::Leases(leases), ..self }, call)
            }
            // A grant may have been without an answer, and then all of this begins again.
            None => Self { is_granted: true, ..self }.operate(),
        }
    }

    /// The first of the leases is there.
    fn granted(mut self) -> (Self, HttpCall) {
        let Awaited::Leases(leases) = &mut self.awaited else { return self.operate() };
        let rest = leases.drain(..).skip(1).collect();
        self.grant(rest)
    }
}

impl From<(EtcdCall, HttpCall)> for EtcdStep {
    fn from((call, http): (EtcdCall, HttpCall)) -> Self {
        Self::Call(call, http)
    }
}

/// Whether etcd refuses the token: it has expired, or the permissions have changed since.
fn is_about_token(code: u64, text: &str) -> bool {
    // The second one is about a token that is a JWT.
    let texts = ["user name is empty", "revision of auth store is old", "auth: "];
    code == UNAUTHENTICATED || texts.iter().any(|part| text.contains(part))
}

/// The most attempts for an operation. A cluster of three members can be without one of them, and
/// Envoy may take that one twice.
const MOST_ATTEMPTS: u8 = 3;
/// The code of gRPC.
const UNAUTHENTICATED: u64 = 16;
const LEASE_EXISTS: &str = "lease already exists";
const LEASE_NOT_FOUND: &str = "requested lease not found";

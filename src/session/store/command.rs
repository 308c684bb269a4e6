//! A sign-out that a command of an operator writes to etcd, with the same keys, seal and leases as
//! a replica does. The command makes the calls.
//!
//! Scenario: `tests/scenarios/store_command.rs`.

use std::sync::Arc;

use super::outcome::Ended;
use super::publish::Publish;
use super::replica::Store;
use super::step::Next;
use super::wait::StoreWait;
use crate::base::time::UnixTime;
use crate::env::{Env, HostFailure};
use crate::etcd::{EtcdCall, EtcdError, EtcdStep, Operation};
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::session::revocation::{Revocation, Revocations, SelectedSessions};

/// A sign-out that waits for the answer to a call.
pub struct CommandedSignOut {
    store: Arc<Store>,
    publish: Publish,
    call: EtcdCall,
    wait: StoreWait,
}

/// What follows an answer of etcd.
pub enum CommandStep {
    /// Make another call.
    Call(Box<CommandedSignOut>, HttpCall),
    /// The sign-out is written, or why it is not.
    End(Result<(), String>),
}

impl CommandedSignOut {
    /// Begins to write that these sessions of the tenant end, with a call that is to be made.
    ///
    /// # Errors
    /// [`HostFailure`] if there is no time, no random bytes or no session key.
    pub(crate) fn begin(
        store: &Arc<Store>,
        revocations: &Arc<Revocations>,
        selected: SelectedSessions<'_>,
        env: &mut Env<'_>,
    ) -> Result<(Self, HttpCall), HostFailure> {
        let revocation = Revocation::of_selected(selected, env.now()?);
        let (wait, publish, operation) = Publish::begin(store, revocations, &revocation, false, env)?;
        Ok(Self::operate(store.clone(), publish, operation, wait))
    }

    /// When sessions have to have begun to end: then, or before.
    pub fn until(&self) -> UnixTime {
        self.publish.at()
    }

    /// Takes the response to the call.
    pub fn called(self, result: Result<CallResponse, CallFailure>) -> CommandStep {
        let Self { store, publish, call, wait } = self;
        let answer = match call.called(result) {
            EtcdStep::Call(call, http) => {
                return CommandStep::Call(Box::new(Self { store, publish, call, wait }), http);
            }
            EtcdStep::End(Ok(answer)) => answer,
            EtcdStep::End(Err(error)) => return CommandStep::End(Err(error.to_string())),
        };
        match publish.answered(Ok(answer)).next {
            Next::Operate(publish, operation) => {
                let (next, http) = Self::operate(store, publish, operation, wait);
                CommandStep::Call(Box::new(next), http)
            }
            // There are no pauses without further attempts.
            Next::Later(..) | Next::End => CommandStep::End(match wait.ended() {
                Ended::Done => Ok(()),
                Ended::Failed | Ended::Replayed => Err(EtcdError::Invalid.to_string()),
            }),
        }
    }

    fn operate(store: Arc<Store>, publish: Publish, operation: Operation, wait: StoreWait) -> (Self, HttpCall) {
        let (call, http) = EtcdCall::begin(store.etcd(), operation);
        (Self { store, publish, call, wait }, http)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_vm::{NOW, TestVm};
    use super::*;

    #[test]
    fn an_operator_ends_what_began_until_now() {
        let mut vm = TestVm::new(1);
        let [list, _] = vm.lists.clone();
        let begun = vm.at(NOW, |store, env| CommandedSignOut::begin(store, &list, SelectedSessions::All, env));
        assert_eq!(begun.unwrap().0.until(), UnixTime(NOW));
    }
}

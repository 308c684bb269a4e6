//! The claim of a refresh, so that one replica sends a refresh token and the others take the
//! result. Many issuers accept a refresh token only once, and some revoke the whole grant when they
//! see it again.
//!
//! The key of a refresh in etcd exists while a replica makes it, and then has its sealed result. A
//! replica that ends without a result leaves a key that etcd deletes soon after the longest
//! refresh.

use std::sync::Arc;
use std::time::Duration;

use super::replica::Store;
use super::sign_out::refresh_key;
use crate::base::encoding::base64url;
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::etcd::{Answer, EtcdCall, EtcdStep, Lease, Operation, Put, Write};
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::seal::Purpose;
use crate::session::refresh_store::{RefreshKey, RefreshState};
use crate::tenant::Tenant;

/// The claim of one refresh.
#[derive(Clone)]
pub(crate) struct Claim {
    store: Arc<Store>,
    tenant: Arc<Tenant>,
    key: RefreshKey,
    /// The value of the key while the refresh is made. It tells this claim from those of others.
    id: String,
    /// How long a refresh takes at most, and the random number of this VM.
    longest: Duration,
    salt: u64,
}

/// A call to etcd for a claim.
pub(crate) struct ClaimCall(EtcdCall);

/// What follows an answer to a call for a claim.
pub(crate) enum ClaimStep {
    /// Make another call.
    Call(Box<(ClaimCall, HttpCall)>),
    /// This replica has to make the refresh.
    Granted,
    /// Another replica makes the refresh. Ask again.
    Busy,
    /// Another replica has made the refresh, with this result.
    Ended(RefreshState),
    /// etcd did not answer. So the refresh is made as without a store. The polls log the reason.
    Failed,
}

impl Claim {
    /// The claim of the refresh with this key. `None` without random bytes.
    /// The refresh ends within `longest`.
    pub(crate) fn new(
        store: &Arc<Store>,
        tenant: &Arc<Tenant>,
        key: RefreshKey,
        longest: Duration,
        env: &mut Env<'_>,
    ) -> Option<Self> {
        let (id, salt) = (base64url(&env.random::<12>().ok()?), store.salt(env).ok()?);
        Some(Self { store: store.clone(), tenant: tenant.clone(), key, id, longest, salt })
    }

    /// Asks for the refresh.
    pub(crate) fn ask(&self, now: UnixTime) -> (ClaimCall, HttpCall) {
        let lease = Lease::short(self.longest, self.salt, now);
        let put = Put { key: self.etcd_key(), value: self.id.clone(), lease: Some(lease) };
        self.operate(Write { absent: Some(self.etcd_key()), puts: vec![put], ..Write::default() })
    }

    /// Tells the other replicas the result of the refresh, if the claim is still this one. After a
    /// failure, each of them may try. `None` if it cannot be sealed.
    pub(crate) fn tell(
        &self,
        result: &RefreshState,
        now: UnixTime,
        env: &mut Env<'_>,
    ) -> Option<(ClaimCall, HttpCall)> {
        let mut write = Write { unchanged: Some((self.etcd_key(), self.id.clone())), ..Write::default() };
        match result {
            RefreshState::Called(_) | RefreshState::Failed(_) => write.deletes.push(self.etcd_key()),
            RefreshState::Renewed(_) | RefreshState::Rejected => {
                let value = self.store.ring().seal(Purpose::Refresh, &self.tenant, &(self.key, result), env).ok()?;
                let lease = Lease::lasting(KEPT, self.salt, now);
                write.puts.push(Put { key: self.etcd_key(), value, lease: Some(lease) });
            }
        }
        Some(self.operate(write))
    }

    /// Takes the response to a call.
    pub(crate) fn called(&self, call: ClaimCall, result: Result<CallResponse, CallFailure>) -> ClaimStep {
        match call.0.called(result) {
            EtcdStep::Call(call, http) => ClaimStep::Call(Box::new((ClaimCall(call), http))),
            EtcdStep::End(Ok(answer)) if answer.succeeded || self.is_own(&answer) => ClaimStep::Granted,
            EtcdStep::End(Ok(answer)) => self.result(&answer).map_or(ClaimStep::Busy, ClaimStep::Ended),
            EtcdStep::End(Err(_)) => ClaimStep::Failed,
        }
    }

    /// Whether an earlier attempt has made the claim, to which the answer was lost.
    fn is_own(&self, answer: &Answer) -> bool {
        answer.pairs.first().is_some_and(|pair| pair.value == self.id.as_bytes())
    }

    /// The result in the answer, if the other replica has one. A value that does not open is not
    /// one of a replica; etcd deletes a claim soon.
    fn result(&self, answer: &Answer) -> Option<RefreshState> {
        let sealed = &answer.pairs.first()?.value;
        let opened = self.store.ring().open::<(RefreshKey, RefreshState)>(Purpose::Refresh, &self.tenant, sealed)?;
        let (key, result) = opened.into_parts().1;
        (key == self.key).then_some(result)
    }

    fn etcd_key(&self) -> String {
        refresh_key(self.store.prefix(), self.key)
    }

    fn operate(&self, write: Write) -> (ClaimCall, HttpCall) {
        let (call, http) = EtcdCall::begin(self.store.etcd(), Operation::Write(write));
        (ClaimCall(call), http)
    }
}

/// How long the other replicas may need the result: a browser that lost its new cookies comes with
/// the old ones.
const KEPT: Duration = Duration::from_secs(600);

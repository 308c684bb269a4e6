//! Whether the sign-outs of other replicas are known, before a session is used.
//!
//! Scenarios: `tests/scenarios/store.rs`.

use super::plugin_call::PluginCall;
use super::request_step::{RequestStep, await_store};
use crate::env::Env;
use crate::runtime::RequestContext;
use crate::session::store::{Readiness, readiness};

/// Whether a session of this request can be used.
pub(super) enum SignOuts {
    /// Those of other replicas are known, there are no other replicas that tell, or the
    /// configuration serves without them.
    Known(RequestContext),
    /// The configuration refuses sessions while they are not known.
    Unknown(RequestContext),
    /// The request waits for them.
    Awaited(Box<RequestStep>),
}

/// Looks whether the sign-outs of other replicas are known. If they will be soon, the request waits
/// and then does `then`.
pub(super) fn sign_outs(
    context: RequestContext,
    env: &Env<'_>,
    then: impl FnOnce(RequestContext, &mut Env<'_>) -> RequestStep + 'static,
) -> SignOuts {
    let Some(store) = context.runtime.store() else { return SignOuts::Known(context) };
    match readiness(store, &context.served.revocations, context.may_wait_for_store(), env) {
        Readiness::Known => SignOuts::Known(context),
        Readiness::Awaited(wait, start) => {
            let context = context.after_wait_for_store();
            SignOuts::Awaited(Box::new(await_store(
                wait,
                start.map(PluginCall::from).into_iter().collect(),
                move |_, env| then(context, env),
            )))
        }
        Readiness::Unknown if store.refuses_when_away() => SignOuts::Unknown(context),
        Readiness::Unknown => SignOuts::Known(context),
    }
}

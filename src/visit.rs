//! A request that a tenant is responsible for: the `:authority` selected it, and the target can be read.

use std::sync::Arc;

use crate::asker::{Asker, RequestId};
use crate::denial::Denial;
use crate::env::Env;
use crate::gate::{Entry, Gate};
use crate::host::Host;
use crate::reply::LocalReply;
use crate::request::{RequestHead, Target};
use crate::tenant::Tenant;

/// One request at one tenant.
pub(crate) struct Visit<'a> {
    pub(crate) head: &'a RequestHead,
    pub(crate) gate: &'a Arc<Gate>,
    pub(crate) host: Host,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) target: Target<'a>,
    id: RequestId,
}

impl<'a> Visit<'a> {
    /// Finds the tenant. The `:authority` alone decides: `X-Forwarded-Host`, `Forwarded` and the like are the client's words.
    pub(crate) fn read(head: &'a RequestHead, gate: &'a Arc<Gate>, env: &mut Env<'_>) -> Result<Self, LocalReply> {
        let id = RequestId::of(head, env);
        let Some(host) = head.only(":authority").and_then(|authority| Host::from_authority(authority).ok()) else {
            return Err(Asker::of(head, &id).refuse(&Denial::AuthorityUnreadable));
        };
        let tenant = match gate.select(&host) {
            Some(Entry::Serving(tenant)) => tenant.clone(),
            Some(Entry::Broken(broken)) => {
                let asker = Asker { tenant: broken.name.clone(), ..Asker::of(head, &id) };
                return Err(asker.refuse(&Denial::TenantBroken));
            }
            None => return Err(Asker::of(head, &id).refuse(&Denial::UnknownHost)),
        };
        let Some(target) = head.only(":path").and_then(Target::parse) else {
            return Err(asker(head, &id, &tenant).refuse(&Denial::TargetUnreadable));
        };
        Ok(Self { head, gate, host, tenant, target, id })
    }

    /// Who waits for the answer.
    pub(crate) fn asker(&self) -> Asker {
        asker(self.head, &self.id, &self.tenant)
    }
}

fn asker(head: &RequestHead, id: &RequestId, tenant: &Tenant) -> Asker {
    Asker { tenant: Some(tenant.name.clone()), words: tenant.words.clone(), ..Asker::of(head, id) }
}

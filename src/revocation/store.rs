//! Where the VMs of a process have their lists in common.
//!
//! For each tenant there is one value in the shared data. Further values, one for a share of the tenants each, change whenever a list of one
//! of theirs does, so that a VM with thousands of tenants looks at some dozen values a tick.

use std::sync::Arc;
use std::time::Duration;

use super::list::{List, Mark};
use crate::env::{Env, UnixTime};
use crate::gate::{Entry, Gate};
use crate::shared::{Version, create, key_of};
use crate::tenant::Tenant;

/// Sessions that are to be over.
#[derive(Default)]
pub(crate) struct Revocation {
    /// What names them, with the moment up to which it counts.
    pub(crate) marks: Vec<(Mark, UnixTime)>,
    /// The logout token that says so, and the moment from which it is refused. It counts once.
    pub(crate) token: Option<(Mark, UnixTime)>,
}

/// Why nothing was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotRevoked {
    /// The logout token was taken before.
    Replayed,
    /// The host does not keep it, so only this VM knows.
    NotKept,
}

impl Revocation {
    /// Ends the sessions: in this VM at once, in the others of the process at their next tick.
    pub(crate) fn keep(
        &self,
        tenant: &Tenant,
        lifetime: Duration,
        now: UnixTime,
        env: &Env<'_>,
    ) -> Result<(), NotRevoked> {
        let (shared, place) = (env.shared(), Place::of(tenant));
        let mut list = List::clone(&tenant.revoked.get());
        for _ in 0..TRIES {
            let held = create(shared, &place.list).ok().and_then(|()| shared.get(&place.list));
            let Some((bytes, version)) = held else { break };
            list.join(&List::read(&bytes));
            if self.token.is_some_and(|(token, _)| list.holds(token)) {
                return Err(NotRevoked::Replayed);
            }
            let mut list = list.clone();
            self.marks.iter().chain(&self.token).for_each(|&(mark, until)| list.add(mark, until));
            list.fold(now, lifetime);
            if shared.set(&place.list, &list.write(), Some(version)).is_ok() {
                tenant.revoked.put(list);
                let _ = shared.set(&place.news, b"-", None);
                return Ok(());
            }
        }
        self.marks.iter().for_each(|&(mark, until)| list.add(mark, until));
        list.fold(now, lifetime);
        tenant.revoked.put(list);
        Err(NotRevoked::NotKept)
    }
}

/// Keeps the lists of one VM up to date: one for each configuration, driven by the ticks of the host.
#[derive(Default)]
pub struct Watch {
    shares: Vec<Share>,
    lifetime: Duration,
}

/// Tenants that have their news in common.
struct Share {
    news: String,
    seen: Option<Version>,
    tenants: Vec<Arc<Tenant>>,
}

impl Watch {
    /// A watch over the tenants of `gate`, which already puts into use what this process knows.
    pub fn new(gate: &Gate, env: &Env<'_>) -> Self {
        let mut shares: Vec<Share> = Vec::new();
        for entry in gate.entries() {
            let Entry::Serving(tenant) = entry else { continue };
            let place = Place::of(tenant);
            // While a list is created, another VM may do so, too, and one of them loses what it wrote; see `refresh`.
            let _ = create(env.shared(), &place.list);
            match shares.iter_mut().find(|share| share.news == place.news) {
                Some(share) => share.tenants.push(tenant.clone()),
                None => shares.push(Share { news: place.news, seen: None, tenants: vec![tenant.clone()] }),
            }
        }
        let watch = Self { shares, lifetime: gate.policy().lifetime };
        watch.shares.iter().flat_map(|share| &share.tenants).for_each(|tenant| watch.refresh(tenant, env));
        watch
    }

    /// Looks whether another VM has ended sessions.
    pub fn tick(&mut self, env: &Env<'_>) {
        let mut changed = Vec::new();
        for share in &mut self.shares {
            let mark = env.shared().get(&share.news).map(|(_, version)| version);
            if mark.is_some() && mark != share.seen {
                share.seen = mark;
                changed.extend_from_slice(&share.tenants);
            }
        }
        changed.iter().for_each(|tenant| self.refresh(tenant, env));
    }

    /// Takes over what the process knows of `tenant`, and gives back what it does not know.
    fn refresh(&self, tenant: &Tenant, env: &Env<'_>) {
        let Ok(now) = env.now() else { return };
        let held = env.shared().get(&Place::of(tenant).list);
        let mut held = held.map(|(bytes, _)| List::read(&bytes)).unwrap_or_default();
        let mut list = List::clone(&tenant.revoked.get());
        list.join(&held);
        list.fold(now, self.lifetime);
        held.fold(now, self.lifetime);
        let lost = list != held;
        tenant.revoked.put(list);
        if lost {
            let _ = Revocation::default().keep(tenant, self.lifetime, now, env);
        }
    }
}

/// Where the shared data have the list of a tenant.
struct Place {
    list: String,
    news: String,
}

impl Place {
    /// Two tenants never have the same, nor has one that now has another issuer.
    fn of(tenant: &Tenant) -> Self {
        let id = key_of(&[tenant.name.as_str(), &tenant.issuer, &tenant.client.id]);
        // One of 64 letters.
        let share = id.get(..1).unwrap_or_default();
        Self { list: format!("{PREFIX}{id}"), news: format!("{PREFIX}news/{share}") }
    }
}

const PREFIX: &str = "tenantgate/revoked/";
const TRIES: usize = 8;

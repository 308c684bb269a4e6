//! Where the VMs of a process have their lists in common.
//!
//! For each tenant there is one value in the shared data. Further values, one for a share of the tenants each, change whenever a list of one
//! of theirs does, so that a VM with thousands of tenants looks at some dozen values a tick.

use std::sync::Arc;
use std::time::Duration;

use super::list::{RevocationEntry, RevocationList};
use super::revocations::Revocations;
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::{Version, create, key_of};
use crate::tenant::Tenant;

/// Sessions that are to be over.
#[derive(Default)]
pub(crate) struct Revocation {
    /// What names them, with the moment up to which it counts.
    pub(crate) entries: Vec<(RevocationEntry, UnixTime)>,
    /// The logout token that says so, and the moment from which it is refused. It counts once.
    pub(crate) token: Option<(RevocationEntry, UnixTime)>,
}

/// Why nothing was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RevocationError {
    /// The logout token was taken before.
    Replayed,
    /// The host does not keep it, so only this VM knows.
    NotKept,
}

impl Revocation {
    /// Ends the sessions: in this VM at once, in the others of the process at their next tick.
    pub(crate) fn store(
        &self,
        revocations: &Revocations,
        lifetime: Duration,
        now: UnixTime,
        env: &Env<'_>,
    ) -> Result<(), RevocationError> {
        let (shared, keys) = (env.shared(), SharedKeys::new(revocations.tenant()));
        let mut list = RevocationList::clone(&revocations.list());
        for _ in 0..TRIES {
            let held = create(shared, &keys.list).ok().and_then(|()| shared.get(&keys.list));
            let Some((bytes, version)) = held else { break };
            list.join(&RevocationList::read(&bytes));
            if self.token.is_some_and(|(token, _)| list.holds(token)) {
                return Err(RevocationError::Replayed);
            }
            let mut list = list.clone();
            self.entries.iter().chain(&self.token).for_each(|&(entry, until)| list.add(entry, until));
            list.fold(now, lifetime);
            if shared.set(&keys.list, &list.write(), Some(version)).is_ok() {
                revocations.replace(list);
                let _ = shared.set(&keys.news, b"-", None);
                return Ok(());
            }
        }
        self.entries.iter().for_each(|&(entry, until)| list.add(entry, until));
        list.fold(now, lifetime);
        revocations.replace(list);
        Err(RevocationError::NotKept)
    }
}

/// Keeps the lists of one VM up to date: one for each configuration, driven by the ticks of the host.
#[derive(Default)]
pub struct RevocationSync {
    shares: Vec<Share>,
    lifetime: Duration,
}

/// Tenants that have their news in common.
struct Share {
    news: String,
    seen: Option<Version>,
    tenants: Vec<Arc<Revocations>>,
}

impl RevocationSync {
    /// Keeps these lists up to date, and takes over at once what this process knows. `lifetime` is that of sessions.
    pub fn new(tenants: impl IntoIterator<Item = Arc<Revocations>>, lifetime: Duration, env: &Env<'_>) -> Self {
        let mut shares: Vec<Share> = Vec::new();
        for revocations in tenants {
            let keys = SharedKeys::new(revocations.tenant());
            // Two VMs may create a list at the same time, and one of them loses what it wrote; see `refresh`.
            let _ = create(env.shared(), &keys.list);
            match shares.iter_mut().find(|share| share.news == keys.news) {
                Some(share) => share.tenants.push(revocations),
                None => shares.push(Share { news: keys.news, seen: None, tenants: vec![revocations] }),
            }
        }
        let sync = Self { shares, lifetime };
        sync.shares.iter().flat_map(|share| &share.tenants).for_each(|revocations| sync.refresh(revocations, env));
        sync
    }

    /// Looks whether another VM has ended sessions.
    pub fn tick(&mut self, env: &Env<'_>) {
        let mut changed = Vec::new();
        for share in &mut self.shares {
            let version = env.shared().get(&share.news).map(|(_, version)| version);
            if version.is_some() && version != share.seen {
                share.seen = version;
                changed.extend_from_slice(&share.tenants);
            }
        }
        changed.iter().for_each(|revocations| self.refresh(revocations, env));
    }

    /// Takes over what the process knows of `tenant`, and gives back what it does not know.
    fn refresh(&self, revocations: &Revocations, env: &Env<'_>) {
        let Ok(now) = env.now() else { return };
        let held = env.shared().get(&SharedKeys::new(revocations.tenant()).list);
        let mut held = held.map(|(bytes, _)| RevocationList::read(&bytes)).unwrap_or_default();
        let mut list = RevocationList::clone(&revocations.list());
        list.join(&held);
        list.fold(now, self.lifetime);
        held.fold(now, self.lifetime);
        let lost = list != held;
        revocations.replace(list);
        if lost {
            let _ = Revocation::default().store(revocations, self.lifetime, now, env);
        }
    }
}

/// Where the shared data have the list of a tenant.
struct SharedKeys {
    list: String,
    news: String,
}

impl SharedKeys {
    /// Two tenants never have the same, nor has one that now has another issuer.
    fn new(tenant: &Tenant) -> Self {
        let id = key_of(&[tenant.name.as_str(), &tenant.issuer, &tenant.client.id]);
        // One of 64 letters.
        let share = id.get(..1).unwrap_or_default();
        Self { list: format!("{PREFIX}{id}"), news: format!("{PREFIX}news/{share}") }
    }
}

const PREFIX: &str = "tenantgate/revoked/";
const TRIES: usize = 8;

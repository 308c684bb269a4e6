//! The revocations of one tenant in this VM.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::list::{RevocableSession, RevocationEntry, RevocationList};
use super::store_read::StoreRead;
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::env::shared::{SharedData, key_of};
use crate::seal::{KeyRing, Purpose, SealError};
use crate::tenant::Tenant;

/// This VM's copy of a tenant's revocation list.
#[derive(Debug)]
pub struct Revocations {
    tenant: Arc<Tenant>,
    ring: Arc<KeyRing>,
    list: Mutex<Arc<RevocationList>>,
    /// The end of the sealed list that this VM has joined or written last. It has the tag of the
    /// cipher, so no other list ends with it.
    joined: Mutex<Vec<u8>>,
    /// Whether the list has entries that the host has not stored.
    has_unstored: AtomicBool,
    /// The read of the store that this VM knows to be in its list.
    loaded: Mutex<StoreRead>,
    /// Whether the polls may miss sign-outs, because the tenant is one of a document.
    is_found: bool,
    id: OnceLock<String>,
    /// Before this time, in seconds since the Unix epoch, it is not read from there again.
    load_pause: AtomicU64,
}

impl Revocations {
    /// An empty list for `tenant`. In the shared data it is sealed with `ring`.
    pub(crate) fn new(tenant: Arc<Tenant>, ring: Arc<KeyRing>) -> Self {
        Self {
            tenant,
            ring,
            list: Mutex::default(),
            joined: Mutex::default(),
            has_unstored: AtomicBool::default(),
            loaded: Mutex::default(),
            is_found: false,
            id: OnceLock::new(),
            load_pause: AtomicU64::default(),
        }
    }

    /// The list of a tenant of a document: a VM that polls the store may not know the tenant.
    pub(super) fn found(self) -> Self {
        Self { is_found: true, ..self }
    }

    /// Identifies the tenant with its issuer and its client, in keys.
    pub(crate) fn id(&self) -> Cow<'_, str> {
        // Only for a tenant of a document it is needed at each request.
        match self.is_found {
            true => Cow::Borrowed(self.id.get_or_init(|| tenant_id(&self.tenant))),
            false => Cow::Owned(tenant_id(&self.tenant)),
        }
    }

    /// Whether the tenant is one of a document.
    pub(crate) fn is_found(&self) -> bool {
        self.is_found
    }

    /// Whether the list has all sign-outs that this read of the store has found, whoever made it.
    pub(crate) fn have_read(&self, read: StoreRead, shared: &dyn SharedData) -> bool {
        let Ok(mut loaded) = self.loaded.lock() else { return false };
        if *loaded != read {
            self.catch_up(shared);
            if self.list().last_read() == read {
                *loaded = read;
            }
        }
        *loaded == read
    }

    /// Whether nothing was revoked.
    pub(crate) fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// The last read of the store that is in this VM's list.
    pub(crate) fn last_read(&self) -> StoreRead {
        self.list().last_read()
    }

    /// What this VM's list has for sessions and the other one has not.
    pub(crate) fn beyond(
        &self,
        other: &RevocationList,
        now: UnixTime,
        lifetime: Duration,
    ) -> Vec<(RevocationEntry, UnixTime)> {
        self.list().beyond(other, now, lifetime)
    }

    /// Records that this VM's list has all sign-outs that this read of the store has found.
    pub(crate) fn set_loaded(&self, read: StoreRead) {
        if let Ok(mut loaded) = self.loaded.lock() {
            *loaded = read;
        }
    }

    /// Lets no read from the store begin before `end`, because the last one failed.
    pub(crate) fn pause_loading(&self, end: UnixTime) {
        self.load_pause.store(end.0, Ordering::Relaxed);
    }

    /// Whether the last read from the store failed a short time ago.
    pub(crate) fn pauses_loading(&self, now: UnixTime) -> bool {
        now.0 < self.load_pause.load(Ordering::Relaxed)
    }

    /// The tenant of the list.
    pub(crate) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Whether the session is revoked, by the list or by the configuration (`sessions_not_before`).
    pub(crate) fn contain(&self, session: &RevocableSession<'_>, now: UnixTime) -> bool {
        self.not_before(session.signed_in, now) || self.list().contains(session)
    }

    /// Whether `sessions_not_before` ends a session that began at this time.
    pub(crate) fn not_before(&self, signed_in: UnixTime, now: UnixTime) -> bool {
        // A time in the future has no effect before it is reached; otherwise nobody could sign in
        // until then.
        self.tenant.sessions_not_before.is_some_and(|moment| now >= moment && signed_in < moment)
    }

    /// The list as it is written into the shared data.
    pub(super) fn seal(&self, list: &RevocationList, env: &mut Env<'_>) -> Result<String, SealError> {
        self.ring.seal(Purpose::Revocations, &self.tenant, &list.write(), env)
    }

    /// The list that [`seal`](Self::seal) has sealed. A value that does not open is an empty list:
    /// no VM of this tenant and these session keys has written it.
    pub(super) fn open(&self, sealed: &[u8]) -> RevocationList {
        let opened = self.ring.open::<Vec<u8>>(Purpose::Revocations, &self.tenant, sealed);
        opened.map(|list| RevocationList::read(list.value())).unwrap_or_default()
    }

    /// Whether this VM has joined or written this sealed list last.
    pub(super) fn has_joined(&self, sealed: &[u8]) -> bool {
        self.joined.lock().is_ok_and(|joined| *joined == end_of(sealed))
    }

    /// Adds the entries of a sealed list to `list`, a copy of this VM's one. To open a list of
    /// 4,096 entries costs as much as some hundred requests, so one that this VM has joined or
    /// written itself is not opened.
    pub(super) fn join(&self, list: &mut RevocationList, sealed: &[u8]) {
        if !self.has_joined(sealed) {
            list.join(&self.open(sealed));
        }
    }

    /// Replaces this VM's list by one that has all entries of the sealed list.
    pub(super) fn replace_joined(&self, list: RevocationList, sealed: &[u8]) {
        self.replace(list);
        if let Ok(mut joined) = self.joined.lock() {
            *joined = end_of(sealed).to_vec();
        }
    }

    /// Replaces this VM's list by one with entries that the host has not stored.
    pub(super) fn replace_unstored(&self, list: RevocationList) {
        self.replace(list);
        self.has_unstored.store(true, Ordering::Relaxed);
    }

    /// Records that the shared data have the whole list.
    pub(super) fn set_stored(&self) {
        self.has_unstored.store(false, Ordering::Relaxed);
    }

    /// Whether the list has entries that the host has not stored, so that only this VM has them.
    pub(crate) fn has_unstored(&self) -> bool {
        self.has_unstored.load(Ordering::Relaxed)
    }

    pub(super) fn list(&self) -> Arc<RevocationList> {
        match self.list.lock() {
            Ok(list) => list.clone(),
            // No code panics while it holds the lock. If it did, the list would still be complete.
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    fn replace(&self, list: RevocationList) {
        match self.list.lock() {
            Ok(mut current) => *current = Arc::new(list),
            Err(poisoned) => *poisoned.into_inner() = Arc::new(list),
        }
    }
}

/// Identifies the tenant in keys. A tenant with another issuer or client has another id.
fn tenant_id(tenant: &Tenant) -> String {
    key_of(&[tenant.name.as_str(), &tenant.issuer, &tenant.client.id])
}

/// The last characters of a sealed value, with the whole tag of 16 bytes.
fn end_of(sealed: &[u8]) -> &[u8] {
    sealed.last_chunk::<24>().map_or(sealed, |end| end.as_slice())
}

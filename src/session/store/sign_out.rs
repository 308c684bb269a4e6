//! A sign-out as etcd has it: its keys, and its sealed value.

use serde::{Deserialize, Serialize};

use crate::base::time::UnixTime;
use crate::env::Env;
use crate::etcd::Pair;
use crate::seal::{KeyRing, Purpose, SealError};
use crate::session::refresh_store::RefreshKey;
use crate::session::revocation::{RevocationEntry, Revocations};
use crate::tenant::Tenant;

/// The value: when the sign-out was, and what it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SignOut {
    /// The end of its keys. So a copy of the value under another key is none.
    id: String,
    /// In seconds since the Unix epoch.
    pub(super) at: u64,
    /// The entries, each with its time in seconds.
    entries: Vec<(RevocationEntry, u64)>,
}

impl SignOut {
    pub(super) fn new(id: &str, at: UnixTime, entries: &[(RevocationEntry, UnixTime)]) -> Self {
        Self { id: id.to_owned(), at: at.0, entries: entries.iter().map(|(entry, until)| (*entry, until.0)).collect() }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (RevocationEntry, UnixTime)> {
        self.entries.iter().map(|(entry, until)| (*entry, UnixTime(*until)))
    }

    pub(super) fn seal(&self, ring: &KeyRing, tenant: &Tenant, env: &mut Env<'_>) -> Result<String, SealError> {
        ring.seal(Purpose::SignOut, tenant, self, env)
    }

    /// The sign-out of a key and its value. `None` if no replica with these session keys has
    /// written it for this tenant and under this key.
    pub(super) fn open(pair: &Pair, prefix: &str, ring: &KeyRing, revocations: &Revocations) -> Option<Self> {
        let sign_out: Self = ring.open(Purpose::SignOut, revocations.tenant(), &pair.value)?.into_parts().1;
        let is_listed = || pair.key == ended_key(prefix, &revocations.id(), UnixTime(sign_out.at), &sign_out.id);
        let is_recent = pair.key.starts_with(&recent(prefix)) && pair.key.ends_with(&sign_out.id);
        (is_recent || is_listed()).then_some(sign_out)
    }
}

/// The keys of all sign-outs of a tenant, the newest first.
pub(super) fn ended(prefix: &str, tenant: &str) -> String {
    [prefix, "ended/", tenant, "/"].concat()
}

/// The key of one sign-out of a tenant. `id` makes it different from others of that second.
pub(super) fn ended_key(prefix: &str, tenant: &str, at: UnixTime, id: &str) -> String {
    format!("{}{:016x}-{id}", ended(prefix, tenant), u64::MAX.saturating_sub(at.0))
}

/// The keys of the recent sign-outs of all tenants, in the order of revisions.
pub(super) fn recent(prefix: &str) -> String {
    [prefix, "recent/"].concat()
}

/// The first key of those that were written at this revision or later.
pub(super) fn recent_from(prefix: &str, revision: u64) -> String {
    format!("{}{revision:016x}", recent(prefix))
}

/// The key of a recent sign-out that is written at `revision` or a little later.
pub(super) fn recent_key(prefix: &str, revision: u64, tenant: &str, id: &str) -> String {
    format!("{}/{tenant}/{id}", recent_from(prefix, revision))
}

/// The key of the generation of this store, behind those of all recent sign-outs. An etcd that has
/// lost its data has another one, or none.
pub(super) fn generation_key(prefix: &str) -> String {
    [&recent(prefix), "generation"].concat()
}

/// The tenant of a recent sign-out.
pub(super) fn tenant_of_recent<'a>(prefix: &str, key: &'a str) -> Option<&'a str> {
    key.strip_prefix(prefix)?.strip_prefix("recent/")?.split('/').nth(1)
}

/// The key of a logout token that was accepted.
pub(super) fn token_key(prefix: &str, tenant: &str, token: RevocationEntry) -> String {
    [prefix, "token/", tenant, "/", &token.name()].concat()
}

/// The key of a refresh.
pub(super) fn refresh_key(prefix: &str, key: RefreshKey) -> String {
    [prefix, "refresh/", &key.name()].concat()
}

#[cfg(test)]
mod tests {
    use super::super::test_vm::{NOW, PREFIX, TestEtcd, TestVm};
    use super::*;

    #[test]
    fn keys_sort_as_they_are_read() {
        let ended = |at| ended_key("/t/", "acme", UnixTime(at), "x");
        assert!(ended(2) < ended(1) && ended(10) < ended(9));
        let recent = |revision| recent_key("/t/", revision, "acme", "x");
        assert!(recent(9) < recent(10) && recent(15) < recent(16));
        assert!(recent_from("/t/", 10) < recent(10) && recent(9) < recent_from("/t/", 10));
        assert!(recent(u64::MAX) < generation_key("/t/"));
        assert_eq!(tenant_of_recent("/t/", &recent(1)), Some("acme"));
        assert_eq!(tenant_of_recent("/t/", "/t/ended/x/y"), None);
    }

    /// Whoever can write to etcd can copy values to other keys.
    #[test]
    fn a_value_counts_under_its_own_keys_only() {
        let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd::default());
        vm.poll(NOW, &mut etcd).unwrap();
        vm.sign_out(0, "ada", NOW, &mut etcd);
        let [a, b] = vm.lists.clone();
        let opens = |key: &str, value: &[u8], list: &Revocations| {
            let pair = Pair { key: key.to_owned(), value: value.to_vec(), modified: 1 };
            SignOut::open(&pair, PREFIX, vm.store.ring(), list).is_some()
        };
        let mut kinds = Vec::new();
        etcd.pairs.remove(generation_key(PREFIX).as_bytes()).unwrap();
        for (key, (value, _)) in &etcd.pairs {
            let key = std::str::from_utf8(key).unwrap();
            kinds.push(key.split('/').nth(2).unwrap());
            assert!(opens(key, value, &a) && !opens(key, value, &b), "{key}");
            // The id is another one.
            assert!(!opens(&format!("{key}x"), value, &a) && !opens(key, b"junk", &a), "{key}");
            // The key of a recent sign-out has a revision, which may be another one.
            assert!(!opens(&key.replacen('/', "//", 2), value, &a), "{key}");
        }
        assert_eq!(kinds, ["ended", "recent"]);
    }
}

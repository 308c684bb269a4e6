//! The tenants of the configuration, by their ids in the keys of the store.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::encoding::base64url;
use crate::env::Env;
use crate::session::revocation::Revocations;

/// Tenants of the configuration that are compiled when they are needed.
pub(crate) trait DeferredRevocations: Send + Sync {
    /// The revocations of the tenant at this position, which is compiled for it.
    fn revocations(&self, position: usize, env: &Env<'_>) -> Option<Arc<Revocations>>;
}

/// What a store knows of tenants that are not compiled.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoreOutline {
    /// Identifies all of them together.
    all: String,
    /// The beginnings of their ids, by position. A broken tenant has none.
    ids: Vec<Option<u64>>,
}

impl StoreOutline {
    /// The outline of these tenants, in the order of their positions. Those that are broken have no
    /// revocations.
    pub(crate) fn new(tenants: &[Option<Arc<Revocations>>]) -> Self {
        let id = |tenant: &Option<Arc<Revocations>>| tenant.as_ref().and_then(|tenant| beginning(&tenant.id()));
        Self { all: id_of_all(&mut tenants.iter().flatten()), ids: tenants.iter().map(id).collect() }
    }
}

/// The tenants of a store.
pub(crate) enum StoreTenants {
    /// They are compiled.
    Compiled {
        /// Identifies all of them together.
        all: String,
        /// Them by their ids.
        by_id: HashMap<String, Arc<Revocations>>,
    },
    /// They are compiled when they are needed.
    Deferred(StoreOutline, Arc<dyn DeferredRevocations>),
}

impl StoreTenants {
    /// Tenants that are compiled.
    pub(crate) fn compiled(tenants: &[Arc<Revocations>]) -> Self {
        let by_id = |revocations: &Arc<Revocations>| (revocations.id().into_owned(), revocations.clone());
        Self::Compiled { all: id_of_all(&mut tenants.iter()), by_id: tenants.iter().map(by_id).collect() }
    }

    /// Identifies all of them together.
    pub(super) fn all(&self) -> &str {
        match self {
            Self::Compiled { all, .. } | Self::Deferred(StoreOutline { all, .. }, _) => all,
        }
    }

    /// The revocations of the tenant with this id.
    pub(super) fn find(&self, id: &str, env: &Env<'_>) -> Option<Arc<Revocations>> {
        match self {
            Self::Compiled { by_id, .. } => by_id.get(id).cloned(),
            Self::Deferred(StoreOutline { ids, .. }, tenants) => {
                let start = beginning(id)?;
                let alike = ids.iter().enumerate().filter(|(_, known)| **known == Some(start));
                let mut found = alike.filter_map(|(position, _)| tenants.revocations(position, env));
                found.find(|revocations| revocations.id() == id)
            }
        }
    }
}

/// Identifies these tenants together, in any order: the sum of their ids without carry. Each id is
/// the text of a hash.
fn id_of_all(tenants: &mut dyn Iterator<Item = &Arc<Revocations>>) -> String {
    let mut all = [0; 43];
    for tenant in tenants {
        all.iter_mut().zip(tenant.id().bytes()).for_each(|(sum, byte)| *sum ^= byte);
    }
    base64url(&all)
}

/// 48 bits of an id, which is the text of a hash. `None` if it is too short for one.
fn beginning(id: &str) -> Option<u64> {
    id.as_bytes().first_chunk::<8>().map(|first| u64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::test_vm::{NOW, TestEtcd, TestVm};
    use super::*;

    /// The tenants `a` and `b`, with the positions that were compiled.
    struct Deferred([Arc<Revocations>; 2], Mutex<Vec<usize>>);

    impl DeferredRevocations for Deferred {
        fn revocations(&self, position: usize, _env: &Env<'_>) -> Option<Arc<Revocations>> {
            self.1.lock().unwrap().push(position);
            self.0.get(position).cloned()
        }
    }

    #[test]
    fn deferred_tenants_are_found_by_their_ids() {
        let mut vm = TestVm::new(1);
        let lists = vm.lists.clone();
        let [a, b] = lists.each_ref().map(|list| list.id().into_owned());
        let compiled = StoreTenants::compiled(&lists);
        let outline = || StoreOutline::new(&lists.clone().map(Some));
        let source = Arc::new(Deferred(lists.clone(), Mutex::default()));
        let mut deferred = StoreTenants::Deferred(outline(), source.clone());
        // A poll that one VM makes is that of all.
        assert_eq!(compiled.all(), deferred.all());
        let [a_list, b_list] = lists.clone();
        assert_eq!(compiled.all(), StoreTenants::compiled(&[b_list, a_list]).all());
        assert_ne!(compiled.all(), StoreTenants::compiled(&lists[..1]).all());

        let mut find = |tenants: &StoreTenants, id: &str| vm.at(NOW, |_, env| tenants.find(id, env));
        for tenants in [&compiled, &deferred] {
            for (id, list) in [(&a, &lists[0]), (&b, &lists[1])] {
                assert!(find(tenants, id).is_some_and(|found| Arc::ptr_eq(&found, list)));
            }
            assert!(find(tenants, "").is_none() && find(tenants, &a.to_lowercase()).is_none());
        }
        // No tenant is compiled for another one, unless their ids begin alike.
        assert_eq!(*source.1.lock().unwrap(), [0, 1]);
        let alike = StoreOutline { ids: vec![beginning(&b); 2], ..outline() };
        deferred = StoreTenants::Deferred(alike, source);
        assert!(find(&deferred, &b).is_some_and(|found| Arc::ptr_eq(&found, &lists[1])));
        assert!(find(&deferred, &a).is_none());
        // A broken tenant has no list, and its position.
        let [_, b_list] = lists;
        let outline = StoreOutline::new(&[None, Some(b_list.clone())]);
        let source = Arc::new(Deferred(vm.lists.clone(), Mutex::default()));
        deferred = StoreTenants::Deferred(outline, source.clone());
        assert_eq!(deferred.all(), StoreTenants::compiled(std::slice::from_ref(&b_list)).all());
        let found = vm.at(NOW, |_, env| [&a, &b].map(|id| deferred.find(id, env)));
        assert!(found[0].is_none() && found[1].as_ref().is_some_and(|found| Arc::ptr_eq(found, &b_list)));
        assert!(["", "x", "\0\0\0\0\0\0\0\0"].iter().all(|id| vm.at(NOW, |_, env| deferred.find(id, env)).is_none()));
        assert_eq!(*source.1.lock().unwrap(), [1]);
    }

    /// The VM that polls may not have compiled a tenant that another VM serves.
    #[test]
    fn a_poll_compiles_the_tenant_of_a_sign_out() {
        let vm = TestVm::new(1);
        let (other, mut replica) = (TestVm::of_process(2, &vm.shared), TestVm::new(3));
        let source = Arc::new(Deferred(vm.lists.clone(), Mutex::default()));
        let outline = StoreOutline::new(&vm.lists.clone().map(Some));
        let mut vm = vm.with_tenants(StoreTenants::Deferred(outline, source.clone()));
        let mut etcd = TestEtcd::default();
        vm.poll(NOW, &mut etcd).unwrap();
        assert!(source.1.lock().unwrap().is_empty());
        replica.sign_out(0, "ada", NOW, &mut etcd);
        vm.poll(NOW + 2, &mut etcd).unwrap();
        assert_eq!(*source.1.lock().unwrap(), [0]);
        assert!(vm.knows(0, "ada") && !other.knows(0, "ada"));
        other.lists[0].catch_up(&*other.shared);
        assert!(other.knows(0, "ada"));
    }
}

//! Whether the sign-outs of other replicas are known, before a session is used.

use std::sync::Arc;

use super::load::Load;
use super::outcome::Outcome;
use super::replica::Store;
use super::wait::StoreWait;
use super::work::{StartStoreWork, Task};
use crate::base::time::UnixTime;
use crate::env::Env;
use crate::session::revocation::{RevocationSync, Revocations};

/// What this process knows of the sign-outs of other replicas.
pub(crate) enum Readiness {
    /// Those of the last moments at most are missing.
    Known,
    /// etcd has not answered for too long, or has not given the list of this tenant.
    Unknown,
    /// They will be known soon. This work has to begin for it, unless it is in progress.
    Awaited(StoreWait, Option<StartStoreWork>),
}

/// What this process knows of the sign-outs of a tenant at other replicas. A request that may not
/// wait causes no read.
pub(crate) fn readiness(
    store: &Arc<Store>,
    revocations: &Arc<Revocations>,
    may_wait: bool,
    env: &Env<'_>,
) -> Readiness {
    let Ok(now) = env.now() else { return Readiness::Unknown };
    if store.epoch() == 0 {
        store.look(env);
    }
    if store.is_loaded(revocations, env) {
        return if store.is_stale(now) { Readiness::Unknown } else { Readiness::Known };
    }
    if store.is_away() || !may_wait || revocations.pauses_loading(now) {
        return Readiness::Unknown;
    }
    if store.epoch() == 0 {
        return Readiness::Awaited(StoreWait::for_poll(store, now), None);
    }
    match load(store, revocations, now, env) {
        // Nobody waits for a read that takes too long.
        Some((wait, start)) if !wait.is_over(env) => Readiness::Awaited(wait, start),
        _ => Readiness::Unknown,
    }
}

/// Reads of lists that etcd may have lost. What it lacks of them is written again.
pub(crate) fn lost_lists(store: &Arc<Store>, sync: &RevocationSync, env: &Env<'_>) -> Vec<StartStoreWork> {
    let mut reads = Vec::new();
    let room = store.room_for_restores();
    let Ok(now) = env.now() else { return reads };
    if room == 0 || store.is_away() {
        return reads;
    }
    let mut is_left = false;
    for list in sync.lists() {
        if !store.may_have_lost(&list) || list.is_empty() || store.is_loaded(&list, env) {
            continue;
        }
        is_left = true;
        if reads.len() < room
            && !list.pauses_loading(now)
            && let Some((_, Some(read))) = load(store, &list, now, env)
        {
            reads.push(read);
        }
    }
    if !is_left {
        store.set_restored();
    }
    reads
}

/// A read of a list that is in progress, or begins, and the wait for it.
fn load(
    store: &Arc<Store>,
    revocations: &Arc<Revocations>,
    now: UnixTime,
    env: &Env<'_>,
) -> Option<(StoreWait, Option<StartStoreWork>)> {
    let id = revocations.id();
    let mut loading = store.loading().lock().ok()?;
    if let Some((outcome, began)) = loading.get(id.as_ref()) {
        // The clock may have been set back since.
        return Some((StoreWait::for_work(outcome, now.min(*began)), None));
    }
    let outcome = Arc::new(Outcome::default());
    let (load, operation) = Load::begin(store, revocations, &outcome, env);
    loading.insert(id.into_owned(), (outcome.clone(), now));
    let wait = StoreWait::for_work(&outcome, now);
    Some((wait, Some(StartStoreWork::new(store, Task::load(load), operation))))
}

#[cfg(test)]
mod tests {
    use super::super::test_vm::{NOW, TestEtcd, TestVm};
    use super::*;

    fn seen(vm: &mut TestVm, may_wait: bool, now: u64) -> &'static str {
        let [list, _] = vm.lists.clone();
        match vm.at(now, |store, env| readiness(store, &list, may_wait, env)) {
            Readiness::Known => "known",
            Readiness::Unknown => "unknown",
            Readiness::Awaited(_, Some(_)) => "read",
            Readiness::Awaited(_, None) => "awaited",
        }
    }

    #[test]
    fn a_request_waits_for_the_first_poll_and_for_the_list_of_its_tenant() {
        let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd::default());
        let mut other = TestVm::of_process(2, &vm.shared);
        assert_eq!((seen(&mut vm, false, NOW), seen(&mut vm, true, NOW)), ("unknown", "awaited"));
        vm.poll(NOW, &mut etcd);
        // A request that may not wait causes no read, and of the others one does.
        for vm in [&mut vm, &mut other] {
            assert_eq!(
                [seen(vm, false, NOW), seen(vm, true, NOW), seen(vm, true, NOW)],
                ["unknown", "read", "awaited"]
            );
        }
        vm.load(0, NOW, &mut etcd);
        for vm in [&mut vm, &mut other] {
            assert_eq!([seen(vm, false, NOW + 30), seen(vm, true, NOW + 31)], ["known", "unknown"]);
        }
    }

    #[test]
    fn nobody_waits_for_a_list_that_takes_too_long() {
        let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd::default());
        vm.poll(NOW, &mut etcd);
        let at = [0, 7, 8].map(|seconds| seen(&mut vm, true, NOW + seconds));
        assert_eq!(at, ["read", "awaited", "unknown"]);
        // The clock is set back.
        let [list, _] = vm.lists.clone();
        let Readiness::Awaited(wait, None) = vm.at(NOW - 100, |store, env| readiness(store, &list, true, env)) else {
            panic!("nothing is awaited")
        };
        assert!(vm.at(NOW - 92, |_, env| wait.is_over(env)));
    }

    #[test]
    fn nobody_waits_for_what_failed_a_moment_ago() {
        let (mut vm, mut etcd) = (TestVm::new(1), TestEtcd { is_away: true, ..TestEtcd::default() });
        vm.poll(NOW, &mut etcd);
        assert_eq!(seen(&mut vm, true, NOW), "unknown");
        etcd.is_away = false;
        vm.poll(NOW + 2, &mut etcd);
        vm.lists[0].pause_loading(UnixTime(NOW + 12));
        assert_eq!((seen(&mut vm, true, NOW + 11), seen(&mut vm, true, NOW + 12)), ("unknown", "read"));
    }
}

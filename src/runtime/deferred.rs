//! Tenants of a configuration that was checked before. Each is compiled at its first request, or
//! in a tick if it fetches something. What was not used for long is dropped and compiled again.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::compiled_tenants::CompiledTenants;
use super::documents::CompiledTenant;
use super::outline::Outline;
use super::tenant_table::{BrokenTenant, ServedTenant, TenantEntry};
use crate::env::Env;
use crate::http::host::Host;
use crate::http::host_table::HostTable;
use crate::seal::KeyRing;
use crate::session::revocation::Revocations;
use crate::session::store::DeferredRevocations;

/// Makes the models of the tenants of a configuration, by their positions. The configuration does
/// it, with the same code as for a load.
pub(crate) trait DeferredCompiler: fmt::Debug + Send + Sync {
    /// The tenant at this position, whose bytes are at this place of the configuration.
    fn compile(&self, position: usize, place: Range<usize>) -> CompiledTenant;
}

/// The tenants of a configuration that a VM of the process has checked.
#[derive(Debug)]
pub(crate) struct DeferredTenants {
    places: Vec<Range<usize>>,
    hosts: Arc<HostTable>,
    compiled: Mutex<CompiledTenants>,
    compiler: Box<dyn DeferredCompiler>,
    ring: Arc<KeyRing>,
    /// The positions of the tenants that fetch something, which ticks compile.
    fetching: Vec<usize>,
    next_fetching: AtomicUsize,
    broken: Vec<usize>,
    broken_names: Vec<String>,
    refreshes: bool,
}

impl DeferredTenants {
    /// The tenants of this outline.
    pub(crate) fn new(outline: Outline, compiler: Box<dyn DeferredCompiler>, ring: Arc<KeyRing>) -> Self {
        Self::with_most(MOST_COMPILED, outline, compiler, ring)
    }

    fn with_most(most: usize, outline: Outline, compiler: Box<dyn DeferredCompiler>, ring: Arc<KeyRing>) -> Self {
        let Outline { places, hosts, fetching, broken, broken_names, refreshes, .. } = outline;
        let compiled = Mutex::new(CompiledTenants::new(places.len(), most));
        let next_fetching = AtomicUsize::default();
        Self { places, hosts, compiled, compiler, ring, fetching, next_fetching, broken, broken_names, refreshes }
    }

    /// The number of tenants.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// How many are broken, and the first names.
    pub(super) fn broken(&self) -> (usize, &[String]) {
        (self.broken.len(), &self.broken_names)
    }

    /// Whether one of them refreshes sessions.
    pub(super) fn refreshes(&self) -> bool {
        self.refreshes
    }

    /// The tenant of this host.
    pub(super) fn find(&self, host: &Host, env: &Env<'_>) -> Option<TenantEntry> {
        self.entry(self.hosts.select(host)?, env)
    }

    /// Compiles some tenants that fetch something. Returns whether there are more.
    pub(super) fn compile_some(&self, env: &Env<'_>) -> bool {
        let start = self.next_fetching.fetch_add(AT_ONCE, Ordering::Relaxed);
        let rest = self.fetching.get(start..).unwrap_or_default();
        rest.iter().take(AT_ONCE).for_each(|position| drop(self.entry(*position, env)));
        rest.len() > AT_ONCE
    }

    /// The tenants that were compiled since the last call, and are kept.
    pub(super) fn take_new(&self) -> Vec<Arc<ServedTenant>> {
        self.with_compiled(CompiledTenants::take_new).unwrap_or_default()
    }

    fn entry(&self, position: usize, env: &Env<'_>) -> Option<TenantEntry> {
        if let Some(entry) = self.with_compiled(|compiled| compiled.find(position)).flatten() {
            return Some(entry);
        }
        let entry = self.compile(position, self.places.get(position)?.clone(), env);
        self.with_compiled(|compiled| compiled.keep(position, entry.clone()));
        Some(entry)
    }

    fn compile(&self, position: usize, place: Range<usize>, env: &Env<'_>) -> TenantEntry {
        let CompiledTenant { name, hosts, tenant } = self.compiler.compile(position, place);
        match tenant {
            // The mistakes of a tenant may be about others, so its own part may have none.
            Ok(model) if self.broken.binary_search(&position).is_err() => TenantEntry::deferred(model, &self.ring, env),
            _ => TenantEntry::Broken(Arc::new(BrokenTenant { name, hosts: hosts.to_vec(), ..BrokenTenant::default() })),
        }
    }

    fn with_compiled<T>(&self, act: impl FnOnce(&mut CompiledTenants) -> T) -> Option<T> {
        self.compiled.lock().ok().map(|mut compiled| act(&mut compiled))
    }
}

impl DeferredRevocations for DeferredTenants {
    fn revocations(&self, position: usize, env: &Env<'_>) -> Option<Arc<Revocations>> {
        match self.entry(position, env)? {
            TenantEntry::Served(tenant) => Some(tenant.revocations.clone()),
            TenantEntry::Broken(_) => None,
        }
    }
}

/// How many tenants a tick compiles: less than two milliseconds, during which no request is
/// answered.
const AT_ONCE: usize = 32;
/// The most tenants that are compiled at a time, beside those that must stay: 9 MB in a VM.
const MOST_COMPILED: usize = 4096;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::base::secret::Secret;
    use crate::base::time::UnixTime;
    use crate::config::{self, LoadContext};
    use crate::env::shared::NoSharedData;
    use crate::http::host::HostPattern;
    use crate::jose::{HostAlgorithms, NoHostVerifier, Verifier};
    use crate::runtime::Runtime;
    use crate::seal::SealingKey;
    use crate::session::SessionId;
    use crate::session::revocation::{RevocableSession, Revocation};
    use crate::testing::{TestHost, TestSharedData};

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const MOST: usize = 8;
    /// The position of a tenant that fetches its keys, as those from 100 on do.
    const FETCHING: usize = 3;

    /// Notes what it compiles.
    #[derive(Debug)]
    struct TestCompiler {
        runtime: Runtime,
        compiled: Arc<Mutex<Vec<usize>>>,
    }

    impl DeferredCompiler for TestCompiler {
        fn compile(&self, position: usize, _place: Range<usize>) -> CompiledTenant {
            self.compiled.lock().unwrap().push(position);
            let TenantEntry::Served(tenant) = &self.runtime.entries()[position] else { panic!("it serves") };
            CompiledTenant { name: None, hosts: Arc::default(), tenant: Ok(tenant.model.clone()) }
        }
    }

    struct Vm {
        tenants: DeferredTenants,
        compiled: Arc<Mutex<Vec<usize>>>,
        shared: TestSharedData,
        host: TestHost,
    }

    impl Vm {
        /// This many tenants, of which some are kept.
        fn new(tenants: usize) -> Self {
            let tenant = |number: usize| {
                let source = if number == FETCHING || number >= 100 { "jwks_uri" } else { "end_session_endpoint" };
                json!({
                    "name": format!("t{number}"), "hosts": [format!("t{number}.example")], "client_id": "gate",
                    "issuer": "https://i.example",
                    "keys": [{ "pem": include_str!("../../tests/vectors/keys/ec.public.pem") }],
                    "provider": { "cluster": "i", "authorization_endpoint": "https://i.example/a",
                        "token_endpoint": "https://i.example/t", source: "https://i.example/x" },
                })
            };
            let key = json!({ "id": "k", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" });
            let all: Vec<_> = (0..tenants).map(tenant).collect();
            let configuration = json!({ "session": { "keys": [key.clone()] }, "tenants": all });
            let context = LoadContext { environment: &TestHost::default(), host: HostAlgorithms::default() };
            let runtime = config::load_value(&configuration, context).unwrap().runtime;
            let outline = runtime.outline(vec![0..0; tenants]).unwrap();
            let compiled = Arc::<Mutex<Vec<usize>>>::default();
            let ring = Arc::new(KeyRing::new(vec![SealingKey::new("k".to_owned(), Secret::new([7; 32]))]));
            let compiler = Box::new(TestCompiler { runtime, compiled: compiled.clone() });
            let tenants = DeferredTenants::with_most(MOST, outline, compiler, ring);
            Self { tenants, compiled, shared: TestSharedData::default(), host: TestHost::default() }
        }

        fn find(&mut self, number: usize) -> Arc<ServedTenant> {
            let host = Host::from_name(&format!("t{number}.example")).unwrap();
            let entry = self.tenants.find(&host, &self.host.env_with(&self.shared));
            let Some(TenantEntry::Served(tenant)) = entry else { panic!("t{number} serves") };
            assert_eq!(tenant.model.hosts[0], HostPattern::parse(&format!("t{number}.example")).unwrap());
            tenant
        }

        /// The tenants that were compiled since the last call.
        fn take_compiled(&self) -> Vec<usize> {
            std::mem::take(&mut self.compiled.lock().unwrap())
        }

        /// Uses others until what is not used is dropped.
        fn use_others(&mut self, than: usize) {
            (0..40).filter(|number| *number != than).for_each(|number| drop(self.find(number)));
            self.take_compiled();
        }
    }

    /// Signs the user out, in the shared data or, without them, in this VM alone.
    fn sign_out(revocations: &Revocations, is_stored: bool, shared: &TestSharedData) {
        let mut host = TestHost::default();
        let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() };
        let mut env = Env::new(Some(NOW), &mut host, verifier, if is_stored { shared } else { &NoSharedData });
        let stored = Revocation::of_user("ada", NOW).store(revocations, Duration::from_secs(3600), NOW, &mut env);
        assert_eq!(stored.is_ok(), is_stored);
    }

    fn is_signed_out(tenant: &ServedTenant) -> bool {
        let session = RevocableSession { id: SessionId([7; 16]), user: "", sub: "ada", sid: None, signed_in: NOW };
        tenant.revocations.contain(&session, NOW)
    }

    #[test]
    fn the_compiled_tenants_are_bounded_and_those_used_last_stay() {
        let mut vm = Vm::new(20);
        let mut uses: Vec<usize> = Vec::new();
        let (mut random, mut fetching) = (1usize, 0);
        for _ in 0..2000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = (random >> 40) % 20;
            // The others since its last use. A round is half of the bound.
            let since: BTreeSet<usize> = uses.iter().rev().take_while(|used| **used != number).copied().collect();
            let is_recent = uses.contains(&number) && since.len() < MOST / 2;
            vm.find(number);
            let compiled = vm.take_compiled();
            fetching += compiled.iter().filter(|compiled| **compiled == FETCHING).count();
            assert!(compiled.is_empty() || (compiled == [number] && !is_recent), "{number}: {compiled:?}");
            uses.push(number);
            let kept = vm.tenants.with_compiled(|compiled| compiled.kept()).unwrap();
            assert!(kept <= MOST + 1, "{kept}");
        }
        assert_eq!(fetching, 1);
    }

    #[test]
    fn a_tenant_that_fetches_stays() {
        let mut vm = Vm::new(40);
        assert!(!vm.tenants.compile_some(&vm.host.env_with(&vm.shared)));
        assert_eq!(vm.take_compiled(), [FETCHING]);
        let fetching = vm.find(FETCHING);
        vm.use_others(FETCHING);
        assert!(Arc::ptr_eq(&vm.find(FETCHING), &fetching) && vm.take_compiled().is_empty());
    }

    #[test]
    fn tenants_that_fetch_take_no_place_of_others() {
        let mut vm = Vm::new(140);
        vm.find(0);
        (100..140).for_each(|number| drop(vm.find(number)));
        vm.take_compiled();
        vm.find(0);
        assert!(vm.take_compiled().is_empty());
    }

    /// Whoever signs out at a tenant is signed out at once in this VM, whatever waits meanwhile.
    #[test]
    fn a_tenant_that_is_in_use_stays() {
        let mut vm = Vm::new(40);
        let in_request = vm.find(0);
        vm.use_others(0);
        assert!(Arc::ptr_eq(&vm.find(0), &in_request) && vm.take_compiled().is_empty());
        let (in_call, used) = (in_request.revocations.clone(), Arc::downgrade(&in_request));
        drop(in_request);
        vm.use_others(0);
        assert!(Arc::ptr_eq(&vm.find(0).revocations, &in_call) && vm.take_compiled().is_empty());
        drop(in_call);
        vm.use_others(0);
        assert!(used.upgrade().is_none());
    }

    #[test]
    fn a_sign_out_outlasts_the_compiled_tenant() {
        for is_stored in [true, false] {
            let mut vm = Vm::new(40);
            sign_out(&vm.find(0).revocations, is_stored, &vm.shared);
            // What others have stored does not make this stored.
            vm.find(0).revocations.catch_up(&vm.shared);
            vm.use_others(0);
            let tenant = vm.find(0);
            // What only this VM knows keeps the tenant.
            assert_eq!(vm.take_compiled(), if is_stored { vec![0] } else { vec![] });
            assert!(is_signed_out(&tenant), "{is_stored}");
            if !is_stored {
                sign_out(&tenant.revocations, true, &vm.shared);
                drop(tenant);
                vm.use_others(0);
                assert!(is_signed_out(&vm.find(0)) && vm.take_compiled() == [0]);
            }
        }
    }

    #[test]
    fn what_works_beside_requests_knows_each_tenant_that_is_kept() {
        let mut vm = Vm::new(40);
        let tenants = [0, FETCHING].map(|number| vm.find(number));
        let new = vm.tenants.take_new();
        assert!(new.len() == 2 && new.iter().zip(&tenants).all(|(new, tenant)| Arc::ptr_eq(new, tenant)));
        assert!(vm.tenants.take_new().is_empty());
        drop((new, tenants));
        vm.find(1);
        (0..5).for_each(|_| vm.use_others(1));
        assert!(vm.tenants.with_compiled(|compiled| compiled.new_places()).unwrap() <= 4 * MOST);
        assert!(vm.tenants.take_new().len() <= MOST);
    }
}

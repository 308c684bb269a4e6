//! A configuration that a VM of the process has checked. Its outline has what is needed of all
//! tenants, and each tenant is read when it is needed, so that a push of thousands of tenants does
//! not hold a worker up.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::alike::Sections;
use super::common::Common;
use super::cursor::{Cursor, Section};
use super::document::Form;
use super::load_context::LoadContext;
use super::session::session;
use super::tenant::{AssertionNames, tenant};
use super::tenants_from::DocumentCompiler;
use crate::env::Environment;
use crate::jose::HostAlgorithms;
use crate::runtime::{
    CheckedNote, CompiledTenant, DeferredCompiler, DeferredTenants, Outline, Runtime, TenantCompiler,
};
use crate::seal::KeyRing;

/// Loads a configuration for which there is this note. `None` if the note is not genuine; then
/// check everything.
///
/// The session keys decide whether it is. They are part of the configuration, so its beginning is
/// read first. What comes later is read where a genuine outline says.
pub(super) fn load_checked(
    bytes: &Arc<Vec<u8>>,
    environment: &'static (dyn Environment + Sync),
    host: HostAlgorithms,
    note: &CheckedNote<'_>,
) -> Option<Runtime> {
    let beginning = Beginning::read(bytes, environment)?;
    let outline = note.open(&beginning.ring)?;
    beginning.load(bytes, environment, host, outline)
}

/// Loads a configuration that has this outline.
pub(super) fn load_outlined(
    bytes: &Arc<Vec<u8>>,
    environment: &'static (dyn Environment + Sync),
    host: HostAlgorithms,
    outline: Outline,
) -> Option<Runtime> {
    Beginning::read(bytes, environment)?.load(bytes, environment, host, outline)
}

/// What is read of a configuration first.
struct Beginning {
    form: Form,
    ring: Arc<KeyRing>,
}

impl Beginning {
    fn read(bytes: &[u8], environment: &dyn Environment) -> Option<Self> {
        let section = Section::default();
        let (form, opening) = Form::opening(bytes, SESSION)?;
        let opening = Value::Object(opening);
        let (keys, _) = session(&Cursor::root(&opening, &section).object().field(SESSION), environment);
        Some(Self { form, ring: Arc::new(KeyRing::new(keys)) })
    }

    fn load(
        self,
        bytes: &Arc<Vec<u8>>,
        environment: &'static (dyn Environment + Sync),
        host: HostAlgorithms,
        mut outline: Outline,
    ) -> Option<Runtime> {
        let Self { form, ring } = self;
        let rest = Section::default();
        let top = Value::Object(form.top(bytes, &outline.places)?);
        let mut common = Common::read(&Cursor::root(&top, &rest).object(), LoadContext { environment, host });
        let (store, settings) = (common.store.take(), common.documents.settings.take());
        let of_store = outline.store.take();
        // Both are as the outline says, because it is that of these bytes.
        if !rest.errors.is_empty()
            || store.is_some() != of_store.is_some()
            || settings.is_some() != outline.taken.is_some()
        {
            return None;
        }
        let documents: Option<(_, Box<dyn TenantCompiler>)> = match settings {
            Some(settings) => {
                let compiler = DocumentCompiler::of_outline(&mut outline, common.assertion_names())?;
                Some((settings, Box::new(compiler)))
            }
            None => None,
        };
        let assertion = common.assertion_names();
        let compiler =
            Compiler { bytes: bytes.clone(), form, environment, host, assertion, sections: Mutex::default() };
        let runtime = common.into_runtime(ring.clone(), Vec::new(), outline.header_names.clone())?;
        let runtime = runtime.with_deferred(DeferredTenants::new(outline, Box::new(compiler), ring));
        Some(runtime.with_documents(documents).with_store(store, of_store))
    }
}

/// Compiles tenants of these bytes.
struct Compiler {
    bytes: Arc<Vec<u8>>,
    form: Form,
    environment: &'static (dyn Environment + Sync),
    host: HostAlgorithms,
    assertion: Option<AssertionNames>,
    sections: Mutex<Sections>,
}

impl DeferredCompiler for Compiler {
    fn compile(&self, position: usize, place: Range<usize>) -> CompiledTenant {
        let value = self.bytes.get(place).and_then(|bytes| self.form.tenant(bytes)).unwrap_or_default();
        let others = Sections::default();
        let sections = self.sections.lock();
        let sections = sections.as_deref().unwrap_or(&others);
        let context = LoadContext { environment: self.environment, host: self.host };
        tenant(position, &value, context, self.assertion.as_ref(), sections).compiled(position, &|_| true)
    }
}

/// Omits the configuration.
impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiler").finish_non_exhaustive()
    }
}

/// The section with the session keys.
const SESSION: &str = "session";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{load, load_in_vm};
    use crate::env::shared::SharedData;
    use crate::http::host::Host;
    use crate::runtime::{Found, LoadInput, TenantEntry};
    use crate::testing::{TestHost, TestSharedData, struct_bytes};

    struct NoVariables;

    impl Environment for NoVariables {
        fn var(&self, _name: &str) -> Option<String> {
            None
        }
    }

    const SESSION: &str = r#""session":{"keys":[{"id":"k","key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]}"#;
    const STATS: &str = r#""stats":{"per_tenant":false}"#;

    fn tenants() -> String {
        let pem = include_str!("../../tests/vectors/keys/ec.public.pem");
        let tenant = |name: &str| {
            json!({
                "name": name, "hosts": [format!("{name}.example"), format!("*.{name}.example")],
                "issuer": "https://i.example", "client_id": "gate", "keys": [{ "pem": pem }],
                "provider": { "cluster": "i", "authorization_endpoint": "https://i.example/a",
                    "token_endpoint": "https://i.example/t" },
                "headers": { "user": format!("x-{name}-user") },
                "login": { "redirect_uri": format!("https://{name}.example/oauth2/callback"),
                    "cookie_domain": format!("{name}.example") },
            })
        };
        format!(r#""tenants": [ {} , {} ]"#, tenant("a"), tenant("b"))
    }

    fn of_struct(text: &str) -> Vec<u8> {
        struct_bytes(&serde_json::from_str(text).unwrap())
    }

    /// A place in the shared data for notes.
    fn key(place: u8) -> String {
        format!("tenantgate/checked/{place}")
    }

    /// The configuration as another VM loads it, and the shared data with the note.
    fn deferred(bytes: &[u8]) -> (Option<Runtime>, TestSharedData) {
        let host = HostAlgorithms::default();
        let (shared, input) = (TestSharedData::default(), LoadInput::new(&Arc::new(bytes.to_vec()), []));
        let first = load_in_vm(&input, &NoVariables, host, &mut TestHost::default().env_with(&shared)).unwrap().runtime;
        let note = input.find_note(&shared).unwrap();
        let runtime = load_checked(input.configuration(), &NoVariables, host, &note);
        // The VM that checks does not keep what it has compiled.
        assert!(first.entries().is_empty());
        assert_eq!(runtime.as_ref().map(Runtime::tenant_counts), Some(first.tenant_counts()));
        (runtime, shared)
    }

    #[test]
    fn the_tenants_and_settings_are_found_in_each_form_and_order() {
        let tenants = tenants();
        let [a, b, c] = [SESSION, STATS, &tenants];
        let texts = [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]].map(|parts| parts.join(" ,"));
        let texts = texts.map(|members| format!(" {{ {members} }} ").into_bytes());
        let parts = |members: &[&str]| -> Vec<u8> {
            members.iter().flat_map(|member| of_struct(&format!("{{{member}}}"))).collect()
        };
        for bytes in texts.into_iter().chain([parts(&[a, b, c]), parts(&[c, b, a])]) {
            let text = String::from_utf8_lossy(&bytes);
            let runtime = deferred(&bytes).0.expect(&text);
            assert!(!runtime.counts_tenants() && runtime.entries().is_empty(), "{text}");
            assert_eq!(runtime.tenant_counts().serving, 2, "{text}");
            for name in ["a", "b"] {
                assert!(
                    runtime.upstream().protected.written().any(|written| written == format!("x-{name}-user")),
                    "{text}"
                );
                for host in ["", "www."] {
                    let host = Host::from_name(&format!("{host}{name}.example")).unwrap();
                    runtime.find(&host, &TestHost::default().env());
                }
                let providers = runtime.take_compiled().providers;
                assert_eq!(
                    providers.iter().map(|provider| provider.tenant().name.as_str()).collect::<Vec<_>>(),
                    [name]
                );
            }
        }
    }

    /// Also a tenant whose mistakes are about another one.
    #[test]
    fn a_broken_tenant_is_broken_in_each_vm() {
        let own = tenants().replacen(r#""cluster":"i""#, r#""cluster":"""#, 1);
        let of_others = tenants().replacen(r#""b.example""#, r#""b.a.example""#, 1);
        let served = |runtime: &Runtime| {
            ["a.example", "x.a.example", "b.example", "b.a.example", "x.b.example"].map(|name| {
                let host = Host::from_name(name).unwrap();
                match runtime.find(&host, &TestHost::default().env()) {
                    Found::Tenant(TenantEntry::Served(tenant)) => Some(tenant.model.name.to_string()),
                    Found::Tenant(TenantEntry::Broken(tenant)) => Some(format!("{:?} is broken", tenant.name)),
                    Found::Absent | Found::Away | Found::Unknown => None,
                }
            })
        };
        for tenants in [own, of_others] {
            let text = format!("{{{SESSION},{tenants}}}");
            let host = HostAlgorithms::default();
            let checked = load(text.as_bytes(), LoadContext { environment: &NoVariables, host }).unwrap().runtime;
            let (runtime, shared) = deferred(text.as_bytes());
            let runtime = runtime.unwrap();
            assert!(runtime.tenant_counts().broken >= 1 && runtime.tenant_counts() == checked.tenant_counts());
            // Only the VM that checks knows the mistakes.
            let input = LoadInput::new(&Arc::new(text.clone().into_bytes()), []);
            let problems = |shared: &TestSharedData| {
                load_in_vm(&input, &NoVariables, host, &mut TestHost::default().env_with(shared)).unwrap().problems
            };
            assert!(!problems(&TestSharedData::default()).is_empty() && problems(&shared).is_empty());
            assert_eq!(runtime.load_report().text, checked.load_report().text);
            let found = served(&runtime);
            assert_eq!(found, served(&checked));
            assert!(found.iter().flatten().any(|name| name.contains("broken")), "{found:?}");
        }
    }

    /// Where the tenants cannot be read one by one, the VM keeps them.
    #[test]
    fn tenants_that_are_not_apart_are_kept() {
        let text = format!("{{{SESSION},{}}}", tenants()).replacen("tenants", "tenant\\u0073", 1);
        let (shared, input) = (TestSharedData::default(), LoadInput::new(&Arc::new(text.into_bytes()), []));
        for _ in 0..2 {
            let mut host = TestHost::default();
            let env = &mut host.env_with(&shared);
            let runtime = load_in_vm(&input, &NoVariables, HostAlgorithms::default(), env).unwrap().runtime;
            assert_eq!((runtime.entries().len(), runtime.tenant_counts().serving), (2, 2));
            assert!(input.find_note(&shared).is_none());
        }
    }

    #[test]
    fn the_store_is_that_of_the_configuration() {
        let store = r#""store":{"etcd":{"cluster":"etcd","interval":"7s"}}"#;
        let runtime = deferred(format!(r#"{{{SESSION},{store},{}}}"#, tenants()).as_bytes()).0.unwrap();
        assert_eq!(runtime.store().unwrap().interval().as_secs(), 7);
    }

    #[test]
    fn documents_are_compared_with_tenants_that_are_not_compiled() {
        let pem = json!({ "pem": include_str!("../../tests/vectors/keys/ec.public.pem") });
        let etcd = json!({ "etcd": { "cluster": "etcd" }, "keys": [pem], "header_names": ["x-c-user"] });
        // A tenant that is broken has its name, its hosts and its cookies all the same.
        for tenants in [tenants(), tenants().replacen(r#""cluster":"i""#, r#""cluster":"""#, 1)] {
            compare_documents(&format!(r#"{{{SESSION},"tenants_from":{etcd},{tenants}}}"#), &pem);
        }
    }

    fn compare_documents(text: &str, pem: &Value) {
        let checked = load(text.as_bytes(), LoadContext { environment: &NoVariables, host: HostAlgorithms::default() });
        let checked = checked.unwrap().runtime;
        let runtime = deferred(text.as_bytes()).0.unwrap();
        let document = |name: &str, host: &str, member: &str, value: Value| {
            let mut document = json!({
                "name": name, "hosts": [host], "issuer": "https://i.example", "client_id": "gate", "keys": [pem],
                "provider": { "cluster": "i", "authorization_endpoint": "https://i.example/a",
                    "token_endpoint": "https://i.example/t" },
            });
            document[member] = value;
            document.as_object().cloned().unwrap()
        };
        let login = json!({ "redirect_uri": "https://c.a.example/oauth2/callback", "cookie_domain": "a.example" });
        for (document, mistakes) in [
            (document("c", "c.example", "csrf", json!({})), 0),
            (document("c", "c.example", "headers", json!({ "user": "x-a-user", "groups": "x-c-user" })), 0),
            (document("A", "c.example", "csrf", json!({})), 1),
            (document("c", "c.a.example", "csrf", json!({})), 1),
            (document("c", "c.a.example", "login", login), 2),
            (document("c", "c.example", "headers", json!({ "user": "x-d-user" })), 1),
            (document("c", "c.example", "headers", json!({ "pass": ["x-b-user"] })), 1),
        ] {
            let found = [&checked, &runtime].map(|runtime| {
                let tenant = runtime.documents().unwrap().compile(&document, &TestHost::default().env()).tenant;
                tenant.err().unwrap_or_default()
            });
            assert!(found[0].len() == mistakes && found[0] == found[1], "{document:?}: {found:#?}");
        }
    }

    #[test]
    fn another_configuration_is_not_taken_for_the_checked_one() {
        let text = format!("{{{SESSION},{}}}", tenants());
        let shared = deferred(text.as_bytes()).1;
        let note = (0..16).find_map(|place| shared.get(&key(place))).unwrap().0;
        for (from, to) in [("a.example", "c.example"), ("gate", "gat3"), (" ]", "]"), ("\"session", " \"session")] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            let (changed, shared) = (Arc::new(changed.into_bytes()), TestSharedData::default());
            for place in 0..16 {
                shared.set(&key(place), &note, None).unwrap();
            }
            let input = LoadInput::new(&changed, []);
            let note = input.find_note(&shared).unwrap();
            assert!(load_checked(&changed, &NoVariables, HostAlgorithms::default(), &note).is_none(), "{from}");
        }
    }
}

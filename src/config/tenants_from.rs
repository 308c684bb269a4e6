//! `tenants_from`: the etcd that has further tenants, each as a signed document.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::alike::Sections;
use super::code::Code;
use super::cursor::Cursor;
use super::error::ConfigError;
use super::headers::header_name;
use super::load_context::LoadContext;
use super::tenant::{AssertionNames, PartialTenant, tenant};
use super::values::{duration, listed, whole};
use super::{etcd, keys};
use crate::env::{Env, NoEnvironment};
use crate::http::header_name::FoldedNames;
use crate::http::host::{Host, HostPattern};
use crate::http::host_index::HostIndex;
use crate::http::host_table::HostTable;
use crate::runtime::{CompiledTenant, DocumentSettings, Outline, TakenNames, TenantCompiler};
use crate::tenant::DEFAULT_NAMES;

/// The section, as far as it could be read.
#[derive(Default)]
pub(super) struct TenantsFrom {
    /// The settings. `None` if the section is absent or has a mistake.
    pub(super) settings: Option<DocumentSettings>,
    /// The names of identity headers that documents may have.
    pub(super) header_names: Vec<String>,
}

/// Reads the section.
pub(super) fn tenants_from(at: &Cursor<'_>, context: LoadContext<'_>) -> TenantsFrom {
    if !at.is_present() {
        return TenantsFrom { settings: None, header_names: Vec::new() };
    }
    let section = at.object();
    let etcd_at = section.field("etcd");
    let object = etcd_at.required_object();
    let etcd = etcd::etcd(&etcd_at, &object, context.environment);
    let interval = duration(&object.field("interval"), DEFAULT_INTERVAL, MIN_INTERVAL..=MAX_INTERVAL);
    object.finish();
    let keys = keys::keys(&section.field("keys"), context.host, false);
    let header_names = listed(&section.field("header_names"), &mut header_name);
    let most_hosts = whole(&section.field("cache"), DEFAULT_CACHE, MIN_CACHE..=MAX_CACHE);
    section.finish();
    let settings = (|| {
        header_names.as_ref()?;
        Some(DocumentSettings { etcd: etcd?, interval: interval?, keys: keys?, most_hosts: most_hosts? })
    })();
    TenantsFrom { settings, header_names: header_names.unwrap_or_default() }
}

/// Makes tenants of documents, by the rules of the file and of what the file already has.
pub(super) struct DocumentCompiler {
    assertion: Option<AssertionNames>,
    /// The names of the tenants of the file, in lower case.
    names: HostIndex,
    /// Their hosts, and the domains of their cookies.
    hosts: Arc<HostTable>,
    cookie_domains: Vec<Host>,
    /// The names that are removed from the requests of every client.
    protected: FoldedNames,
}

impl DocumentCompiler {
    /// The compiler beside these tenants of the file. Documents may have `header_names`, too.
    pub(super) fn beside(
        tenants: &[PartialTenant],
        assertion: Option<AssertionNames>,
        header_names: &[String],
    ) -> Self {
        let (mut names, mut hosts, mut cookie_domains) = (HostIndex::default(), HostTable::default(), Vec::new());
        for (index, tenant) in tenants.iter().enumerate() {
            if let Some(name) = &tenant.name {
                names.replace(&name.as_str().to_ascii_lowercase(), index);
            }
            tenant.hosts.read.iter().for_each(|pattern| hosts.add(pattern, index));
            cookie_domains.extend(tenant.cookie_domain.clone());
        }
        let written = tenants.iter().flat_map(|tenant| tenant.header_names.iter()).chain(header_names);
        let protected = protected(&mut written.map(String::as_str), assertion.as_ref());
        Self { assertion, names, hosts: Arc::new(hosts), cookie_domains, protected }
    }

    /// The compiler beside the tenants of this outline. `None` if it has none for documents.
    pub(super) fn of_outline(outline: &mut Outline, assertion: Option<AssertionNames>) -> Option<Self> {
        let TakenNames { names, cookie_domains } = outline.taken.take()?;
        let cookie_domains = cookie_domains.iter().map(|domain| Host::from_name(domain).ok()).collect::<Option<_>>()?;
        let protected = protected(&mut outline.header_names.iter().map(String::as_str), assertion.as_ref());
        Some(Self { assertion, names, hosts: outline.hosts.clone(), cookie_domains, protected })
    }

    /// Records a mistake if browsers would send cookies of the document's tenant to a tenant of the
    /// file, or the other way round.
    fn compare_hosts(&self, partial: &PartialTenant) {
        if let Some(domain) = &partial.cookie_domain
            && let Some(pattern) = self.hosts.within(domain)
        {
            let message = format!("\"{domain}\" covers \"{pattern}\" of a tenant of the configuration");
            partial.errors.add_once(Code::SHARED, "login.cookie_domain", message);
        }
        for pattern in partial.hosts.read.iter() {
            if let Some(domain) = self.cookie_domains.iter().filter(|domain| covers(domain, pattern)).min() {
                let message =
                    format!("\"{pattern}\" is in \"{domain}\", where a tenant of the configuration has its cookies");
                partial.errors.add_once(Code::SHARED, "hosts", message);
            }
        }
    }
}

/// The names of headers that are removed from the requests of every client: `written`, that of the
/// assertion, and the default ones.
fn protected(written: &mut dyn Iterator<Item = &str>, assertion: Option<&AssertionNames>) -> FoldedNames {
    let own = assertion.map(|assertion| assertion.header.as_str());
    FoldedNames::new(&mut written.map(|name| -> &str { name }).chain(own).chain(DEFAULT_NAMES))
}

/// Whether a secret of the document is `{env: NAME}`.
fn has_variable(document: &Value) -> bool {
    let key = |name| document.get("client_key").and_then(|key| key.get(name));
    let secrets = [document.get("client_secret"), key("pem"), key("jwk")];
    secrets.into_iter().flatten().any(|secret| secret.get("env").is_some())
}

/// Whether a host of the pattern is within the domain.
fn covers(domain: &Host, pattern: &HostPattern) -> bool {
    match pattern {
        HostPattern::Exact(host) => host.is_within(domain),
        HostPattern::Below(below) => below.is_within(domain) || domain.is_within(below),
    }
}

impl TenantCompiler for DocumentCompiler {
    fn compile(&self, document: &Value, env: &Env<'_>) -> CompiledTenant {
        // Whoever signs documents must not read the variables of Envoy, among which are the session
        // keys: the tenant could send them to a server of his own.
        let context = LoadContext { environment: &NoEnvironment, host: env.verifier().trusted };
        let partial = tenant(0, document, context, self.assertion.as_ref(), &Sections::default());
        let errors = &partial.errors;
        if let Some(name) = &partial.name
            && self.names.get(&name.as_str().to_ascii_lowercase()).is_some()
        {
            errors.add(Code::SHARED, "name", "is the name of a tenant of the configuration, which comes first");
        }
        if has_variable(document) {
            let message =
                "a secret of a document cannot be a variable of Envoy; `tenantgate tenants apply` seals its value";
            errors.add(Code::CLIENT, "", message);
        }
        self.compare_hosts(&partial);
        for name in partial.header_names.iter().filter(|name| !self.protected.contains(name)) {
            let message = format!(
                "\"{name}\" is not among `tenants_from.header_names`, so clients of other tenants could send it; \
                 add it there"
            );
            errors.add(Code::HEADERS, "headers", message);
        }
        for name in partial.headers.iter().flat_map(|headers| headers.passed.iter()) {
            if self.protected.contains(name) {
                let message = format!(
                    "\"{name}\" is the name of an identity header of another tenant; a client must not send it"
                );
                errors.add(Code::HEADERS, "headers.pass", message);
            }
        }
        // That the variable has no value here is no news.
        let is_news = |mistake: &ConfigError| !has_variable(document) || mistake.code() != Code::VARIABLE;
        partial.compiled(0, &is_news)
    }
}

/// Omits the names, of which there may be thousands.
impl fmt::Debug for DocumentCompiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocumentCompiler").finish_non_exhaustive()
    }
}

const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
const MIN_INTERVAL: Duration = Duration::from_secs(1);
const MAX_INTERVAL: Duration = Duration::from_secs(60);
/// A tenant of `./build.sh bench documents` takes some 4 KiB in each worker.
const DEFAULT_CACHE: u32 = 1000;
const MIN_CACHE: u32 = 10;
const MAX_CACHE: u32 = 10_000;

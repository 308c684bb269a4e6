//! The command `sign-out`: ends sessions at every replica. The core makes the entry and the calls,
//! as for a sign-out of a person; this command carries the calls out.

mod selection;
mod write;

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::NonEmptyStringValueParser as NonEmpty;
use tenantgate::config::{self, LoadContext, Loaded};
use tenantgate::jose::HostAlgorithms;
use tenantgate::runtime::{ServedTenant, TenantEntry};

use super::configuration::Configured;
use super::etcd::{Reach, password};
use super::secrets::without;
use super::tenants::{self, Given};
use super::variables::{Variables, VmEnvironment};
use super::yaml::Node;
use selection::Selection;
use write::write;

/// Whose sessions end, and where etcd is.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The file with the configuration, as for `check`.
    file: PathBuf,
    /// The tenant.
    #[arg(long, value_name = "NAME", value_parser = NonEmpty::new())]
    tenant: String,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reach: Reach,
    /// A variable where Envoy runs; others come from `--env-file` and from this process.
    #[arg(long, value_name = "NAME=VALUE", value_parser = super::cli::variable)]
    env: Vec<(String, String)>,
    /// A file with lines NAME=VALUE.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

impl Arguments {
    /// What was written, and where.
    pub(crate) fn run(self) -> Result<String, String> {
        let mut configured = Configured::read(&self.file)?;
        self.reach.set_user(&mut configured.node);
        let file = configured.source.name.as_str();
        // What tenants need besides the keys and the user of etcd does not matter here.
        let variables = Variables::new(self.env.clone(), self.env_file.as_deref(), true)?;
        let environment = variables.vm(None, configured.fixed.clone(), &configured.node);
        require(&configured.node, &environment)?;
        let context = LoadContext { environment: &environment, host: HostAlgorithms::ASSUMED };
        let loaded = config::load_value(&configured.node.value(), context)
            .map_err(|errors| format!("{errors}\nthe configuration is refused; `tenantgate check` says more"))?;
        let given = Given { env: &self.env, file: self.env_file.as_deref() };
        let found = match names(&loaded).any(|name| name == self.tenant) {
            true => None,
            false => tenants::found(&self.tenant, &configured, &self.reach, given)?,
        };
        let loaded = found.unwrap_or(loaded);
        let tenant = served(&loaded, &self.tenant).map_err(|problem| format!("{file}: {problem}"))?;
        let store = loaded.runtime.store().ok_or_else(|| format!("{file}: {NO_STORE}"))?;
        let mut etcd = self.reach.servers(&configured.source, SECTION, store.cluster())?;
        let secrets: Vec<String> = password(&configured.node, SECTION, &environment).into_iter().collect();
        let written = write(&loaded.runtime, &tenant, self.selection.sessions(), &mut etcd);
        let until = written.map_err(|problem| without(format!("{}: {problem}", self.tenant), &secrets))?;
        let within = humantime::format_duration(store.interval().saturating_mul(2));
        let (sessions, verb) = self.selection.described(until);
        Ok(format!(
            "{}: {sessions} {verb} at every replica within about {within}; written to {}",
            self.tenant,
            etcd.name()
        ))
    }
}

/// The tenant with this name.
fn served(loaded: &Loaded, wanted: &str) -> Result<Arc<ServedTenant>, String> {
    match loaded.runtime.entries().iter().find(|entry| name(entry) == Some(wanted)) {
        Some(TenantEntry::Served(served)) => return Ok(served.clone()),
        Some(TenantEntry::Broken(_)) => {
            let label = format!("tenant \"{wanted}\"");
            let problem = loaded.problems.iter().find(|problem| problem.tenant() == Some(&label));
            let problem = problem.map_or_else(String::new, ToString::to_string);
            return Err(format!(
                "tenant {wanted:?} has mistakes, so it has no sessions: {problem}; `tenantgate check` says more"
            ));
        }
        None => {}
    }
    let names: Vec<&str> = names(loaded).collect();
    let names = names.join(", ");
    Err(match loaded.runtime.documents() {
        None => format!("there is no tenant {wanted:?}; there are {names}"),
        Some(_) => format!("there is no tenant {wanted:?}, neither in etcd nor in the file, which has {names}"),
    })
}

/// The names of the tenants.
fn names(loaded: &Loaded) -> impl Iterator<Item = &str> {
    loaded.runtime.entries().iter().filter_map(name)
}

fn name(entry: &TenantEntry) -> Option<&str> {
    let name = match entry {
        TenantEntry::Served(served) => Some(&served.model.name),
        TenantEntry::Broken(broken) => broken.name.as_ref(),
    };
    name.map(|name| name.as_str())
}

/// Refuses variables without a value here that a replica needs to read the entry, and etcd to take
/// it.
fn require(configuration: &Node, environment: &VmEnvironment<'_>) -> Result<(), String> {
    let key = configuration.find(&["session", "keys"]).and_then(|keys| keys.elements().first()?.find(&["env"]));
    let password = configuration.find(&["store", "etcd", "password", "env"]);
    let needed = [("session.keys[0]", key), ("store.etcd.password", password)];
    for (path, name) in needed.iter().filter_map(|(path, node)| Some((path, (*node)?.text()?))) {
        if !environment.knows(name) {
            return Err(format!(
                "{path}: environment variable {name:?} is not set here; give it with `--env {name}=…` or `--env-file`"
            ));
        }
    }
    Ok(())
}

/// Where the configuration has the etcd of the store.
const SECTION: &str = "store.etcd";
const NO_STORE: &str = "has no `store`, so replicas do not learn of sign-outs; see `store` in docs/configuration.md";

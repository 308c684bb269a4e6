//! The command `probe`: asks a provider whether it is as the configuration says. The filter makes
//! the requests of a login; this command carries them out. Envoy is not asked.

mod certificate;
mod client_secret;
mod clock;
mod documents;
mod finding;
mod handshake;
mod keys;
mod metadata;
mod page;
mod redirect_uri;
mod report;
mod support;
mod tenant;
mod tls;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use serde_json::Value;
use tenantgate::config::{self, LoadContext, Loaded};
use tenantgate::jose::HostAlgorithms;
use tenantgate::runtime::TenantEntry;
use tenantgate::tenant::ClientAuthentication;

use super::client::{Client, ConnectTo, Trust};
use super::configuration::Configured;
use super::secrets::without;
use super::variables::{Variables, VmEnvironment};
use super::yaml::Node;
use finding::{Finding, Severity};
use report::Report;
use tenant::TenantProbe;

/// What to ask, and how.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The file with the configuration, as for `check`.
    file: PathBuf,
    /// Only this tenant.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// A variable where Envoy runs; others come from `--env-file` and from this process.
    #[arg(long, value_name = "NAME=VALUE", value_parser = super::cli::variable)]
    env: Vec<(String, String)>,
    /// A file with lines NAME=VALUE.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// The certificates of the authorities that are trusted, in PEM; by default those of this
    /// system.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Connect to another address for this host and port, as curl does; may be repeated.
    #[arg(long, value_name = "HOST:PORT:ADDRESS:PORT")]
    connect_to: Vec<ConnectTo>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// The output, and whether there is no error.
    pub(crate) fn run(self) -> Result<(String, bool), String> {
        let configured = Configured::read(&self.file)?;
        let variables = Variables::new(self.env, self.env_file.as_deref(), true)?;
        let environment = variables.vm(None, configured.fixed.clone(), &configured.node);
        let context = LoadContext { environment: &environment, host: HostAlgorithms::ASSUMED };
        let loaded = config::load_value(&configured.node.value(), context)
            .map_err(|errors| format!("{errors}\nthe configuration is refused; `tenantgate check` says more"))?;
        let client = Client::new(Trust::new(self.ca.as_deref())?, None, self.connect_to);
        let mut secrets = Vec::new();
        let mut reports = Vec::new();
        for (index, entry) in loaded.runtime.entries().iter().enumerate() {
            let name = name(entry);
            if self.tenant.as_ref().is_some_and(|wanted| *wanted != name) {
                continue;
            }
            let (issuer, findings) = match entry {
                TenantEntry::Broken(_) => (String::new(), mistakes(&loaded, &name)),
                TenantEntry::Served(served) => {
                    let tenant = served.model.clone();
                    if let ClientAuthentication::Basic(secret) | ClientAuthentication::Post(secret) =
                        &tenant.client.authentication
                    {
                        secrets.push(secret.expose_secret().clone());
                    }
                    let configuration = alone(&configured.node.value(), index);
                    let unknown = unknown(&configured.node, index, &environment);
                    let issuer = tenant.issuer.clone();
                    let probe =
                        TenantProbe { client: &client, environment: &environment, configuration, tenant, unknown };
                    (issuer, probe.findings())
                }
            };
            reports.push(Report { tenant: name, issuer, findings });
        }
        if reports.is_empty() {
            let wanted = self.tenant.unwrap_or_default();
            return Err(format!("{}: there is no tenant {wanted:?}", configured.source.name));
        }
        let mut found = reports.iter().flat_map(|report| &report.findings);
        let good = !found.any(|one| one.severity == Severity::Error);
        let output = match self.json {
            true => format!("{:#}\n", report::json(&reports)),
            false => report::text(&reports, io::stdout().is_terminal()),
        };
        Ok((without(output, &secrets), good))
    }
}

fn name(entry: &TenantEntry) -> String {
    let name = match entry {
        TenantEntry::Served(served) => Some(&served.model.name),
        TenantEntry::Broken(broken) => broken.name.as_ref(),
    };
    name.map_or_else(String::new, ToString::to_string)
}

/// What is wrong in the configuration of a tenant that does not serve.
fn mistakes(loaded: &Loaded, name: &str) -> Vec<Finding> {
    let of_tenant = |problem: &&config::ConfigError| problem.tenant() == Some(&format!("tenant \"{name}\""));
    let problems = loaded.problems.iter().filter(of_tenant);
    let found =
        problems.map(|problem| Finding::error("configuration", format!("{}: {}", problem.path(), problem.message())));
    found.chain([Finding::warning("configuration", "nothing was asked; `tenantgate check` says more")]).collect()
}

/// The configuration with this tenant only.
fn alone(configuration: &Value, index: usize) -> Value {
    let mut configuration = configuration.clone();
    if let Some(tenants) = configuration.get_mut("tenants").and_then(Value::as_array_mut) {
        *tenants = tenants.get(index).cloned().into_iter().collect();
    }
    configuration
}

/// The variable with the secret or key of the client, if it has no value here.
fn unknown(configuration: &Node, index: usize, environment: &VmEnvironment<'_>) -> Option<String> {
    let tenant = configuration.get("tenants")?.elements().get(index)?;
    let fields: [&[&str]; 3] =
        [&["client_secret", "env"], &["client_key", "pem", "env"], &["client_key", "jwk", "env"]];
    let names = fields.iter().filter_map(|field| tenant.find(field)?.text());
    names.map(str::to_owned).find(|name| !environment.knows(name))
}

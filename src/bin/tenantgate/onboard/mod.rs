//! The command `onboard`: what a new tenant needs, here and at its provider.

mod addresses;
mod facts;
mod provider;
mod sheet;
mod tenant;
mod text;

use clap::ValueEnum;

use crate::render;
use addresses::Addresses;
use facts::Facts;
use provider::{Issuer, Provider, parse};

/// A new tenant.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The issuer of the customer.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// A host of the tenant; may be repeated. With `*.acme.example.com` name an exact host, too.
    #[arg(long, required = true)]
    host: Vec<String>,
    /// The provider, where the issuer does not tell it.
    #[arg(long, value_enum)]
    provider: Option<Provider>,
    /// The name of the tenant; by default the first label of the host.
    #[arg(long)]
    name: Option<String>,
    /// The client id, as far as it is known.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// For Google: the Workspace domain whose users may sign in.
    #[arg(long)]
    domain: Option<String>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The tenant, the cluster, the variables, and what to register at the provider.
    Text,
    /// A whole configuration with the tenant, for `check` and `render`.
    Yaml,
    /// A page in Markdown, to send to the customer.
    Sheet,
}

/// A new tenant with all that follows from its issuer and hosts.
struct Onboarding {
    name: String,
    hosts: Vec<String>,
    issuer: Issuer,
    provider: Provider,
    facts: Facts,
    client_id: Option<String>,
    domain: Option<String>,
    addresses: Addresses,
}

impl Arguments {
    /// The output. Nothing is asked of the network.
    pub(crate) fn run(self) -> Result<String, String> {
        let format = self.format;
        let onboarding = Onboarding::new(self)?;
        // What is printed has to be what the filter takes.
        let yaml = onboarding.yaml();
        let (clusters, variables) = render::clusters_and_variables(&yaml)?;
        Ok(match format {
            Format::Yaml => yaml,
            Format::Text => onboarding.text(&clusters, &variables),
            Format::Sheet => onboarding.sheet(),
        })
    }
}

impl Onboarding {
    fn new(arguments: Arguments) -> Result<Self, String> {
        let provider = match arguments.provider {
            Some(provider) => provider,
            None => Provider::of(&parse(&arguments.issuer)?),
        };
        let issuer = provider.issuer(&arguments.issuer)?;
        let facts = Facts::of(provider, &issuer.text);
        let addresses = Addresses::new(&arguments.host, &facts)?;
        if provider == Provider::Google && arguments.domain.is_none() {
            return Err(
                "everybody with a Google account has this issuer: name the Workspace domain whose users may sign in, \
                        `--domain acme.example`"
                    .to_owned(),
            );
        }
        let first = addresses.host.split('.').next().unwrap_or_default().to_owned();
        Ok(Self {
            name: arguments.name.unwrap_or(first),
            hosts: arguments.host,
            issuer,
            provider,
            facts,
            client_id: arguments.client_id,
            domain: arguments.domain,
            addresses,
        })
    }

    /// The variable with the client secret.
    fn secret_variable(&self) -> String {
        self.variable("CLIENT_SECRET")
    }

    /// A variable of this tenant.
    fn variable(&self, suffix: &str) -> String {
        let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let name: String = self.name.chars().map(word).collect();
        let begins_with_digit = name.starts_with(|c: char| c.is_ascii_digit());
        format!("{}{name}_{suffix}", if begins_with_digit { "_" } else { "" })
    }

    /// The claim with the groups.
    fn groups_claim(&self) -> Option<String> {
        match self.facts.groups {
            facts::Groups::None => None,
            facts::Groups::Claim(name) => Some(name.to_owned()),
            facts::Groups::Url(path) => Some(format!("https://{}{path}", self.addresses.host)),
        }
    }
}

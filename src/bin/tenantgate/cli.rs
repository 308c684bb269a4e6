//! The commands of the tool, and their output.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Parser, Subcommand};
use serde_json::Value;
use tenantgate::access::warnings;
use tenantgate::config;
use tenantgate::config::{Environment, LoadContext, Loaded};
use tenantgate::jose::HostAlgorithms;
use tenantgate::runtime::TenantEntry;
use tenantgate::seal::SealingKey;

use super::audiences::shared_audiences;
use super::scopes::scope_warnings;
use super::spellings::spellings;

/// Multi-tenant OpenID Connect at the edge: the command-line tool of the filter.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Report every mistake in a configuration, and the hosts that it serves.
    Check {
        /// The configuration, as YAML or JSON; `-` reads standard input.
        file: PathBuf,
        /// A variable that the VM has; other variables come from this process.
        #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
        env: Vec<(String, String)>,
        /// Show who gets in by this path, and by other spellings of it.
        #[arg(long, value_name = "PATH")]
        path: Vec<String>,
        /// The method of the requests that `--path` shows.
        #[arg(long, value_name = "METHOD", default_value = "GET")]
        method: String,
    },
    /// Print the JSON Schema of the configuration.
    Schema,
    /// Print a new session key: 32 random bytes in base64.
    SessionKey,
}

/// Runs the tool. The exit code is 0 on success, 1 if the configuration has mistakes, and 2 if the
/// command failed.
pub(crate) fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Check { file, env, path, method } => check(&file, env, &path, &method),
        Command::Schema => print(SCHEMA).map(|()| true),
        Command::SessionKey => session_key().and_then(|key| print(&key)).map(|()| true),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "tenantgate: {error}");
            ExitCode::from(2)
        }
    }
}

/// Prints the mistakes, warnings and hosts. Returns `true` if the configuration has no mistake.
fn check(file: &Path, variables: Vec<(String, String)>, paths: &[String], method: &str) -> Result<bool, String> {
    let text = if file == Path::new("-") { io::read_to_string(io::stdin()) } else { fs::read_to_string(file) };
    let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
    // JSON is valid YAML, but the filter reads the JSON of Envoy with a strict JSON reader. The
    // tool uses the same reader.
    let environment = Variables(variables.into_iter().collect());
    // Envoy can verify every algorithm that a host may support.
    let context = LoadContext { environment: &environment, host: HostAlgorithms::ASSUMED };
    let loaded = if text.trim_start().starts_with('{') {
        config::load(text.as_bytes(), context)
    } else {
        let value: Value = serde_saphyr::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        config::load_value(&value, context)
    };
    match loaded {
        Ok(loaded) => report(&loaded, paths, method),
        Err(errors) => {
            print(&format!("{errors}\nrefused: Envoy would reject this configuration"))?;
            Ok(false)
        }
    }
}

fn report(loaded: &Loaded, paths: &[String], method: &str) -> Result<bool, String> {
    let mut problems: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    problems.extend(loaded.runtime.entries().iter().filter_map(public_cookie_domain));
    for problem in &problems {
        print(problem)?;
    }
    for entry in loaded.runtime.entries() {
        let (name, hosts, state) = match entry {
            TenantEntry::Served(tenant) => (Some(&tenant.model.name), &tenant.model.hosts, "serves"),
            TenantEntry::Broken(tenant) => (tenant.name.as_ref(), &tenant.hosts, "answers 503 on"),
        };
        let name = name.map_or_else(|| "a tenant without a name".to_owned(), |name| format!("tenant \"{name}\""));
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        print(&format!("{name} {state} {}", if hosts.is_empty() { "no host".to_owned() } else { hosts.join(", ") }))?;
        if let TenantEntry::Served(tenant) = entry {
            let about_rules = warnings(&tenant.model).into_iter().map(|warning| warning.to_string());
            for warning in about_rules.chain(scope_warnings(&tenant.model)) {
                print(&format!("warning: {name}: {warning}"))?;
            }
            for path in paths {
                for line in spellings(&tenant.model, path, method)? {
                    print(&line)?;
                }
            }
        }
    }
    let served = loaded.runtime.entries().iter().filter_map(|entry| match entry {
        TenantEntry::Served(tenant) => Some(&*tenant.model),
        TenantEntry::Broken(_) => None,
    });
    for warning in shared_audiences(&served.collect::<Vec<_>>()) {
        print(&format!("warning: {warning}"))?;
    }
    Ok(problems.is_empty())
}

/// The mistake of a tenant whose cookie domain is a public suffix, such as `co.uk`. Browsers refuse
/// cookies for those (RFC 6265 section 5.3). The module has no list of them.
fn public_cookie_domain(entry: &TenantEntry) -> Option<String> {
    let TenantEntry::Served(tenant) = entry else { return None };
    let domain = tenant.model.login.cookie_domain.as_ref()?.domain.as_str();
    psl::suffix(domain.as_bytes()).filter(|suffix| suffix.is_known() && suffix.as_bytes() == domain.as_bytes())?;
    let name = &tenant.model.name;
    Some(format!(
        "tenant \"{name}\": login.cookie_domain: \"{domain}\" is a public suffix, so browsers would refuse its cookies; \
         name a domain below it"
    ))
}

fn session_key() -> Result<String, String> {
    let mut key = [0; SealingKey::LENGTH];
    #[expect(clippy::disallowed_methods, reason = "the tool is no part of the core")]
    getrandom::fill(&mut key).map_err(|error| format!("no random bytes: {error}"))?;
    Ok(STANDARD.encode(key))
}

/// Prints one line. A closed pipe is an error, not a panic.
fn print(line: &str) -> Result<(), String> {
    writeln!(io::stdout(), "{}", line.trim_end()).map_err(|error| error.to_string())
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The environment variables: those of `--env`, and then those of this process.
struct Variables(HashMap<String, String>);

impl Environment for Variables {
    #[expect(clippy::disallowed_methods, reason = "the tool is no part of the core")]
    fn var(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned().or_else(|| std::env::var(name).ok())
    }
}

const SCHEMA: &str = include_str!("../../config/schema.json");

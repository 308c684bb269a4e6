//! The commands of the tool, and their output.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use tenantgate::config::Code;
use tenantgate::seal::SealingKey;

use super::check::Check;
use super::report::Format;
use super::variables::Variables;
use super::{codes, explain, onboard, probe, render, schema, sign_out, tenants};

/// Multi-tenant OpenID Connect at the edge: the command-line tool of the filter.
#[derive(Parser)]
#[command(version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Report every mistake in a configuration, and the hosts that it serves.
    ///
    /// A file is an Envoy bootstrap, a resource of the xDS APIs, a WasmPlugin, TrafficExtension or
    /// EnvoyFilter of Istio, an EnvoyExtensionPolicy of Envoy Gateway, or the configuration alone.
    Check {
        /// The files, as YAML or JSON; `-` reads standard input, and a folder stands for the files
        /// in it and below.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// A variable where Envoy runs; others come from `--env-file` and from this process.
        #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
        env: Vec<(String, String)>,
        /// A file with lines NAME=VALUE.
        #[arg(long, value_name = "FILE")]
        env_file: Option<PathBuf>,
        /// Take variables without a value for set, for a check without secrets.
        #[arg(long)]
        assume_env: bool,
        /// How to print what is found.
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
        /// Fail for what is found of this severity, too.
        #[arg(long, value_enum, value_name = "SEVERITY")]
        deny: Option<Denied>,
        /// Leave out warnings with this code, such as TG240.
        #[arg(long, value_name = "CODE", value_parser = code)]
        allow: Vec<Code>,
        /// Show who gets in by this path, and by other spellings of it.
        #[arg(long, value_name = "PATH")]
        path: Vec<String>,
        /// The method of the requests that `--path` shows.
        #[arg(long, value_name = "METHOD", default_value = "GET")]
        method: String,
    },
    /// Explain what happens to a request: the tenant, each rule, the decision, the headers.
    ///
    /// The filter itself decides; the provider is simulated, and secrets are not needed. Without a
    /// person, a token or a cookie the request is anonymous.
    Explain(Box<explain::Arguments>),
    /// Ask the providers of the tenants whether they are as the configuration says.
    ///
    /// Metadata, keys, clock, redirect URI, secret, TLS: over the network, with the requests that
    /// the filter makes. Nobody is signed in, and Envoy is not asked.
    Probe(Box<probe::Arguments>),
    /// Print what a new tenant needs: its configuration, and what to register at its provider.
    ///
    /// Nothing is asked of the network; `probe` does that.
    Onboard(Box<onboard::Arguments>),
    /// Print whole manifests that are made of one tenants file.
    #[command(subcommand)]
    Render(render::Arguments),
    /// End sessions of a tenant at every replica, through the etcd that they have in common.
    ///
    /// It needs a configuration with `store`, and its first session key.
    SignOut(Box<sign_out::Arguments>),
    /// Write, read and delete tenants in etcd: tenants without a push to Envoy.
    ///
    /// They need a configuration with `tenants_from`.
    #[command(subcommand)]
    Tenants(Box<tenants::Arguments>),
    /// Print the JSON Schema of the configuration.
    Schema,
    /// Print a new session key: 32 random bytes in base64.
    SessionKey,
    /// Print the script with which a shell completes the commands and options.
    ///
    /// For bash: `source <(tenantgate completions bash)`.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the name and the version.
    Version,
    /// Explain the code of a finding, such as TG014, or the commands.
    Help {
        /// A code, or the name of a command.
        topic: Option<String>,
    },
}

/// A severity that makes a check fail besides errors.
#[derive(Clone, Copy, ValueEnum)]
enum Denied {
    /// Warnings fail the check.
    Warnings,
}

/// Runs the tool. The exit code is 0 on success, 1 if something was found, such as mistakes in the
/// configuration, and 2 if the command failed.
pub(crate) fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Check { files, env, env_file, assume_env, format, deny, allow, path, method } => {
            Variables::new(env, env_file.as_deref(), assume_env).and_then(|variables| {
                let deny_warnings = deny.is_some();
                let check =
                    Check { paths: files, variables, format, deny_warnings, allowed: allow, requests: path, method };
                let (output, good) = check.run()?;
                print(&output).map(|()| good)
            })
        }
        Command::Explain(arguments) => arguments.run().and_then(|(output, good)| print(&output).map(|()| good)),
        Command::Probe(arguments) => arguments.run().and_then(|(output, good)| print(&output).map(|()| good)),
        Command::Onboard(arguments) => arguments.run().and_then(|output| print(&output)).map(|()| true),
        Command::Render(arguments) => arguments.run().and_then(|output| print(&output)).map(|()| true),
        Command::SignOut(arguments) => arguments.run().and_then(|output| print(&output)).map(|()| true),
        Command::Tenants(arguments) => arguments.run(),
        Command::Help { topic } => help(topic.as_deref()),
        Command::Schema => print(schema::TEXT).map(|()| true),
        Command::SessionKey => session_key().and_then(|key| print(&key)).map(|()| true),
        Command::Completions { shell } => print(&completions(shell)).map(|()| true),
        Command::Version => print(concat!("tenantgate ", env!("CARGO_PKG_VERSION"))).map(|()| true),
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

/// Prints the explanation of a code, or the help of a command. Returns `false` if there is none.
fn help(topic: Option<&str>) -> Result<bool, String> {
    let mut arguments = Arguments::command();
    let Some(topic) = topic else {
        return print(&arguments.render_long_help().to_string()).map(|()| true);
    };
    if let Some(command) = arguments.find_subcommand_mut(topic) {
        return print(&command.render_long_help().to_string()).map(|()| true);
    }
    match codes::parse(topic).and_then(|code| Some((code, codes::find(code)?))) {
        Some((code, known)) => print(&format!("{code}: {}\n\n{}", known.title, known.text)).map(|()| true),
        None => Err(format!("{topic:?} is neither a code nor a command; `tenantgate help` lists the commands")),
    }
}

fn session_key() -> Result<String, String> {
    let mut key = [0; SealingKey::LENGTH];
    #[expect(clippy::disallowed_methods, reason = "the tool is no part of the core")]
    getrandom::fill(&mut key).map_err(|error| format!("no random bytes: {error}"))?;
    Ok(STANDARD.encode(key))
}

fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tenantgate", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Prints one line. A closed pipe is an error, not a panic.
fn print(line: &str) -> Result<(), String> {
    writeln!(io::stdout(), "{}", line.trim_end()).map_err(|error| error.to_string())
}

fn code(text: &str) -> Result<Code, String> {
    let known = codes::parse(text).filter(|code| codes::find(*code).is_some());
    known.ok_or_else(|| "there is no such code; it is written as TG240".to_owned())
}

/// Reads the value of `--env`.
pub(crate) fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

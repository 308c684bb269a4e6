//! The command `explain`: what happens to a request, and why. It asks the filter itself; the
//! provider is simulated.

mod arguments;
mod cases;
mod person;
mod rules;
mod simulation;
mod token;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tenantgate::base::event::LogLine;
use tenantgate::config::{self, ConfigErrors, LoadContext, Loaded};
use tenantgate::http::host::Host;
use tenantgate::http::reply::LocalReply;
use tenantgate::jose::HostAlgorithms;
use tenantgate::runtime::TenantEntry;
use tenantgate::upstream::HeaderEdit;

use super::browser::{Outcome, Request};
use super::configuration::Configured;
use super::variables::{Variables, VmEnvironment};
use super::yaml::Node;
use simulation::{Simulation, simulated};

pub(crate) use arguments::Arguments;
pub(crate) use cases::run_cases;
pub(crate) use person::{Identity, Person};

/// A configuration whose requests can be explained.
pub(crate) struct Explainer {
    configuration: Value,
    node: Node,
    variables: Variables,
    /// The public keys for bearer tokens, where the tenant fetches them.
    jwks: Option<Value>,
}

/// What happens to a request.
pub(crate) struct Explanation {
    /// The tenant, the rules and the checks of a token.
    pub(crate) reasons: Vec<String>,
    pub(crate) verdict: Verdict,
}

/// The end of a request.
pub(crate) enum Verdict {
    /// The upstream gets it with these headers.
    Forwarded { set: Vec<(String, String)>, removed: Vec<String> },
    /// The client gets this reply.
    Replied { status: u16, location: Option<String>, reasons: Vec<String> },
}

impl Explainer {
    /// Reads the first configuration in the file. Variables that are not known do not matter here.
    pub(crate) fn read(file: &Path, variables: Variables, jwks: Option<&Path>) -> Result<Self, String> {
        let configured = Configured::read(file)?;
        let jwks = jwks.map(read_json).transpose()?;
        Ok(Self { configuration: configured.node.value(), node: configured.node, variables, jwks })
    }

    /// Explains one request.
    pub(crate) fn explain(&self, request: &Request, identity: &Identity) -> Result<Explanation, String> {
        let vm = self.variables.vm(None, std::collections::HashMap::new(), &self.node);
        let loaded = load(&self.configuration, &vm)
            .map_err(|errors| format!("{errors}\nthe configuration is refused; `tenantgate check` says more"))?;
        let host = Host::from_name(&request.host).map_err(|_| format!("{:?} is no host", request.host))?;
        let Some(entry) = loaded.runtime.select(&host) else {
            if loaded.runtime.documents().is_some() {
                return Err(format!(
                    "no tenant of the file has the host {host}, and tenants in etcd are not asked; to explain one, write \
                     it into `tenants`"
                ));
            }
            let reasons = vec![format!("no tenant has the host {host}")];
            return Ok(self.outcome(reasons, send(loaded, request)));
        };
        let (TenantEntry::Served(served), Some(index)) = (entry, position(&loaded, entry)) else {
            let mut reasons = vec![format!("the tenant of {host} has mistakes, so it answers 503")];
            reasons.extend(loaded.problems.iter().map(ToString::to_string));
            return Ok(self.outcome(reasons, send(loaded, request)));
        };
        let tenant = served.model.clone();
        let mut reasons = vec![format!("tenant \"{}\" has the host {host}", tenant.name)];
        reasons.extend(rules::rules(&self.configuration, index, &host, request, &vm));
        let outcome = match identity {
            Identity::Anonymous => send(loaded, request),
            Identity::Cookie(file) => {
                let cookie = read_text(file)?;
                send(loaded, &with_header(request, "cookie", cookie.trim().trim_start_matches("Cookie: ")))
            }
            Identity::Token(file) => {
                let token = read_text(file)?;
                reasons.extend(token::compare(token.trim(), &tenant));
                let configuration = self.with_keys(index, served.model.provider.source.is_some())?;
                let loaded = load(&configuration, &vm).map_err(|errors| errors.to_string())?;
                let header = format!("Bearer {}", token.trim());
                send(loaded, &with_header(request, "authorization", &header))
            }
            Identity::Session(person) => {
                let claims = person.id_token_claims(&tenant.identity);
                let (configuration, key) = simulated(&self.configuration, index, &tenant.issuer);
                let loaded = load(&configuration, &vm).map_err(|errors| errors.to_string())?;
                let mut simulation = Simulation::new(Arc::new(loaded.runtime.without_store()), key);
                match simulation.sign_in(&tenant, &request.host, &claims) {
                    Ok(()) => simulation.send(request),
                    Err(outcome) => {
                        reasons.push("the login of this person is refused".to_owned());
                        *outcome
                    }
                }
            }
        };
        Ok(self.outcome(reasons, outcome))
    }

    /// The configuration with the keys of `--jwks` for the tenant. Fetched keys are not known here.
    fn with_keys(&self, tenant: usize, fetches: bool) -> Result<Value, String> {
        let mut configuration = self.configuration.clone();
        let Some(jwks) = &self.jwks else {
            let missing = "the keys of this tenant are fetched from its provider; give them with `--jwks FILE`: the \
                           answer of its `jwks_uri`";
            return if fetches { Err(missing.to_owned()) } else { Ok(configuration) };
        };
        let (simulated, _) = simulated(&configuration, tenant, "https://not-asked.invalid");
        let section = |value: &Value, name: &str| value.get("tenants")?.get(tenant)?.get(name).cloned();
        let provider = section(&simulated, "provider").unwrap_or_default();
        if let Some(tenant) = configuration.get_mut("tenants").and_then(|all| all.get_mut(tenant)?.as_object_mut()) {
            tenant.insert("keys".to_owned(), json!([{ "jwks": jwks }]));
            tenant.insert("provider".to_owned(), provider);
        }
        Ok(configuration)
    }

    fn outcome(&self, reasons: Vec<String>, outcome: Outcome) -> Explanation {
        let verdict = match outcome {
            Outcome::Forwarded(edits) => {
                let mut set = Vec::new();
                let mut removed = Vec::new();
                for edit in edits {
                    match edit {
                        HeaderEdit::Remove(name) => removed.push(name),
                        HeaderEdit::Set(name, value) | HeaderEdit::Add(name, value) => {
                            set.push((name, String::from_utf8_lossy(&value).into_owned()));
                        }
                    }
                }
                Verdict::Forwarded { set, removed }
            }
            Outcome::Replied(LocalReply { status, headers, log, .. }) => {
                let location = headers.into_iter().find(|(name, _)| *name == "location").map(|(_, value)| value);
                // The nonce, the state and the challenge of a login tell nothing.
                let location = location.map(|url| url.split('?').next().unwrap_or_default().to_owned());
                Verdict::Replied { status, location, reasons: log.into_iter().map(reason).collect() }
            }
            // A request with a token has the keys, so it is a login that waits.
            Outcome::AwaitsDocuments => {
                let reasons = vec!["login_started: sent to the issuer, whose metadata name the address".to_owned()];
                Verdict::Replied { status: 302, location: None, reasons }
            }
        };
        Explanation { reasons, verdict }
    }
}

impl Explanation {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for reason in &self.reasons {
            let _ = writeln!(out, "{reason}");
        }
        match &self.verdict {
            Verdict::Forwarded { set, removed } => {
                let with = if set.is_empty() { "" } else { ", with" };
                let _ = writeln!(out, "forwarded to the upstream{with}");
                for (name, value) in set {
                    let _ = writeln!(out, "  {name}: {value}");
                }
                if !removed.is_empty() {
                    let _ = writeln!(out, "and without {}", removed.join(", "));
                }
            }
            Verdict::Replied { status, location, reasons } => {
                let to = location.as_ref().map_or_else(String::new, |url| format!(" to {url}"));
                let _ = writeln!(out, "answered with {status}{to}");
                for reason in reasons {
                    let _ = writeln!(out, "  {reason}");
                }
            }
        }
        out
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        match &self.verdict {
            Verdict::Forwarded { set, removed } => json!({
                "decision": "allow", "reasons": self.reasons, "removed": removed,
                "headers": set.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
            }),
            Verdict::Replied { status, location, reasons } => json!({
                "decision": self.decision(), "status": status, "location": location,
                "reasons": self.reasons.iter().chain(reasons).collect::<Vec<_>>(),
            }),
        }
    }

    /// `allow`, `login` for a redirect to the provider, or `deny`.
    pub(crate) fn decision(&self) -> &'static str {
        match &self.verdict {
            Verdict::Forwarded { .. } => "allow",
            Verdict::Replied { status: 302, .. } => "login",
            Verdict::Replied { .. } => "deny",
        }
    }
}

/// The event of a log line and its reason, without the identifier of the request.
fn reason(line: LogLine) -> String {
    let reason = line.text.split_once(": ").map_or("", |(_, reason)| reason);
    format!("{}: {reason}", line.event.name())
}

fn send(loaded: Loaded, request: &Request) -> Outcome {
    let key = ed25519_dalek::SigningKey::from_bytes(&[0; 32]);
    Simulation::new(Arc::new(loaded.runtime.without_store()), key).send(request)
}

fn with_header(request: &Request, name: &str, value: &str) -> Request {
    let mut request = request.clone();
    request.headers.push((name.to_owned(), value.to_owned()));
    request
}

fn position(loaded: &Loaded, entry: &TenantEntry) -> Option<usize> {
    loaded.runtime.entries().iter().position(|other| std::ptr::eq(other, entry))
}

fn load(configuration: &Value, vm: &VmEnvironment<'_>) -> Result<Loaded, ConfigErrors> {
    config::load_value(configuration, LoadContext { environment: vm, host: HostAlgorithms::NONE })
}

fn read_text(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn read_json(file: &Path) -> Result<Value, String> {
    serde_json::from_str(&read_text(file)?).map_err(|error| format!("{}: is not JSON: {error}", file.display()))
}

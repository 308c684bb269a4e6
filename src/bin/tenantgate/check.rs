//! The command `check`: reads files, finds the gates in them, and reports what is wrong.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use tenantgate::config::{self, Code, ConfigError, ConfigErrors, LoadContext, Loaded};
use tenantgate::jose::HostAlgorithms;
use tenantgate::runtime::TenantEntry;

use super::codes;
use super::diagnostic::{Diagnostic, Severity};
use super::gate::{Configuration, Gate, gates};
use super::lints;
use super::remedies::{improve, missed_by};
use super::report::{self, FileReport, Format};
use super::source::{Source, SourceError, files};
use super::spellings::spellings;
use super::variables::{Variables, VmEnvironment};
use super::yaml::{Node, documents};

/// What the user asks for.
pub(crate) struct Check {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) variables: Variables,
    pub(crate) format: Format,
    /// Whether a warning is as bad as an error.
    pub(crate) deny_warnings: bool,
    /// The paths of requests whose spellings are shown, with this method.
    pub(crate) requests: Vec<String>,
    pub(crate) method: String,
}

impl Check {
    /// The output, and whether the files are in order.
    pub(crate) fn run(&self) -> Result<(String, bool), String> {
        let mut reports = Vec::new();
        for path in &self.paths {
            let found = files(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let in_folder = path.is_dir();
            for file in &found {
                reports.extend(self.file(file, in_folder)?);
            }
            if in_folder && reports.is_empty() {
                return Err(format!("{}: no file in it has a configuration of Tenantgate", path.display()));
            }
        }
        let worst = if self.deny_warnings { Severity::Warning } else { Severity::Error };
        let mut found = reports.iter().flat_map(|file| &file.diagnostics);
        let good = !found.any(|one| one.severity <= worst);
        let colors = self.format == Format::Human && io::stdout().is_terminal();
        Ok((report::write(self.format, &reports, colors), good))
    }

    /// The report about one file. `None` for a file of a folder that has no part of the gate.
    fn file(&self, path: &Path, in_folder: bool) -> Result<Option<FileReport>, String> {
        let source = match Source::read(path) {
            Ok(source) => source,
            Err(SourceError::Unreadable(problem)) => return Err(problem),
            Err(SourceError::Encoding(problem)) => {
                let source = Source { name: path.display().to_string(), text: String::new() };
                let diagnostics = vec![Diagnostic::split(codes::ENCODING, &problem)];
                return Ok(Some(FileReport { source, secrets: None, diagnostics, summary: Vec::new() }));
            }
        };
        let mut diagnostics = Vec::new();
        let mut summary = Vec::new();
        let mut has_gate = false;
        let mut secrets = Some(Vec::new());
        for document in documents(&source.text) {
            match document {
                Err(error) => {
                    secrets = None;
                    diagnostics.push(syntax(&source, error.span, &error.message));
                }
                Ok(document) => {
                    secrets.iter_mut().for_each(|known| known.extend(super::secrets::spans(&document)));
                    let gates = gates(&document, &source.text);
                    if !gates.is_empty() {
                        diagnostics.extend(lints::yaml(&document, &source));
                    }
                    for gate in &gates {
                        has_gate = true;
                        self.gate(gate, &source, &mut diagnostics, &mut summary)?;
                    }
                }
            }
        }
        if !has_gate && in_folder {
            return Ok(None);
        }
        if !has_gate && diagnostics.is_empty() {
            let message = "has no configuration of Tenantgate; name a file with `tenants`, with Envoy's Wasm filter, or \
                           with a manifest of Istio or Envoy Gateway for it";
            diagnostics.push(Diagnostic::split(codes::NO_GATE, message));
        }
        diagnostics.sort_by_key(|found| found.span.as_ref().map(|span| span.start));
        Ok(Some(FileReport { source, secrets, diagnostics, summary }))
    }

    fn gate(
        &self,
        gate: &Gate<'_>,
        source: &Source,
        diagnostics: &mut Vec<Diagnostic>,
        summary: &mut Vec<String>,
    ) -> Result<(), String> {
        let Some(configuration) = &gate.configuration else {
            let message = "has no configuration; the gate needs at least `session` and `tenants`";
            diagnostics.push(Diagnostic::split(codes::NO_GATE, message).span(pointed(gate.plugin, source)));
            return Ok(());
        };
        let vm = self.variables.vm(gate.handed.clone(), gate.fixed.clone(), &configuration.node);
        let found = match load(configuration, &vm) {
            Ok(loaded) => {
                summary.extend(self.tenants(&loaded)?);
                mistakes(loaded.problems.iter(), configuration, gate, &vm, source)
                    .chain(place(lints::loaded(&loaded), configuration, source))
                    .collect::<Vec<_>>()
            }
            Err(errors) => {
                summary.push("refused: Envoy would reject this configuration".to_owned());
                mistakes(errors.iter(), configuration, gate, &vm, source).collect()
            }
        };
        diagnostics.extend(found);
        Ok(())
    }

    /// What each tenant does, and who gets in by the paths that were asked for.
    fn tenants(&self, loaded: &Loaded) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        for entry in loaded.runtime.entries() {
            let (name, hosts, state) = match entry {
                TenantEntry::Served(tenant) => (Some(&tenant.model.name), &tenant.model.hosts, "serves"),
                TenantEntry::Broken(tenant) => (tenant.name.as_ref(), &tenant.hosts, "answers 503 on"),
            };
            let name = name.map_or_else(|| "a tenant without a name".to_owned(), |name| format!("tenant \"{name}\""));
            let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
            let hosts = if hosts.is_empty() { "no host".to_owned() } else { hosts.join(", ") };
            lines.push(format!("{name} {state} {hosts}"));
            if let TenantEntry::Served(tenant) = entry {
                for path in &self.requests {
                    lines.extend(spellings(&tenant.model, path, &self.method)?);
                }
            }
        }
        Ok(lines)
    }
}

fn load(configuration: &Configuration, vm: &VmEnvironment<'_>) -> Result<Loaded, ConfigErrors> {
    // Envoy can verify every algorithm that a host may support.
    let context = LoadContext { environment: vm, host: HostAlgorithms::ASSUMED };
    match &configuration.json {
        Some(json) => config::load(json.text.as_bytes(), context),
        None => config::load_value(&configuration.node.value(), context),
    }
}

/// The mistakes with their places. One cause is one finding: what is missing only because a field
/// stands at another place is left out.
fn mistakes<'a>(
    errors: impl Iterator<Item = &'a ConfigError> + Clone,
    configuration: &'a Configuration,
    gate: &'a Gate<'_>,
    vm: &'a VmEnvironment<'_>,
    source: &'a Source,
) -> impl Iterator<Item = Diagnostic> {
    let unknown = errors.clone().filter(|error| error.code() == Code::UNKNOWN_FIELD);
    let missed: Vec<String> = unknown.flat_map(|error| missed_by(&error.place(), error.message())).collect();
    let is_consequence = move |error: &&ConfigError| error.code() == Code::MISSING && missed.contains(&error.place());
    errors.filter(move |error| !is_consequence(error)).map(move |error| {
        let (place, node) = (error.place(), &configuration.node);
        let span = match error.code() {
            Code::SYNTAX => json_place(error.message(), configuration),
            Code::UNKNOWN_FIELD => node.key_span_at(&place),
            _ => None,
        };
        let span = span.unwrap_or_else(|| node.span_at(&place, &source.text));
        improve(Diagnostic::of_mistake(error).span(span), &place, node, gate, vm)
    })
}

/// The findings with their places.
fn place<'a>(
    found: Vec<lints::Found>,
    configuration: &'a Configuration,
    source: &'a Source,
) -> impl Iterator<Item = Diagnostic> {
    found.into_iter().map(|(place, found)| found.span(configuration.node.span_at(&place, &source.text)))
}

/// The place that a message of the JSON reader ends with: ` at line 1 column 2`.
fn json_place(message: &str, configuration: &Configuration) -> Option<std::ops::Range<usize>> {
    let json = configuration.json.as_ref()?;
    let (_, numbers) = message.rsplit_once(" at line ")?;
    let (line, column) = numbers.split_once(" column ")?;
    let at = json.place(line.parse().ok()?, column.parse().ok()?);
    Some(at..at.saturating_add(1))
}

fn pointed(node: &Node, source: &Source) -> std::ops::Range<usize> {
    node.span_at("", &source.text)
}

/// A text that is no YAML, with the causes that people overlook.
fn syntax(source: &Source, span: std::ops::Range<usize>, message: &str) -> Diagnostic {
    let position = source.position(span.start);
    let line = source.line(position.line);
    let indentation: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    let found = Diagnostic::split(Code::SYNTAX, &format!("is not YAML: {message}")).span(span);
    if indentation.contains('\t') {
        return found.help("the line begins with a tab; YAML is indented with spaces");
    }
    if indentation.contains(|c: char| c != ' ') || line.contains('\u{a0}') {
        return found.help("the line has a no-break space (U+00A0); write ordinary spaces");
    }
    found
}

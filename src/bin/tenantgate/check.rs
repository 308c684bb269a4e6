//! The command `check`: reads files, finds the gates in them, and reports what is wrong.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _};
use std::ops::Range;
use std::path::PathBuf;

use tenantgate::config::{self, Code, ConfigError, ConfigErrors, LoadContext, Loaded};
use tenantgate::jose::HostAlgorithms;
use tenantgate::runtime::TenantEntry;

use super::codes;
use super::diagnostic::{Diagnostic, Severity};
use super::gate::{Configuration, Gate, gates};
use super::input::{Input, inputs};
use super::lints;
use super::remedies::{Surroundings, consequences, improve, is_repeated};
use super::report::{self, FileReport, Format};
use super::source::Source;
use super::spellings::spellings;
use super::surroundings::{self, Finding, Landscape};
use super::syntax;
use super::variables::{Variables, VmEnvironment};
use super::yaml::Node;

/// What the user asks for.
pub(crate) struct Check {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) variables: Variables,
    pub(crate) format: Format,
    /// Whether a warning is as bad as an error.
    pub(crate) deny_warnings: bool,
    /// The codes of warnings that are left out.
    pub(crate) allowed: Vec<Code>,
    /// The paths of requests whose spellings are shown, with this method.
    pub(crate) requests: Vec<String>,
    pub(crate) method: String,
}

/// What is known about a file.
#[derive(Default)]
struct Report {
    secrets: Option<Vec<Range<usize>>>,
    diagnostics: Vec<Diagnostic>,
    summary: Vec<String>,
    has_gate: bool,
}

impl Check {
    /// The output, and whether the files are in order.
    pub(crate) fn run(&self) -> Result<(String, bool), String> {
        let inputs = inputs(&self.paths)?;
        let mut landscape = Landscape::default();
        for (number, input) in inputs.iter().enumerate() {
            input.documents.iter().flatten().for_each(|node| landscape.add(number, &input.source.text, node));
        }
        let mut around = Vec::new();
        let mut reports = Vec::new();
        for (number, input) in inputs.iter().enumerate() {
            reports.push(self.file(number, input, &landscape, &mut around)?);
        }
        for Finding { file, diagnostic } in around {
            // Two gates may share what is around them.
            if let Some(report) = reports.get_mut(file)
                && !report.diagnostics.contains(&diagnostic)
            {
                report.diagnostics.push(diagnostic);
            }
        }
        let reports = self.shown(reports, inputs)?;
        let worst = if self.deny_warnings { Severity::Warning } else { Severity::Error };
        let mut found = reports.iter().flat_map(|file| &file.diagnostics);
        let good = !found.any(|one| one.severity <= worst);
        let colors = self.format == Format::Human && io::stdout().is_terminal();
        Ok((report::write(self.format, &reports, colors), good))
    }

    /// The reports about all files, without those of a folder that have no part of the gate.
    fn shown(&self, reports: Vec<Report>, inputs: Vec<Input>) -> Result<Vec<FileReport>, String> {
        let has_any = reports.iter().any(|report| report.has_gate);
        let mut shown = Vec::new();
        let mut in_folders = BTreeSet::new();
        for (report, input) in reports.into_iter().zip(inputs) {
            let Report { secrets, mut diagnostics, summary, has_gate } = report;
            let is_empty = !has_gate && diagnostics.is_empty();
            match &input.folder {
                Some(_) if is_empty => continue,
                Some(folder) if has_gate || input.problem.is_some() => drop(in_folders.insert(folder.clone())),
                None if is_empty && !(has_any && input.is_around()) => diagnostics.push(no_gate()),
                Some(_) | None => {}
            }
            // A member that occurs twice is a mistake in JSON, and that one is found.
            let is_syntax = |found: &Diagnostic| found.code == Code::SYNTAX;
            let is_refused = diagnostics.iter().any(is_syntax);
            diagnostics.retain(|found| found.code != codes::DUPLICATE_KEY || !is_refused);
            diagnostics.retain(|found| found.severity == Severity::Error || !self.allowed.contains(&found.code));
            let start = |found: &Diagnostic| found.span.as_ref().map(|span| span.start);
            diagnostics.sort_by_key(start);
            // What is no JSON is often no YAML either.
            diagnostics.dedup_by(|next, last| is_syntax(next) && is_syntax(last) && start(next) == start(last));
            shown.push(FileReport { source: input.source, secrets, diagnostics, summary });
        }
        match self.paths.iter().find(|path| path.is_dir() && !in_folders.contains(*path)) {
            Some(path) => Err(format!("{}: no file in it has a configuration of Tenantgate", path.display())),
            None => Ok(shown),
        }
    }

    /// The findings about one file. Those of what is around its gates go to `around`.
    fn file<'d>(
        &self,
        number: usize,
        input: &'d Input,
        landscape: &Landscape<'d>,
        around: &mut Vec<Finding>,
    ) -> Result<Report, String> {
        let source = &input.source;
        let mut report = Report { secrets: Some(Vec::new()), ..Report::default() };
        if let Some(problem) = &input.problem {
            report.diagnostics.push(Diagnostic::split(codes::ENCODING, problem));
            report.secrets = None;
        }
        for document in &input.documents {
            match document {
                Err(error) => {
                    report.secrets = None;
                    report.diagnostics.push(syntax::explain(source, error.span.clone(), &error.message));
                }
                Ok(document) => {
                    report.secrets.iter_mut().for_each(|known| known.extend(super::secrets::spans(document)));
                    let gates = gates(document, &source.text);
                    if !gates.is_empty() {
                        report.diagnostics.extend(lints::yaml(document, source));
                    }
                    for gate in &gates {
                        report.has_gate = true;
                        self.gate(gate, source, &mut report)?;
                        around.extend(surroundings::check(gate, number, &source.text, document, landscape));
                    }
                }
            }
        }
        if !report.has_gate && input.folder.is_some() && input.problem.is_none() {
            report.diagnostics.clear();
        }
        Ok(report)
    }

    fn gate(&self, gate: &Gate<'_>, source: &Source, report: &mut Report) -> Result<(), String> {
        let Some(configuration) = &gate.configuration else {
            let value = gate.plugin.find(&["configuration", "value"]);
            let message = if value.is_some_and(|value| !value.members().is_empty()) {
                "has a configuration that is no text; write `\"@type\": type.googleapis.com/google.protobuf.Struct` above it"
            } else {
                "has no configuration; the gate needs at least `session` and `tenants`"
            };
            report.diagnostics.push(Diagnostic::split(codes::NO_GATE, message).span(pointed(gate.plugin, source)));
            return Ok(());
        };
        let vm = self.variables.vm(gate.handed.clone(), gate.fixed.clone(), &configuration.node);
        let loaded = load(configuration, &vm);
        let errors: Vec<&ConfigError> = match &loaded {
            Ok(loaded) => {
                report.summary.extend(self.tenants(loaded)?);
                loaded.problems.iter().collect()
            }
            Err(errors) => {
                report.summary.push("refused: Envoy would reject this configuration".to_owned());
                errors.iter().collect()
            }
        };
        let around = Surroundings { configuration: &configuration.node, gate, vm: &vm, text: &source.text };
        report.diagnostics.extend(mistakes(&errors, configuration, &around, source));
        let found = lints::configuration(configuration, loaded.as_ref().ok(), gate, &vm, &source.text);
        let found = found.into_iter().filter(|(path, _)| !is_about_a_mistake(path, &errors));
        report.diagnostics.extend(place(found, configuration, source));
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

fn no_gate() -> Diagnostic {
    let message = "has no configuration of Tenantgate; name a file with `tenants`, with Envoy's Wasm filter, or with a \
                   manifest of Istio or Envoy Gateway for it";
    Diagnostic::split(codes::NO_GATE, message)
}

fn load(configuration: &Configuration, vm: &VmEnvironment<'_>) -> Result<Loaded, ConfigErrors> {
    // Envoy can verify every algorithm that a host may support.
    let context = LoadContext { environment: vm, host: HostAlgorithms::ASSUMED };
    match &configuration.json {
        Some(json) => config::load(json.text.as_bytes(), context),
        None => config::load_value(&configuration.node.value(), context),
    }
}

/// The mistakes with their places. One cause is one finding: what is wrong only because a field
/// stands at another place, or has another name, is left out.
pub(crate) fn mistakes(
    errors: &[&ConfigError],
    configuration: &Configuration,
    around: &Surroundings<'_>,
    source: &Source,
) -> Vec<Diagnostic> {
    let node = &configuration.node;
    let missed = consequences(errors, node);
    let is_consequence = |error: &ConfigError| {
        let is_cause = [Code::UNKNOWN_FIELD, Code::TYPE, Code::SYNTAX].contains(&error.code());
        (!is_cause && missed.contains(&error.place())) || is_repeated(error, errors, node)
    };
    let causes = errors.iter().filter(|error| !is_consequence(error));
    let found = causes.map(|error| {
        let place = error.place();
        let span = match error.code() {
            Code::SYNTAX => json_place(error.message(), configuration),
            Code::UNKNOWN_FIELD => node.key_span_at(&place),
            _ => None,
        };
        let span = span.unwrap_or_else(|| node.span_at(&place, &source.text));
        improve(Diagnostic::of_mistake(error).span(span), &place, around)
    });
    found.collect()
}

/// Whether a finding is about a value that is a mistake already, or about a part of one.
pub(crate) fn is_about_a_mistake(place: &str, errors: &[&ConfigError]) -> bool {
    errors.iter().any(|error| {
        let mistake = error.place();
        let rest = place.strip_prefix(mistake.as_str()).filter(|_| !mistake.is_empty());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    })
}

/// The findings with their places.
pub(crate) fn place<'a>(
    found: impl Iterator<Item = lints::Found>,
    configuration: &'a Configuration,
    source: &'a Source,
) -> impl Iterator<Item = Diagnostic> {
    found.map(|(place, found)| found.span(configuration.node.span_at(&place, &source.text)))
}

/// The place that a message of the JSON reader ends with: ` at line 1 column 2`.
fn json_place(message: &str, configuration: &Configuration) -> Option<Range<usize>> {
    let json = configuration.json.as_ref()?;
    let (_, numbers) = message.rsplit_once(" at line ")?;
    let (line, column) = numbers.split_once(" column ")?;
    let at = json.place(line.parse().ok()?, column.parse().ok()?);
    Some(at..at.saturating_add(1))
}

fn pointed(node: &Node, source: &Source) -> Range<usize> {
    node.span_at("", &source.text)
}

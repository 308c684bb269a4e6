//! Checks the tenants of a file with the code of `check`.

use std::io::{self, IsTerminal as _};

use tenantgate::config::{self, ConfigError, LoadContext};
use tenantgate::jose::HostAlgorithms;

use super::files::TenantFile;
use super::gate::Gate;
use crate::check::{is_about_a_mistake, mistakes, place};
use crate::diagnostic::{Diagnostic, Severity};
use crate::gate::{self, Configuration, Form};
use crate::lints;
use crate::remedies::Surroundings;
use crate::report::{self, FileReport, Format};
use crate::secrets;
use crate::surroundings::{self, Landscape, OTHER_FILE};
use crate::yaml::{Content, Member, Node, Scalar, Style, documents};

/// What is found in a file: the text for people, and whether the gates would take every tenant.
pub(super) fn check(file: &TenantFile, gate: &Gate) -> (String, bool) {
    // The tenants as if they stood in the configuration, in the place of those that do.
    let configuration = Configuration { node: with_tenants(&gate.node, &file.tenants), json: None };
    let vm = gate.vm();
    let context = LoadContext { environment: &vm, host: HostAlgorithms::ASSUMED };
    let loaded = config::load_value(&configuration.node.value(), context);
    let errors: Vec<&ConfigError> = match &loaded {
        Ok(loaded) => loaded.problems.iter().collect(),
        Err(errors) => errors.iter().collect(),
    };
    let errors: Vec<&ConfigError> = errors.into_iter().filter(|error| is_about_tenants(&error.place())).collect();
    let plugin = gate::Gate {
        configuration: None,
        form: gate.form,
        plugin: &configuration.node,
        handed: None,
        fixed: std::collections::HashMap::new(),
    };
    let known = gate.variables.vm(None, std::collections::HashMap::new(), &configuration.node);
    let text = &file.source.text;
    let around = Surroundings { configuration: &configuration.node, gate: &plugin, vm: &known, text };
    let mut diagnostics = mistakes(&errors, &configuration, &around, &file.source);
    let found = lints::configuration(&configuration, loaded.as_ref().ok(), &plugin, &known, text);
    let found = found.into_iter().filter(|(path, _)| is_about_tenants(path) && !is_about_a_mistake(path, &errors));
    diagnostics.extend(place(found, &configuration, &file.source));
    diagnostics.extend(clusters(configuration, file, gate));
    diagnostics.sort_by_key(|found| found.span.as_ref().map(|span| span.start));
    if diagnostics.is_empty() {
        return (String::new(), true);
    }
    let is_good = diagnostics.iter().all(|found| found.severity != Severity::Error);
    let secrets = Some(secrets::spans(&file.tenants));
    let source = crate::source::Source { name: file.source.name.clone(), text: text.clone() };
    let report = FileReport { source, secrets, diagnostics, summary: Vec::new() };
    (report::write(Format::Human, &[report], io::stderr().is_terminal()), is_good)
}

/// Whether the clusters in the file of the gates, as far as it has them, lead to the providers.
fn clusters(tenants: Configuration, file: &TenantFile, gate: &Gate) -> Vec<Diagnostic> {
    // A configuration alone has none, and many tenants may share one that checks certificates.
    if gate.form == Form::Tenants {
        return Vec::new();
    }
    let documents: Vec<Node> = documents(&gate.text).into_iter().filter_map(Result::ok).collect();
    let mut landscape = Landscape::default();
    documents.iter().for_each(|node| landscape.add(OTHER_FILE, &gate.text, node));
    let found = documents.iter().find_map(|node| Some((node, gate::gates(node, &gate.text).into_iter().next()?)));
    let Some((document, of_file)) = found else { return Vec::new() };
    let with_tenants = gate::Gate { configuration: Some(tenants), ..of_file };
    surroundings::providers(&with_tenants, &file.source.text, (&gate.text, document), &landscape)
}

/// The configuration of the gates with these tenants only.
fn with_tenants(gate: &Node, tenants: &Node) -> Node {
    let name = |name: &str| Node {
        span: 0..0,
        content: Content::Scalar(Scalar { text: name.to_owned(), style: Style::Plain }),
        tag: None,
    };
    let is_other = |member: &&Member| !member.key.text().is_some_and(|name| REPLACED.contains(&name));
    let mut members: Vec<Member> = gate.members().iter().filter(is_other).cloned().collect();
    members.push(Member { key: name(TENANTS), value: tenants.clone() });
    Node { span: 0..0, content: Content::Map(members), tag: None }
}

fn is_about_tenants(place: &str) -> bool {
    place.starts_with(TENANTS)
}

const TENANTS: &str = "tenants";
/// The fields of the gates that do not count here. With `strict` a mistake of one tenant would hide
/// what the others are.
const REPLACED: [&str; 3] = [TENANTS, "tenants_from", "strict"];

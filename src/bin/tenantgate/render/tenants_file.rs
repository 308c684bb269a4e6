//! The tenants file that manifests are made of.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tenantgate::config::{self, Environment, LoadContext};
use tenantgate::jose::HostAlgorithms;
use tenantgate::runtime::TenantEntry;
use tenantgate::tenant::Tenant;

use super::destination::Destination;
use super::template::scalar;
use crate::configuration::Configured;
use crate::gate::Form;
use crate::source::Source;
use crate::variables::{Variables, VmEnvironment};
use crate::yaml::{Node, documents};

/// A file with the configuration alone, and what the filter makes of it.
pub(super) struct TenantsFile {
    /// The name without the folders, for comments.
    pub(super) name: String,
    pub(super) tenants: Vec<Arc<Tenant>>,
    /// The names of the variables that the configuration uses, in the order of their use.
    pub(super) variables: Vec<String>,
    /// The clusters that lead to etcd, each once.
    pub(super) etcd: Vec<String>,
    text: String,
    node: Node,
}

impl TenantsFile {
    /// Reads a file in which every tenant serves, whatever the values of its variables.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Self::new(name, Configured::read(path)?)
    }

    /// Reads a text that the tool has made.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let source = Source { name: "the configuration".to_owned(), text: text.to_owned() };
        Self::new(None, Configured::of(source)?)
    }

    fn new(file: Option<String>, configured: Configured) -> Result<Self, String> {
        let name = &configured.source.name;
        if configured.form != Form::Tenants || configured.documents != 1 {
            return Err(format!("{name}: is not the configuration alone; write `session` and `tenants` into a file"));
        }
        let variables = Variables::unknown();
        let vm = variables.vm(None, HashMap::new(), &configured.node);
        let environment = Asked { vm, names: RefCell::default() };
        // Envoy can verify every algorithm that a host may support.
        let context = LoadContext { environment: &environment, host: HostAlgorithms::ASSUMED };
        let refused = |problems: &str| format!("{problems}\n{name}: has mistakes; `tenantgate check` says more");
        let loaded =
            config::load_value(&configured.node.value(), context).map_err(|errors| refused(&errors.to_string()))?;
        if !loaded.problems.is_empty() {
            let problems: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
            return Err(refused(&problems.join("\n")));
        }
        let served = loaded.runtime.entries().iter().filter_map(|entry| match entry {
            TenantEntry::Served(served) => Some(served.model.clone()),
            TenantEntry::Broken(_) => None,
        });
        let store = loaded.runtime.store().map(|store| store.cluster());
        let mut etcd: Vec<String> = store.map(str::to_owned).into_iter().collect();
        let documents = loaded.runtime.documents().map(|source| source.cluster().to_owned());
        etcd.extend(documents.filter(|cluster| Some(cluster.as_str()) != store));
        Ok(Self {
            etcd,
            name: file.unwrap_or_else(|| name.clone()),
            tenants: served.collect(),
            variables: environment.names.take(),
            text: configured.source.text,
            node: configured.node,
        })
    }

    /// Whether the issuer of a tenant ends sessions, which takes a filter that reads the body of a
    /// request.
    pub(super) fn has_backchannel_logout(&self) -> bool {
        self.tenants.iter().any(|tenant| tenant.login.backchannel_logout_path.is_some())
    }

    /// The server of each tenant's provider, for platforms whose clusters reach one.
    pub(super) fn one_destination_each(&self) -> Result<Vec<Destination>, String> {
        let each = self.tenants.iter().map(|tenant| {
            let destinations = Destination::of_tenant(tenant);
            let [one] = destinations.as_slice() else {
                let hosts: Vec<String> = destinations.iter().map(Destination::authority).collect();
                return Err(format!(
                    "tenant \"{}\": Tenantgate calls {}, and a cluster of this platform reaches one host; only `render \
                     envoy` makes a cluster that reaches several",
                    tenant.name,
                    hosts.join(", ")
                ));
            };
            Ok(one.clone())
        });
        each.collect()
    }

    /// The configuration as JSON, in one line.
    pub(super) fn json(&self) -> String {
        self.node.value().to_string()
    }

    /// The text as the user wrote it, to be indented, with these names as `provider.cluster` of the
    /// tenants.
    pub(super) fn text(&self, clusters: &[String]) -> Result<String, String> {
        let tenants = self.node.get("tenants").map(Node::elements).unwrap_or_default();
        let mut expected = self.node.value();
        // An alias has the place of its anchor, so several tenants may have one place.
        let mut edits: BTreeMap<usize, (Range<usize>, &str)> = BTreeMap::new();
        for (index, (tenant, cluster)) in tenants.iter().zip(clusters).enumerate() {
            let Some(written) = tenant.find(&["provider", "cluster"]) else { continue };
            if written.text() == Some(cluster) {
                continue;
            }
            if let Some(value) = expected.pointer_mut(&format!("/tenants/{index}/provider/cluster")) {
                *value = Value::from(cluster.as_str());
            }
            edits.insert(written.span.start, (written.span.clone(), cluster));
        }
        let mut text = self.text.clone();
        for (range, cluster) in edits.into_values().rev() {
            if text.get(range.clone()).is_some() {
                text.replace_range(range, &scalar(cluster));
            }
        }
        let text = without_markers(&text);
        match documents(&text).as_slice() {
            [Ok(written)] if written.value() == expected => Ok(text),
            _ => Err(format!("{}: cannot be put into a manifest as it is; write it without anchors", self.name)),
        }
    }
}

/// The text without the markers around a document, and without empty lines there.
fn without_markers(text: &str) -> String {
    let is_marker = |line: &str, marker: &str| {
        line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    };
    let lines: Vec<&str> = text
        .lines()
        .filter_map(|line| match line.strip_prefix("---").filter(|_| is_marker(line, "---")).map(str::trim_start) {
            Some(rest) => (!rest.is_empty()).then_some(rest),
            None => (!is_marker(line, "...")).then_some(line),
        })
        .collect();
    let first = lines.iter().position(|line| !line.trim().is_empty()).unwrap_or_default();
    format!("{}\n", lines.get(first..).unwrap_or_default().join("\n").trim_end())
}

/// The variables of a VM, and which were asked for.
struct Asked<'a> {
    vm: VmEnvironment<'a>,
    names: RefCell<Vec<String>>,
}

impl Environment for Asked<'_> {
    fn var(&self, name: &str) -> Option<String> {
        let mut names = self.names.borrow_mut();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
        self.vm.var(name)
    }
}

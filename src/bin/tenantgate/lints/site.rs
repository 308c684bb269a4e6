//! A tenant as it is written, with what the filter made of it.

use tenantgate::config::{Code, Loaded};
use tenantgate::runtime::TenantEntry;
use tenantgate::tenant::Tenant;

use super::{Found, issuer};
use crate::diagnostic::Diagnostic;
use crate::known_provider::KnownProvider;
use crate::yaml::Node;

/// A tenant of a configuration.
pub(super) struct Site<'a> {
    index: usize,
    /// The tenant in messages: `tenant "acme"`, or `tenants[3]` if it has no name.
    pub(super) label: String,
    /// The tenant as it is written.
    pub(super) node: &'a Node,
    /// The tenant as the filter has it. `None` if it has a mistake.
    pub(super) model: Option<&'a Tenant>,
}

/// The tenants in the order of the configuration.
pub(super) fn sites<'a>(configuration: &'a Node, loaded: Option<&'a Loaded>) -> Vec<Site<'a>> {
    let nodes = configuration.get("tenants").into_iter().flat_map(Node::elements).enumerate();
    let model = |index: usize| match loaded?.runtime.entries().get(index)? {
        TenantEntry::Served(served) => Some(served.model.as_ref()),
        TenantEntry::Broken(_) => None,
    };
    let site = |(index, node): (usize, &'a Node)| {
        let name = node.get("name").and_then(Node::string).filter(|name| !name.is_empty());
        let label = name.map_or_else(|| format!("tenants[{index}]"), |name| format!("tenant \"{name}\""));
        Site { index, label, node, model: model(index) }
    };
    nodes.map(site).collect()
}

impl<'a> Site<'a> {
    /// The value at this path within the tenant.
    pub(super) fn at(&self, path: &str) -> Option<&'a Node> {
        self.node.at(path)
    }

    /// The string at this path.
    pub(super) fn text(&self, path: &str) -> Option<&'a str> {
        self.at(path).and_then(Node::string)
    }

    /// The provider, if its issuer tells and is in order.
    pub(super) fn provider(&self) -> Option<KnownProvider> {
        self.text("issuer").filter(|_| issuer::lint(self).is_none()).and_then(KnownProvider::of)
    }

    /// Whether the value at this path is `true`.
    pub(super) fn is_true(&self, path: &str) -> bool {
        self.at(path).is_some_and(|node| node.value() == true)
    }

    /// The strings in the list at this path, each with its own path.
    pub(super) fn texts(&self, path: &str) -> impl Iterator<Item = (String, &'a str)> {
        let elements = self.at(path).into_iter().flat_map(Node::elements).enumerate();
        elements.filter_map(move |(index, node)| Some((format!("{path}[{index}]"), node.string()?)))
    }

    /// The number of elements of the list at this path.
    pub(super) fn count(&self, path: &str) -> usize {
        self.at(path).map_or(0, |node| node.elements().len())
    }

    /// A warning about the value at this path. What would be right follows after a semicolon.
    pub(super) fn warning(&self, code: Code, path: &str, message: &str) -> Found {
        self.found(path, Diagnostic::split(code, message).into_warning())
    }

    /// The same as an error: the tenant could serve nobody.
    pub(super) fn error(&self, code: Code, path: &str, message: &str) -> Found {
        self.found(path, Diagnostic::split(code, message))
    }

    fn found(&self, path: &str, diagnostic: Diagnostic) -> Found {
        (format!("tenants[{}].{path}", self.index), diagnostic.about(self.label.clone()).at_path(path))
    }
}

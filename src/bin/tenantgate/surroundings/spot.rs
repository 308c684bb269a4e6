//! A value of one of the files, which knows where it stands.

use tenantgate::config::Code;

use super::Finding;
use crate::diagnostic::Diagnostic;
use crate::yaml::Node;

/// A value and its file.
#[derive(Clone, Copy)]
pub(super) struct Spot<'d> {
    pub(super) file: usize,
    pub(super) text: &'d str,
    pub(super) node: &'d Node,
}

impl<'d> Spot<'d> {
    /// Another value of the same file.
    pub(super) fn at(self, node: &'d Node) -> Self {
        Self { node, ..self }
    }

    pub(super) fn field(self, name: &str) -> Option<Self> {
        self.node.field(name).map(|node| self.at(node))
    }

    pub(super) fn find(self, names: &[&str]) -> Option<Self> {
        self.node.find(names).map(|node| self.at(node))
    }

    pub(super) fn text_of(self, names: &[&str]) -> Option<&'d str> {
        self.node.find(names).and_then(Node::text)
    }

    /// The text of a scalar, or nothing.
    pub(super) fn scalar(self) -> &'d str {
        self.node.text().unwrap_or_default()
    }

    /// Whether there is a value other than null, an empty text, list or map.
    pub(super) fn has(self, name: &str) -> bool {
        self.node.field(name).is_some_and(|node| {
            node.children().next().is_some() || node.text().is_some_and(|text| !text.is_empty() && text != "null")
        })
    }

    /// The elements of the list at the end of these names.
    pub(super) fn list(self, names: &[&str]) -> impl Iterator<Item = Self> {
        self.node.find(names).map(Node::elements).unwrap_or_default().iter().map(move |node| self.at(node))
    }

    /// Whether the message in an `Any` has a type of this name.
    pub(super) fn is_type(self, name: &str) -> bool {
        self.node.get("@type").and_then(Node::text).is_some_and(|kind| kind.ends_with(name))
    }

    /// Visits the value and all below it, until a visit returns `false` for the values below.
    pub(super) fn walk(self, visit: &mut impl FnMut(Self) -> bool) {
        if visit(self) {
            self.node.children().for_each(|child| self.at(child).walk(visit));
        }
    }

    /// An error about the value at `path`, or about the nearest one around it. The subject, such as
    /// `cluster "provider_acme"`, may be empty.
    pub(super) fn error(self, code: Code, subject: &str, path: &str, message: impl Into<String>) -> Finding {
        let diagnostic = Diagnostic::error(code, message).at_path(path);
        let diagnostic = if subject.is_empty() { diagnostic } else { diagnostic.about(subject) };
        Finding { file: self.file, diagnostic: diagnostic.span(self.node.span_at(path, self.text)) }
    }

    /// A warning about the value at `path`, or about the nearest one around it.
    pub(super) fn warning(self, code: Code, subject: &str, path: &str, message: impl Into<String>) -> Finding {
        let Finding { file, diagnostic } = self.error(code, subject, path, message);
        Finding { file, diagnostic: diagnostic.into_warning() }
    }

    /// The kind and name of a manifest, such as `ServiceEntry "dex-acme"`.
    pub(super) fn manifest(self) -> String {
        let part = |names: &[&str]| self.text_of(names).unwrap_or_default().to_owned();
        format!("{} \"{}\"", part(&["kind"]), part(&["metadata", "name"]))
    }
}

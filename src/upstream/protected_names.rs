//! The names of the headers that a client must not send to the upstream.

use super::known_names::{KNOWN_NAMES, KNOWN_PREFIXES, has_known_prefix};
use crate::http::header_name::{FoldedNames, NameShapes};
use crate::tenant::DEFAULT_NAMES;

/// The names of the headers that a client must not send to the upstream, in every spelling that a
/// server may read as one of them.
#[derive(Debug)]
pub(crate) struct ProtectedNames {
    /// The names under which Tenantgate may send something, at any tenant: tenants may share an
    /// upstream. No tenant passes them.
    written: FoldedNames,
    /// The names that upstreams commonly trust. A tenant may pass them.
    known: FoldedNames,
    /// The shapes of all of them.
    shapes: NameShapes,
}

impl ProtectedNames {
    /// Protects `names`, under which the tenants send something, the name of the assertion, the
    /// default names, because a tenant whose configuration is broken may use them, and what
    /// upstreams commonly trust.
    pub(super) fn new<'h: 'n, 'n>(names: &mut dyn Iterator<Item = &'h str>, assertion: Option<&'n str>) -> Self {
        let names = names.map(|name| -> &'n str { name });
        let written = FoldedNames::new(&mut names.chain(DEFAULT_NAMES).chain(assertion));
        let known = FoldedNames::new(&mut KNOWN_NAMES.iter().copied());
        let shapes = NameShapes::new(&mut written.iter().chain(known.iter()), &KNOWN_PREFIXES);
        Self { written, known, shapes }
    }

    /// The names under which Tenantgate may send something.
    pub(crate) fn written(&self) -> impl Iterator<Item = &str> {
        self.written.iter()
    }

    /// Whether Tenantgate may send something under this name.
    pub(super) fn are_written(&self, name: &str) -> bool {
        self.written.contains(name)
    }

    /// Whether a client must not send a header with this name, where `passed` are the names that
    /// its tenant passes.
    pub(super) fn contain(&self, name: &str, passed: &FoldedNames) -> bool {
        self.shapes.may_have(name) && self.is_unwanted(name, passed)
    }

    fn is_unwanted(&self, name: &str, passed: &FoldedNames) -> bool {
        self.written.contains(name) || ((self.known.contains(name) || has_known_prefix(name)) && !passed.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_passes_what_is_known_and_not_what_is_written() {
        let names = ProtectedNames::new(&mut ["x-globex-user"].into_iter(), Some("x-signed"));
        let passed = FoldedNames::new(&mut ["x-original-url", "x-globex-user", "x-signed", "x-b"].into_iter());
        for (name, expected) in [
            ("x-globex-user", true),
            ("X_Signed", true),
            ("x-auth-request-user", true),
            ("x-tenantgate-assertion", true),
            ("x-original-url", false),
            ("x-rewrite-url", true),
            ("x-b", false),
        ] {
            assert_eq!(names.contain(name, &passed), expected, "{name}");
        }
    }
}

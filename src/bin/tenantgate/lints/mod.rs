//! What the filter accepts, and what is probably not meant.

mod audiences;
mod public_suffix;
mod rules;
mod scopes;
mod yaml;

use tenantgate::config::{Code, Loaded};
use tenantgate::runtime::TenantEntry;
use tenantgate::tenant::Tenant;

use super::diagnostic::Diagnostic;

pub(crate) use yaml::yaml;

/// A tenant with its index in the configuration.
#[derive(Clone, Copy)]
pub(crate) struct Indexed<'a> {
    pub(crate) index: usize,
    pub(crate) tenant: &'a Tenant,
}

/// A finding with the path of its value from the top of the configuration.
pub(crate) type Found = (String, Diagnostic);

/// The findings about a configuration that was loaded.
pub(crate) fn loaded(loaded: &Loaded) -> Vec<Found> {
    let entries = loaded.runtime.entries().iter().enumerate();
    let served: Vec<Indexed<'_>> = entries
        .filter_map(|(index, entry)| match entry {
            TenantEntry::Served(served) => Some(Indexed { index, tenant: &served.model }),
            TenantEntry::Broken(_) => None,
        })
        .collect();
    let mut found = Vec::new();
    for tenant in &served {
        found.extend(public_suffix::lint(*tenant));
        found.extend(rules::lint(*tenant));
        found.extend(scopes::lint(*tenant));
    }
    found.extend(audiences::lint(&served));
    found
}

impl Indexed<'_> {
    /// A warning about a field of the tenant. What would be right follows after a semicolon.
    fn warning(self, code: Code, path: &str, message: &str) -> Found {
        self.found(path, Diagnostic::split(code, message).into_warning())
    }

    fn error(self, code: Code, path: &str, message: &str) -> Found {
        self.found(path, Diagnostic::split(code, message))
    }

    fn found(self, path: &str, diagnostic: Diagnostic) -> Found {
        let diagnostic = diagnostic.about(format!("tenant \"{}\"", self.tenant.name)).at_path(path);
        (format!("tenants[{}].{path}", self.index), diagnostic)
    }
}

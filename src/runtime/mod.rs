//! A loaded configuration: the tenants by host, the session keys and the caches.
//!
//! This room knows which tenant a host belongs to. It does not know how a configuration is read, or
//! what a flow does with it.

mod compiled_tenants;
mod deferred;
mod documents;
mod load_input;
mod load_report;
mod outline;
mod outlining;
mod request_context;
#[expect(clippy::module_inception, reason = "the type has the name of the room")]
mod runtime;
mod tenant_table;

pub(crate) use deferred::{DeferredCompiler, DeferredTenants};
#[cfg(test)]
pub(crate) use documents::Found;
pub use documents::{CompiledTenant, DocumentSource};
pub(crate) use documents::{
    DocumentSettings, DocumentStep, DocumentWork, LookupWait, StartDocumentWork, TenantCompiler,
};
pub use load_input::{CheckedNote, LoadInput};
pub use load_report::TenantCounts;
pub use outline::Outline;
pub(crate) use outline::TakenNames;
pub(crate) use request_context::{NoContext, RequestContext};
pub(crate) use runtime::UpstreamSettings;
pub use runtime::{FoundTenants, NewTenants, Runtime};
pub use tenant_table::{BrokenTenant, ServedTenant, TenantEntry};

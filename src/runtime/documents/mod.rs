//! Tenants that are found in etcd by the host of a request, as signed documents.
//!
//! A request for a host that no tenant of the file has waits for a [`lookup`]: one call reads the
//! index, and one the document, which is compiled and kept in the [`cache`]. One VM of each process
//! follows the log of changes ([`poll`]) and hands on what is new, so that a tenant that changes is
//! looked up again. What a process keeps and asks for depends on the tenants that it serves, not on
//! those that exist. Only when somebody asks for many hosts without a tenant, one VM reads which
//! hosts have one ([`index_scan`]), for a [`summary`] of fixed size: then these requests need no
//! call.
//!
//! Scenarios: `tests/scenarios/documents.rs`.

mod cache;
mod flood;
mod followed;
mod held;
mod index_scan;
mod lookup;
mod poll;
mod source;
mod step;
mod summary;
mod wait;
mod work;

pub(crate) use cache::Found;
pub use source::{CompiledTenant, DocumentSource};
pub(crate) use source::{DocumentSettings, TenantCompiler};
pub(crate) use wait::LookupWait;
pub(crate) use work::{DocumentStep, DocumentWork, StartDocumentWork, follow, look_up};

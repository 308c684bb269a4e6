//! A loaded configuration with everything that runs for it: the tenants by host, keys, caches and memories.
//!
//! This room puts together what the rooms below define. It holds no rule of its own, except which tenant a host
//! belongs to.

mod request_context;
#[expect(clippy::module_inception, reason = "the type has the name of the room")]
mod runtime;
mod tenant_table;

pub(crate) use request_context::RequestContext;
pub use runtime::Runtime;
pub use tenant_table::{BrokenTenant, ServedTenant, TenantEntry};

//! Tenants as documents in etcd: their keys, their signature, the secrets in them, and the log of
//! their changes.
//!
//! The tool writes in one transaction the document of a tenant, an index entry for each of its
//! hosts, and the next entry of the log. A gate finds a tenant by the index, and follows the log.
//!
//! A document is signed with a key of the operator (`tenants_from.keys`), which etcd and the gates
//! do not have. So whoever can write to etcd makes no tenant, and can at worst delete one, or bring
//! back what the operator has signed before. Secrets are sealed with the session keys, which the
//! gates have.
//!
//! This room knows the form of these values. It does not know what a tenant is made of, or how a
//! call is made.

mod change;
mod document;
mod keys;
mod sealed_secrets;

pub use change::Change;
pub use document::{DocumentError, TenantDocument};
pub use keys::DocumentKeys;
pub use sealed_secrets::{open_secrets, seal_secrets};

//! Access control: whether a request may go to the upstream, and for whom.
//!
//! The first rule whose paths, methods and hosts fit a request decides it. Nobody passes because of a later rule
//! when an earlier one fits. This room knows the tenant's rules and identities. It does not know sessions, tokens or
//! what the upstream receives.

mod decision;
mod lint;
mod path;
mod subject;

pub use decision::{AccessError, AnonymousDecision, Permitted, Public, RouteDecision};
pub use lint::{Warning, warnings};
pub use path::{Ambiguity, PlainPath};

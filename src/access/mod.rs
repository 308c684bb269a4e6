//! Access control: whether a request may go to the upstream, and for whom.
//!
//! The first rule whose paths, methods, hosts and clients match a request decides it. If that rule
//! denies the request, no later rule can permit it. This room knows the tenant's rules and
//! identities. It does not know sessions, tokens or what the upstream receives.

mod decision;
mod describe;
mod error;
mod gaps;
mod lint;
mod path;
mod preflight;
mod subject;
#[cfg(test)]
mod test_rule;

pub use decision::{AnonymousDecision, Permitted, Public, RouteDecision};
pub use describe::Description;
pub use error::{AccessError, Denial};
pub use lint::{Warning, warnings};
pub use path::{Ambiguity, PlainPath};
pub(crate) use subject::roles;

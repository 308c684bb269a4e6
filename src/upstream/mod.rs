//! What the upstream receives, and the permission to send a request there.
//!
//! This room knows the decision of `access` and the tenant. It does not know how a user signed in.

mod assertion;
mod config;
mod forward;
mod header_encoding;
mod identity_headers;
mod known_names;
mod protected_names;
mod strip;

pub use crate::http::header_edit::HeaderEdit;
pub(crate) use assertion::{Assertion, AssertionSettings, Audience, PublishedKey};
pub use config::UpstreamConfig;
pub use forward::Forward;
pub(crate) use forward::filter_state_of_reply;
pub(crate) use strip::strip_trailers;

//! Sessions: a verified identity, sealed into one or several cookies. Tenantgate stores no
//! sessions; it remembers those that were opened lately, so that they are opened less often.
//!
//! This room knows identities, sealing and the tenant. It does not know how a login or a refresh
//! runs, or what the upstream receives.

mod cookies;
mod end;
mod error;
mod id;
mod record;
mod refresh_grant;
mod refresh_store;
mod retained_tokens;
pub mod revocation;
mod sent;
#[expect(clippy::module_inception, reason = "the type has the name of the room")]
mod session;
mod sessions;
pub mod store;

pub(crate) use cookies::SentCookies;
pub(crate) use end::SessionEnd;
pub(crate) use error::SessionError;
#[cfg(test)]
pub(crate) use id::SessionId;
pub(crate) use record::SessionRecord;
pub(crate) use refresh_grant::{Age, RefreshGrant};
pub use refresh_store::RefreshKey;
pub(crate) use refresh_store::{RefreshState, RefreshStore, prepare as prepare_refreshes};
pub(crate) use retained_tokens::RetainedTokens;
pub(crate) use sent::{CrossOrigin, SentSession};
pub(crate) use session::{Session, SessionCache};
pub(crate) use sessions::{MAX_BEHIND, Sessions};

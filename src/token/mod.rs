//! Tokens: what an issuer signed, believed only after every check.

mod access_token;
mod cache;
mod claims;
mod compact;
mod header;
mod id_token;
mod logout_token;
mod rejection;
mod signed;

pub use access_token::{AccessTokenRejection, Shortfall, VerifiedAccessToken};
pub use cache::CacheCounts;
pub(crate) use cache::TokenCache;
pub use claims::Claims;
pub(crate) use header::KnownHeaders;
pub use id_token::{Expected, OtherSubject, RefreshedToken, VerifiedIdToken};
pub(crate) use logout_token::{VerifiedLogoutToken, Whose};
pub use rejection::TokenRejection;
pub(crate) use signed::Signed;

//! Tokens: what an issuer signed, believed only after every check.

mod claims;
mod compact;
mod id_token;
mod rejection;

pub use claims::Claims;
pub use id_token::{Expected, VerifiedIdToken};
pub use rejection::TokenRejection;

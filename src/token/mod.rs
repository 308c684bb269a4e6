//! Tokens that an issuer signed: ID tokens, JWT access tokens and logout tokens. A value of one of
//! these types passed every check of its kind, for one tenant.
//!
//! This module depends on the tenant and its keys. It does not depend on sessions, HTTP or
//! identities.

mod access_token;
mod claims;
mod detail;
mod id_token;
mod logout_token;
mod signed;
mod verification_budget;

pub use access_token::{AccessTokenError, Shortfall, VerifiedAccessToken};
pub use claims::{Claims, SubjectMismatch};
pub(crate) use detail::TokenDetail;
pub use id_token::{LoginExpectation, RefreshExpectation, VerifiedIdToken};
pub(crate) use logout_token::{LogoutSubject, VerifiedLogoutToken};
pub(crate) use signed::VerifiedToken;
pub use signed::{LEEWAY, TokenContext};
pub(crate) use verification_budget::VerificationBudget;

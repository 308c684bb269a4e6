//! The authorization code flow (OpenID Connect Core section 3.1) with PKCE (RFC 7636), from the redirect to the issuer to the session.
//!
//! [`begin`] sends the browser away and seals what the login needs into a cookie of its own. [`callback()`] checks what comes back
//! against that cookie before anything else happens, and [`Redeeming`] turns the code into a session.

mod answer;
mod attempt;
mod authorization;
mod begin;
mod callback;
mod circle;
mod client_assertion;
mod redeem;
mod token_request;
mod token_response;
mod userinfo;

pub(crate) use begin::begin;
pub(crate) use callback::callback;
pub(crate) use redeem::{Leg, Redeeming};
pub(crate) use token_request::refresh_request;
pub(crate) use token_response::{RequestRefused, TokenResponse, TokenResponseProblem};
pub(crate) use userinfo::{UserinfoProblem, read_userinfo, userinfo_request};

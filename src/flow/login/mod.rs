//! The authorization code flow (OpenID Connect Core section 3.1) with PKCE (RFC 7636), from the redirect to the issuer
//! to the session.
//!
//! [`begin`] sends the browser to the issuer and seals what the login needs into a cookie of its own. [`callback()`]
//! compares the authorization response with that cookie before anything else happens. [`CodeExchange`] turns the code
//! into a session. Scenarios: `tests/scenarios/{login,callback,id_token,userinfo}.rs`.

mod attempt;
mod authorization_request;
mod authorization_response;
mod begin;
mod callback;
mod code_exchange;
mod redirect_loop;
mod returned;

pub(crate) use begin::begin;
pub(crate) use callback::callback;
pub(crate) use code_exchange::{CodeExchange, ExchangeStep};

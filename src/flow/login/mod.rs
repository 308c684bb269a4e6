//! The authorization code flow (OpenID Connect Core section 3.1) with PKCE (RFC 7636), from the
//! redirect to the issuer to the session.
//!
//! `begin` redirects the browser to the issuer and seals the data of the attempt into a cookie.
//! [`callback()`] compares the authorization response with that cookie before anything else
//! happens. [`CodeExchange`] redeems the code and makes the session. This room does not know what a
//! session is used for.
//!
//! Scenarios: `tests/scenarios/{login,initiated,callback,id_token,userinfo}.rs`.

mod another_account;
mod attempt;
mod authorization_request;
mod authorization_response;
mod begin;
mod callback;
mod code_exchange;
mod initiated;
mod page;
mod redirect_loop;
mod returned;

pub(crate) use another_account::{another_account, begin_with_another_account, page_for_another_account};
pub(crate) use begin::begin;
pub(crate) use callback::callback;
pub(crate) use code_exchange::{CodeExchange, ExchangeStep};
pub(crate) use initiated::{LoginForm, initiated_login};
pub(crate) use page::page_to_return_to;

//! Calls to the OpenID Provider: the token endpoint, the UserInfo endpoint, the revocation
//! endpoint, client authentication, and what the provider publishes (`discovery`).
//!
//! This room builds requests and reads responses. It does not know sessions, pages, or the flow
//! that a call belongs to.

mod availability;
mod call_headers;
mod client_assertion;
pub mod discovery;
mod error;
mod error_response;
mod error_text;
mod sent_secrets;
mod token_request;
mod token_response;
mod token_revocation;
mod unreachable;
mod userinfo;

pub(crate) use availability::{PAUSE, Permission, ProviderAvailability};
pub(crate) use error::TokenRequestError;
pub(crate) use error_response::OAuthErrorCode;
pub(crate) use error_text::ErrorText;
pub(crate) use sent_secrets::SentSecrets;
pub(crate) use token_request::{ClientRequest, refresh_request, token_request};
pub(crate) use token_response::{TokenResponse, TokenResponseError};
pub(crate) use token_revocation::{read_revocation, revocation_request};
pub use unreachable::ProviderUnreachable;
pub(crate) use userinfo::{UserinfoError, read_userinfo, userinfo_request};

//! Every reason to refuse a request, and what the client, the user and the operator get to know of
//! it.
//!
//! Each flow has its own error type here. [`Refusal`] joins them, and `answer` maps each to its one
//! answer. This room knows the errors of the rooms below it. It does not know when a flow refuses a
//! request, or which cookies it sets with the answer.

mod answer;
mod bearer;
mod login;
mod logout;
mod refusal;
mod reply_context;
mod request;
mod text;

pub(crate) use answer::Remedy;
pub(crate) use bearer::BearerError;
pub(crate) use login::{AuthorizationError, LoginError};
pub(crate) use logout::LogoutError;
pub(crate) use refusal::Refusal;
pub(crate) use reply_context::{ReplyContext, RequestId};
pub(crate) use request::RequestError;

//! Every reason to refuse a request, and what each means to the client, to the person and to the operator.
//!
//! A flow has its own error type here. [`Refusal`] joins them, and `answer` maps each to its one answer. This room knows
//! the errors of the rooms below. It decides nothing: who refuses, and with which cookies, is up to the flows.

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

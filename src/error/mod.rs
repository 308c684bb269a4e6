//! Every reason to refuse a request, with the reply for the client, the page for the user and the
//! log line for the operator.
//!
//! Each flow has its own error type here. [`Refusal`] joins them, and `answer` maps each reason to
//! one reply. The module uses the error types of the modules below it. It does not decide when a
//! flow refuses a request, or which cookies the flow sets with the reply.

mod answer;
mod bearer;
mod login;
mod login_answer;
mod logout;
mod pages;
mod refusal;
mod remedy;
mod reply_context;
mod request;
mod row;
#[cfg(test)]
mod tests;

pub(crate) use bearer::BearerError;
pub(crate) use login::{AuthorizationError, LoginError};
pub(crate) use logout::LogoutError;
pub(crate) use refusal::Refusal;
pub(crate) use remedy::Remedy;
pub(crate) use reply_context::{ReplyContext, RequestId};
pub(crate) use request::RequestError;

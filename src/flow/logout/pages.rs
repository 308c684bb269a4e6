//! The pages of a sign-out.
//!
//! Scenarios: `tests/scenarios/logout.rs`.

use crate::base::event::{Event, Level};
use crate::error::ReplyContext;
use crate::http::page_layout::{Page, PageAction};
use crate::http::page_settings::Label;
use crate::http::reply::LocalReply;
use crate::runtime::RequestContext;

/// The page that asks whether to sign out. A program gets 403, because nothing was done.
pub(super) fn confirmation(context: &RequestContext) -> LocalReply {
    let action = PageAction::Button { action: context.tenant().login.logout_path.clone(), label: Label::SignOut };
    let page = Page {
        event: Event::LogoutConfirmation,
        title: "Sign out?",
        message: "Another site may have sent you here. Do you want to sign out of this site?",
        user: None,
        actions: vec![action],
    };
    let reply_context = context.reply_context();
    let status = if reply_context.html { 200 } else { 403 };
    reply_context.page(
        status,
        &page,
        reply_context.log(Level::Debug, page.event, "the request may come from another site"),
    )
}

/// The page after a sign-out without a visit to the issuer.
pub(super) fn signed_out(reply_context: &ReplyContext) -> LocalReply {
    let page = Page {
        event: Event::SignedOut,
        title: "Signed out",
        message: "You are signed out of this site.",
        user: None,
        actions: vec![PageAction::sign_in("/")],
    };
    reply_context.page(200, &page, reply_context.log(Level::Debug, Event::Logout, "session ended here"))
}

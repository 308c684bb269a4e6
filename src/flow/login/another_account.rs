//! A login with another account. The page of a refusal has a button for it, which posts to the
//! sign-out path. That path decides whether the user made the request.
//!
//! Scenarios: `tests/scenarios/pages.rs`.

use super::begin::{Beginning, begin_for};
use super::page::page_of;
use crate::base::encoding::form;
use crate::env::Env;
use crate::http::form::parameter;
use crate::http::page_layout::PageAction;
use crate::http::page_settings::Label;
use crate::http::reply::LocalReply;
use crate::runtime::RequestContext;

/// The button, with `page` to return to, or else the start page.
pub(crate) fn another_account(context: &RequestContext, page: Option<&str>) -> PageAction {
    let target = context.tenant().origin(&context.host) + page.unwrap_or("/");
    let query = form([(TARGET, target.as_str())]);
    let action = [&context.tenant().login.logout_path, "?", &query].concat();
    PageAction::Button { action, label: Label::AnotherAccount }
}

/// The page to open with another account, if the request for the sign-out path names one. It is on
/// the host that was asked for, else it is the start page.
pub(crate) fn page_for_another_account(context: &RequestContext) -> Option<String> {
    let query = context.target().query.unwrap_or_default();
    let target = parameter(query.as_bytes(), TARGET).ok()??;
    Some(page_of(&target, &context.tenant().origin(&context.host)))
}

/// Begins a login that returns to `page`, and where the issuer asks for credentials. The user has
/// asked for it, so this ends a redirect loop.
pub(crate) fn begin_with_another_account(context: &RequestContext, page: String, env: &mut Env<'_>) -> LocalReply {
    let address = context.tenant().origin(&context.host) + &page;
    begin_for(context, Beginning { asks: true, ..Beginning::at(page, 0) }, env)
        .unwrap_or_else(|error| context.reply_context().refuse_at(&error.into(), Some(&address)))
}

/// The parameter that names the page, as for a login that a third party begins (OpenID Connect Core
/// section 4).
const TARGET: &str = "target_link_uri";

//! The pages that a login can return to.

use url::{Position, Url};

use super::begin::MAX_PAGE;
use crate::runtime::RequestContext;

/// Path, query and fragment of `target`, if it is a page of `origin`, else the start page. A login
/// returns to the host that was asked for, so other hosts of the tenant are no targets either.
pub(super) fn page_of(target: &str, origin: &str) -> String {
    let url = Url::parse(target).ok().filter(|url| url.origin().ascii_serialization() == origin);
    url.map_or_else(|| "/".to_owned(), |url| url[Position::BeforePath..].to_owned())
}

/// The page of the request, if a login can return to it: it was asked for with a GET, and its
/// address is not too long.
pub(crate) fn page_to_return_to(context: &RequestContext) -> Option<String> {
    let page = context.target().to_string();
    (context.head.only(":method") == Some(b"GET") && page.len() <= MAX_PAGE).then_some(page)
}

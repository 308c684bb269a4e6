//! `tenants[].pages`: the texts that a tenant configures for its pages.

use std::collections::HashMap;

use super::cursor::Cursor;
use crate::base::event::Event;
use crate::http::page_layout::{PageText, PageTexts};

/// Reads the texts, by event. `None` if one of them could not be read.
pub(super) fn pages(at: &Cursor<'_>) -> Option<PageTexts> {
    let object = at.object();
    let fields = Event::PAGES.iter().map(|&page| (page, object.field(page.name()))).collect::<Vec<_>>();
    object.finish();
    let present = fields.iter().filter(|(_, at)| at.is_present());
    let texts: Option<HashMap<_, _>> = present.map(|(page, at)| Some((*page, text(at)?))).collect();
    texts.map(PageTexts::new)
}

fn text(at: &Cursor<'_>) -> Option<PageText> {
    let object = at.object();
    let (title, message) = (object.field("title"), object.field("message"));
    let required = |at: &Cursor<'_>| match at.required_text()? {
        "" => at.refuse("is empty"),
        text => Some(text.to_owned()),
    };
    let optional = |name| object.field(name).text().map(str::to_owned);
    let fields = (required(&title), required(&message), optional("link"), optional("lang"));
    object.finish();
    let (title, message, link, lang) = fields;
    Some(PageText { title: title?, message: message?, link, lang })
}

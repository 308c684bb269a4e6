//! `tenants[].pages`: a tenant's own words.

use std::collections::HashMap;

use super::cursor::Cursor;
use crate::denial::Denial;
use crate::page::{OwnWords, Words};

pub(super) fn pages(at: &Cursor<'_>) -> Option<OwnWords> {
    let object = at.object();
    let fields = Denial::PAGES.map(|code| (code, object.field(code)));
    object.finish();
    let present = fields.iter().filter(|(_, at)| at.is_present());
    let words: Option<HashMap<_, _>> = present.map(|(code, at)| Some((*code, words(at)?))).collect();
    words.map(OwnWords::new)
}

fn words(at: &Cursor<'_>) -> Option<Words> {
    let object = at.object();
    let (title, message) = (object.field("title"), object.field("message"));
    let required = |at: &Cursor<'_>| match at.required_text()? {
        "" => at.refuse("is empty"),
        text => Some(text.to_owned()),
    };
    let optional = |name| object.field(name).text().map(str::to_owned);
    let words = (required(&title), required(&message), optional("link"), optional("lang"));
    object.finish();
    let (title, message, link, lang) = words;
    Some(Words { title: title?, message: message?, link, lang })
}

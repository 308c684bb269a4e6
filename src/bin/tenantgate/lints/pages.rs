//! Markup in the texts of pages, which are plain text.

use super::Found;
use super::site::Site;
use crate::codes;
use crate::yaml::Node;

pub(super) fn lint(site: &Site<'_>) -> Vec<Found> {
    let pages = site.at("pages").map(Node::members).unwrap_or_default();
    let texts = pages.iter().flat_map(|page| {
        let texts = page.value.members().iter().filter_map(|member| Some((member.key.text()?, member.value.string()?)));
        texts.map(|(field, text)| (page.key.text().unwrap_or_default(), field, text))
    });
    texts
        .filter(|(_, _, text)| has_markup(text))
        .map(|(event, field, _)| {
            let message = "has HTML, and would be shown with its tags, since it is plain text; write the words alone";
            site.warning(codes::PAGE_MARKUP, &format!("pages.{event}.{field}"), message)
        })
        .collect()
}

/// Whether the text has a tag or a character reference of HTML.
fn has_markup(text: &str) -> bool {
    let mut tags = text.split('<').skip(1);
    let is_tag = |rest: &str| {
        let name = rest.trim_start_matches('/');
        name.starts_with(|c: char| c.is_ascii_lowercase()) && rest.contains('>')
    };
    tags.any(is_tag) || ["&nbsp;", "&amp;", "&lt;", "&gt;", "&quot;", "&#"].iter().any(|part| text.contains(part))
}

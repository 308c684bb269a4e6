//! What a page of the provider shows, for people.

use super::finding::quoted;
use crate::client::Answer;

/// The visible text of an HTML page, without its scripts.
pub(super) struct Page {
    title: Option<String>,
    pub(super) text: String,
}

impl Page {
    pub(super) fn of(answer: &Answer) -> Self {
        let html = String::from_utf8_lossy(&answer.body);
        let title = between(&html, "<title", "</title").map(visible).filter(|title| !title.is_empty());
        Self { title, text: visible(&without(&without(&without(&html, "script"), "style"), "title")) }
    }

    /// Title and beginning of the page.
    pub(super) fn describe(&self) -> String {
        let title = self.title.as_deref().map_or_else(String::new, |title| format!(" {}", quoted(title)));
        format!("a page{title}")
    }

    /// The same with the text.
    pub(super) fn describe_whole(&self) -> String {
        if self.text.is_empty() { self.describe() } else { format!("{}: {}", self.describe(), quoted(&self.text)) }
    }
}

/// What stands between an opening tag and the closing one.
fn between<'t>(html: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let lower = html.to_ascii_lowercase();
    let start = lower.find(open)?;
    let length = lower.get(start..)?.find(close)?;
    html.get(start..start.checked_add(length)?)?.split_once('>').map(|(_, inner)| inner)
}

/// The page without the elements of this name.
fn without(html: &str, name: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let (open, close) = (format!("<{name}"), format!("</{name}"));
    let mut out = String::new();
    let mut at = 0;
    while let Some(start) = lower.get(at..).and_then(|rest| rest.find(&open)).and_then(|found| found.checked_add(at)) {
        out.push_str(html.get(at..start).unwrap_or_default());
        let end = lower.get(start..).and_then(|rest| rest.find(&close)).and_then(|found| found.checked_add(start));
        at = end.unwrap_or(html.len());
    }
    out.push_str(html.get(at..).unwrap_or_default());
    out
}

/// The text outside of tags, on one line.
fn visible(html: &str) -> String {
    let mut out = String::new();
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                out.push(' ');
            }
            c if !in_tag => out.push(c),
            _ => {}
        }
    }
    let plain = [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " ")];
    let text = plain.iter().fold(out, |text, (name, c)| text.replace(name, c));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_page_is_what_people_see() {
        let html = "<html><HEAD><Title a='1'>We are\n sorry</Title><style>b{}</style></HEAD><body><script>var x='<p>';\
                    </script><h1>Invalid&nbsp;parameter:</h1> <b>redirect_uri</b></body>";
        assert_eq!(between(html, "<title", "</title").map(visible).as_deref(), Some("We are sorry"));
        let text = without(&without(&without(html, "script"), "style"), "title");
        assert_eq!(visible(&text), "Invalid parameter: redirect_uri");
        for broken in ["<title>x", "<script>", "<", "a<script", "\u{130}<title>İ</title>"] {
            let _ = (between(broken, "<title", "</title"), visible(&without(broken, "script")));
        }
    }
}

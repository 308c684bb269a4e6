//! The HTML pages that Tenantgate sends, and their JSON form. All pages have one layout, constant
//! texts and no script.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::encoding::base64;
use crate::base::event::Event;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A tenant's own texts for some of the pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageTexts(Arc<HashMap<Event, PageText>>);

/// The texts of one page. They are plain text: markup in them is escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageText {
    /// The title and the heading.
    pub title: String,
    /// The paragraph below the heading.
    pub message: String,
    /// The label of the link or button, instead of the default one.
    pub link: Option<String>,
    /// The language of the page, as a BCP 47 tag.
    pub lang: Option<String>,
}

impl PageTexts {
    /// The texts by the event of their page.
    pub fn new(texts: HashMap<Event, PageText>) -> Self {
        Self(Arc::new(texts))
    }
}

/// The content of a page.
pub(crate) struct Page {
    /// The event, whose name is the `error` of the JSON form.
    pub(crate) event: Event,
    /// The default title and heading.
    pub(crate) title: &'static str,
    /// The default paragraph below the heading, and the `message` of the JSON form.
    pub(crate) message: &'static str,
    /// The link or button, if the page has one.
    pub(crate) action: Option<PageAction>,
}

/// The link or button of a page.
pub(crate) enum PageAction {
    /// A link.
    Link { href: String, label: &'static str },
    /// A button that posts to `action`.
    Button { action: String, label: &'static str },
}

impl PageAction {
    /// A link to a page that requires a sign-in.
    pub(crate) fn sign_in(href: &str) -> Self {
        Self::Link { href: href.to_owned(), label: "Sign in" }
    }
}

impl Page {
    /// The page as HTML, with the tenant's own texts if it has some.
    pub(crate) fn html(&self, own: &PageTexts, request_id: &str) -> String {
        let own = own.0.get(&self.event);
        let title = escape(own.map_or(self.title, |text| &text.title));
        let message = escape(own.map_or(self.message, |text| &text.message));
        let lang = escape(own.and_then(|text| text.lang.as_deref()).unwrap_or("en"));
        let link = own.and_then(|text| text.link.as_deref());
        let action = self.action.as_ref().map(|action| html_of(action, link)).unwrap_or_default();
        let id = escape(request_id);
        format!(
            "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{message}</p>\n\
             {action}<p lang=\"en\"><small>Request id: <code>{id}</code></small></p>\n</main>\n</body>\n</html>\n"
        )
    }

    /// The page as JSON, for programs.
    pub(crate) fn json(&self, request_id: &str) -> String {
        /// The JSON body. The code is named `error` as in RFC 6749 and RFC 6750.
        #[derive(Serialize)]
        struct ErrorBody<'a> {
            error: &'a str,
            message: &'a str,
            request_id: &'a str,
        }
        let Self { event, message, .. } = *self;
        let error = event.name();
        let mut text = serde_json::to_string(&ErrorBody { error, message, request_id }).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The `Content-Security-Policy` of the page. It permits only the page's own style and button.
    /// Only `framed_by`, if any, may show the page in a frame. Chromium applies `form-action` to
    /// the redirects after a form, too, and an issuer may redirect onward, so a page with a button
    /// does not restrict it.
    pub(crate) fn content_security_policy(&self, framed_by: Option<&str>) -> String {
        let style = base64(&Sha256::digest(STYLE));
        let form = if self.has_form() { "" } else { " form-action 'none';" };
        format!(
            "default-src 'none'; style-src 'sha256-{style}';{form} base-uri 'none'; frame-ancestors {}",
            framed_by.unwrap_or("'none'")
        )
    }

    /// The `Referrer-Policy` of the page. With `no-referrer`, browsers send `Origin: null` with a
    /// form (Fetch standard, "append a request `Origin` header").
    pub(crate) fn referrer_policy(&self) -> &'static str {
        if self.has_form() { "same-origin" } else { "no-referrer" }
    }

    fn has_form(&self) -> bool {
        matches!(self.action, Some(PageAction::Button { .. }))
    }
}

/// The link or button as HTML, with the label `own` instead of the default one.
fn html_of(action: &PageAction, own: Option<&str>) -> String {
    let (PageAction::Link { label, .. } | PageAction::Button { label, .. }) = action;
    let label = escape(own.unwrap_or(label));
    match action {
        PageAction::Link { href, .. } => format!("<p><a href=\"{}\">{label}</a></p>\n", escape(href)),
        PageAction::Button { action, .. } => {
            format!("<form method=\"post\" action=\"{}\"><button>{label}</button></form>\n", escape(action))
        }
    }
}

/// Escapes `text` for HTML text and for quoted attributes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:0;color:#1b1f24;background:#f5f6f8;overflow-wrap:anywhere}\
    main{max-width:32rem;margin:15vh auto 0;padding:0 1.5rem}h1{font-size:1.5rem}\
    a,button{display:inline-block;padding:.5rem 1.25rem;border:0;border-radius:.375rem;font:inherit;color:#fff;\
    background:#0b57d0;text-decoration:none;cursor:pointer}a:focus-visible,button:focus-visible{outline:3px solid #8ab4f8}\
    small{color:#57606a}\
    @media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#16181c}small{color:#9aa0a6}}";

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: Event = Event::StateUnknown;

    #[test]
    fn attributes_and_texts_are_escaped() {
        let action = Some(PageAction::sign_in("https://acme.example/\"><script>&'"));
        let page = Page { event: EVENT, title: "T", message: "M", action };
        let html = page.html(&PageTexts::default(), "<b>");
        assert!(html.contains("href=\"https://acme.example/&quot;&gt;&lt;script&gt;&amp;&#39;\""), "{html}");
        assert!(html.contains("<code>&lt;b&gt;</code>"), "{html}");
    }

    #[test]
    fn own_texts_are_escaped() {
        let text = |text: &str| format!("{text} <b>&\"");
        let page_text =
            PageText { title: text("T"), message: text("M"), link: Some(text("L")), lang: Some(text("de")) };
        let own = PageTexts::new([(EVENT, page_text)].into());
        let page = |event| Page { event, title: "T", message: "M", action: Some(PageAction::sign_in("/")) };
        let html = page(EVENT).html(&own, "id");
        assert!(html.contains("<h1>T &lt;b&gt;&amp;&quot;</h1>\n<p>M &lt;b&gt;&amp;&quot;</p>"), "{html}");
        assert!(html.contains(">L &lt;b&gt;&amp;&quot;</a>") && !html.contains("<b>"), "{html}");
        assert!(html.contains("<html lang=\"de &lt;b&gt;&amp;&quot;\">"), "{html}");
        assert!(page(Event::SignedOut).html(&own, "id").contains("<h1>T</h1>\n<p>M</p>"));
    }

    #[test]
    fn only_a_page_with_a_button_permits_forms() {
        let page = |action| Page { event: EVENT, title: "T", message: "M", action };
        let without = page(None);
        assert!(without.content_security_policy(None).contains("; form-action 'none';"));
        assert_eq!(without.referrer_policy(), "no-referrer");
        let with = page(Some(PageAction::Button { action: "/out".to_owned(), label: "Out" }));
        assert!(!with.content_security_policy(None).contains("form-action"));
        assert_eq!(with.referrer_policy(), "same-origin");
    }
}

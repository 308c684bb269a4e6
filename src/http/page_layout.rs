//! The HTML pages that Tenantgate sends, and their JSON form. All pages have one layout and no
//! script.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::page_settings::{Contact, ENGLISH, Label, PageSettings};
use crate::base::encoding::base64;
use crate::base::event::Event;

/// The content of a page.
pub(crate) struct Page {
    /// The event, whose name is the `error` of the JSON form.
    pub(crate) event: Event,
    /// The default title and heading.
    pub(crate) title: &'static str,
    /// The default paragraph below the heading, and the `message` of the JSON form.
    pub(crate) message: &'static str,
    /// The user who is signed in, if the page is about that.
    pub(crate) user: Option<String>,
    /// The links and buttons, the most helpful one first.
    pub(crate) actions: Vec<PageAction>,
}

/// A link or a button of a page.
pub(crate) enum PageAction {
    /// A link.
    Link { href: String, label: Label },
    /// A button that posts to `action`.
    Button { action: String, label: Label },
}

impl PageAction {
    /// A link to a page that requires a sign-in.
    pub(crate) fn sign_in(href: &str) -> Self {
        Self::Link { href: href.to_owned(), label: Label::SignIn }
    }

    /// A link to the start page.
    pub(crate) fn start_page() -> Self {
        Self::Link { href: "/".to_owned(), label: Label::StartPage }
    }
}

impl Page {
    /// The page as HTML, with what the tenant configures for it. `host` is that of the site, if
    /// there is a site.
    pub(crate) fn html(&self, settings: &PageSettings, host: Option<&str>, request_id: &str) -> String {
        let own = settings.texts.iter().find(|(event, _)| *event == self.event).map(|(_, text)| text);
        let title = escape(own.map_or(self.title, |text| &text.title));
        let message = escape(own.map_or(self.message, |text| &text.message));
        let lang = own.and_then(|text| text.lang.as_deref()).unwrap_or(ENGLISH);
        let words = Words { settings, lang };
        let site = escape(settings.site_name.as_deref().or(host).unwrap_or_default());
        let dash = if site.is_empty() { "" } else { " – " };
        let banner = match &settings.logo {
            Some(logo) => format!("<img src=\"{}\" alt=\"{site}\">", logo.url()),
            None => site.clone(),
        };
        let who = self.user.as_ref().map(|user| {
            let user = format!("<bdi>{}</bdi>", escape(user));
            words.facts(&[(Label::SignedInAs, Some(&user)), (Label::Site, Some(&site))])
        });
        let contact = settings.contact.as_ref().map(contact);
        let id = format!("<code>{}</code>", escape(request_id));
        let facts = words.facts(&[(Label::Contact, contact.as_deref()), (Label::RequestId, Some(&id))]);
        let first = own.and_then(|text| text.link.as_deref());
        format!(
            "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}{dash}{site}</title>\n<style>{}</style>\n</head>\n<body>\n\
             <header>{banner}</header>\n<main>\n<h1>{title}</h1>\n<p>{message}</p>\n{}{}</main>\n\
             <footer>\n{facts}</footer>\n</body>\n</html>\n",
            escape(lang),
            style(settings),
            who.unwrap_or_default(),
            words.actions(&self.actions, first),
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

    /// The `Content-Security-Policy` of the page. It permits only the page's own style, logo and
    /// button. Only `framed_by`, if any, may show the page in a frame. Chromium applies
    /// `form-action` to the redirects after a form, too, and an issuer may redirect onward, so a
    /// page with a button does not restrict it.
    pub(crate) fn content_security_policy(&self, settings: &PageSettings, framed_by: Option<&str>) -> String {
        let style = base64(&Sha256::digest(style(settings)));
        let image = if settings.logo.is_some() { " img-src data:;" } else { "" };
        let form = if self.has_form() { "" } else { " form-action 'none';" };
        format!(
            "default-src 'none'; style-src 'sha256-{style}';{image}{form} base-uri 'none'; frame-ancestors {}",
            framed_by.unwrap_or("'none'")
        )
    }

    /// The `Referrer-Policy` of the page. With `no-referrer`, browsers send `Origin: null` with a
    /// form (Fetch standard, "append a request `Origin` header").
    pub(crate) fn referrer_policy(&self) -> &'static str {
        if self.has_form() { "same-origin" } else { "no-referrer" }
    }

    fn has_form(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, PageAction::Button { .. }))
    }
}

/// The words of a page in the language `lang`.
struct Words<'a> {
    settings: &'a PageSettings,
    lang: &'a str,
}

impl Words<'_> {
    /// The word for `label`, escaped, and the attribute that names its language if it is not that
    /// of the page.
    fn word(&self, label: Label) -> (String, String) {
        let (word, lang) = self.settings.labels.word(label);
        let other = if lang == self.lang { String::new() } else { format!(" lang=\"{}\"", escape(lang)) };
        (escape(word), other)
    }

    /// A list of facts. The values are HTML, and absent ones are left out.
    fn facts(&self, facts: &[(Label, Option<&str>)]) -> String {
        let mut html = "<dl>".to_owned();
        for (label, value) in facts {
            if let Some(value) = value {
                let (word, lang) = self.word(*label);
                // Writing to a string cannot fail.
                let _ = write!(html, "<dt{lang}>{word}</dt><dd>{value}</dd>");
            }
        }
        html + "</dl>\n"
    }

    /// The links and buttons. The first one looks like a button, and has the label `own` if there
    /// is one.
    fn actions(&self, actions: &[PageAction], own: Option<&str>) -> String {
        let mut html = String::new();
        for (number, action) in actions.iter().enumerate() {
            let (PageAction::Link { label, .. } | PageAction::Button { label, .. }) = action;
            let (word, lang) = match own.filter(|_| number == 0) {
                Some(own) => (escape(own), String::new()),
                None => self.word(*label),
            };
            let class = if number == 0 { " class=\"main\"" } else { "" };
            let _ = match action {
                PageAction::Link { href, .. } => {
                    writeln!(html, "<a href=\"{}\"{class}{lang}>{word}</a>", escape(href))
                }
                PageAction::Button { action, .. } => writeln!(
                    html,
                    "<form method=\"post\" action=\"{}\"><button{class}{lang}>{word}</button></form>",
                    escape(action)
                ),
            };
        }
        if html.is_empty() { html } else { format!("<div>\n{html}</div>\n") }
    }
}

/// The contact as a link.
fn contact(contact: &Contact) -> String {
    let (scheme, address) = match contact {
        Contact::Email(address) => ("mailto:", address),
        Contact::Page(url) => ("", url),
    };
    let address = escape(address);
    format!("<a href=\"{scheme}{address}\">{address}</a>")
}

/// Escapes `text` for HTML text and for quoted attributes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// The style: the colors and the layout.
fn style(settings: &PageSettings) -> String {
    let (light, dark) = (settings.light.css(), settings.dark.css());
    [":root{color-scheme:light dark;", &light, "}@media(prefers-color-scheme:dark){:root{", &dark, "}}", LAYOUT]
        .concat()
}

/// The ring around what has the focus has the color of the text, and a gap to what it surrounds: so
/// it is seen against the background, whatever color the button has.
const LAYOUT: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:0;color:var(--text);background:var(--background);\
    overflow-wrap:anywhere}body>*{max-width:34rem;margin:0 auto;padding:0 1.5rem}\
    header{padding-top:12vh;font-weight:600}img{display:block;max-width:100%;max-height:4rem}\
    h1{font-size:1.75rem;line-height:1.25;margin:1.5rem 0 .75rem}p{margin:.75rem 0}\
    div{display:flex;flex-wrap:wrap;gap:.75rem 1.5rem;align-items:center;margin:1.75rem 0}\
    a{color:inherit;padding:.125rem 0}\
    .main{display:inline-block;padding:.625rem 1.25rem;border:1px solid transparent;border-radius:.375rem;font:inherit;\
    color:var(--label);background:var(--accent);text-decoration:none;cursor:pointer}\
    :focus-visible{outline:3px solid var(--text);outline-offset:2px}\
    dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:1.25rem 0}dd{margin:0}main dd{font-weight:600}\
    footer{font-size:.875rem;padding-bottom:2rem}footer dl{margin-top:2.5rem}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::page_settings::PageText;

    const EVENT: Event = Event::StateUnknown;

    fn page(event: Event, actions: Vec<PageAction>) -> Page {
        Page { event, title: "T", message: "M", user: None, actions }
    }

    #[test]
    fn attributes_and_texts_are_escaped() {
        let page = page(EVENT, vec![PageAction::sign_in("https://acme.example/\"><script>&'")]);
        let page = Page { user: Some("<i>'".to_owned()), ..page };
        let html = page.html(&PageSettings::default(), Some("acme.example"), "<b>");
        assert!(html.contains("href=\"https://acme.example/&quot;&gt;&lt;script&gt;&amp;&#39;\""), "{html}");
        assert!(html.contains("<code>&lt;b&gt;</code>"), "{html}");
        assert!(html.contains("<bdi>&lt;i&gt;&#39;</bdi>"), "{html}");
        assert!(html.contains("<title>T – acme.example</title>") && html.contains("<header>acme.example<"), "{html}");
    }

    #[test]
    fn own_texts_are_escaped() {
        let text = |text: &str| format!("{text} <b>&\"");
        let page_text =
            PageText { title: text("T"), message: text("M"), link: Some(text("L")), lang: Some(text("de")) };
        let settings = PageSettings { texts: vec![(EVENT, page_text)], ..PageSettings::default() };
        let html =
            |event| page(event, vec![PageAction::sign_in("/"), PageAction::start_page()]).html(&settings, None, "id");
        let own = html(EVENT);
        assert!(own.contains("<h1>T &lt;b&gt;&amp;&quot;</h1>\n<p>M &lt;b&gt;&amp;&quot;</p>"), "{own}");
        assert!(own.contains(">L &lt;b&gt;&amp;&quot;</a>") && !own.contains("<b>"), "{own}");
        assert!(own.contains("<html lang=\"de &lt;b&gt;&amp;&quot;\">"), "{own}");
        // The label of the tenant is that of the first action.
        assert!(own.contains("<a href=\"/\" lang=\"en\">Back to the start page</a>"), "{own}");
        assert!(html(Event::SignedOut).contains("<h1>T</h1>\n<p>M</p>"));
    }

    #[test]
    fn only_a_page_with_a_button_permits_forms() {
        let settings = PageSettings::default();
        let without = page(EVENT, Vec::new());
        assert!(without.content_security_policy(&settings, None).contains("; form-action 'none';"));
        assert_eq!(without.referrer_policy(), "no-referrer");
        let with = page(EVENT, vec![PageAction::Button { action: "/out".to_owned(), label: Label::SignOut }]);
        assert!(!with.content_security_policy(&settings, None).contains("form-action"));
        assert_eq!(with.referrer_policy(), "same-origin");
    }
}

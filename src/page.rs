//! The pages that a person can get from the gate: one plain layout, constant texts, no script.

use crate::encode::base64;
use sha2::{Digest, Sha256};

/// What a page says.
pub(crate) struct Page {
    /// A fixed word for programs.
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) message: &'static str,
    /// The one way on, if there is one.
    pub(crate) way: Option<Way>,
}

/// A way on from a page.
pub(crate) enum Way {
    /// A link.
    Link { href: String, label: &'static str },
    /// A button that posts to `action`. `leads_to` is the origin that the answer redirects to, which the content security policy has to name.
    Button { action: String, label: &'static str, leads_to: Option<String> },
}

impl Way {
    /// Leads to a page that asks for a sign-in.
    pub(crate) fn sign_in(href: &str) -> Self {
        Self::Link { href: href.to_owned(), label: "Sign in" }
    }
}

impl Page {
    /// The page as HTML.
    pub(crate) fn html(&self, request_id: &str) -> String {
        let Self { title, message, .. } = self;
        let way = self.way.as_ref().map(html_of).unwrap_or_default();
        let id = escape(request_id);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{message}</p>\n\
             {way}<p><small>Request id: <code>{id}</code></small></p>\n</main>\n</body>\n</html>\n"
        )
    }

    /// The page for programs.
    pub(crate) fn json(&self, request_id: &str) -> String {
        let Self { code, message, .. } = self;
        let mut text = serde_json::json!({ "error": code, "message": message, "request_id": request_id }).to_string();
        text.push('\n');
        text
    }

    /// The `Content-Security-Policy` of the page: nothing but its own style, its own button, and no frame around it but of `framed_by`.
    pub(crate) fn content_security_policy(&self, framed_by: Option<&str>) -> String {
        let style = base64(&Sha256::digest(STYLE));
        let form = match &self.way {
            Some(Way::Button { leads_to: Some(origin), .. }) => format!("'self' {origin}"),
            Some(Way::Button { leads_to: None, .. }) => "'self'".to_owned(),
            Some(Way::Link { .. }) | None => "'none'".to_owned(),
        };
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; form-action {form}; base-uri 'none'; frame-ancestors {}",
            framed_by.unwrap_or("'none'")
        )
    }
}

fn html_of(way: &Way) -> String {
    match way {
        Way::Link { href, label } => format!("<p><a href=\"{}\">{label}</a></p>\n", escape(href)),
        Way::Button { action, label, .. } => {
            format!("<form method=\"post\" action=\"{}\"><button>{label}</button></form>\n", escape(action))
        }
    }
}

/// For text and for attributes in double quotes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:0;color:#1b1f24;background:#f5f6f8}\
    main{max-width:32rem;margin:15vh auto 0;padding:0 1.5rem}h1{font-size:1.5rem}\
    a,button{display:inline-block;padding:.5rem 1.25rem;border:0;border-radius:.375rem;font:inherit;color:#fff;\
    background:#0b57d0;text-decoration:none;cursor:pointer}a:focus-visible,button:focus-visible{outline:3px solid #8ab4f8}\
    small{color:#57606a}\
    @media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#16181c}small{color:#9aa0a6}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_an_attribute_or_a_text() {
        let way = Some(Way::sign_in("https://acme.example/\"><script>&'"));
        let page = Page { code: "c", title: "T", message: "M", way };
        let html = page.html("<b>");
        assert!(html.contains("href=\"https://acme.example/&quot;&gt;&lt;script&gt;&amp;&#39;\""), "{html}");
        assert!(html.contains("<code>&lt;b&gt;</code>"), "{html}");
    }

    #[test]
    fn a_form_may_go_only_where_the_button_leads() {
        let page = |way| Page { code: "c", title: "T", message: "M", way }.content_security_policy(None);
        assert!(page(None).contains("form-action 'none';"));
        let button =
            Way::Button { action: "/out".to_owned(), label: "Out", leads_to: Some("https://i.example".to_owned()) };
        assert!(page(Some(button)).contains("form-action 'self' https://i.example;"));
    }
}

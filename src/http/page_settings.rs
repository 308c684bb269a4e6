//! What a tenant configures for its pages: texts, the name of the site, a contact, a logo, colors.

use super::page_colors::Palette;
use crate::base::event::Event;

/// What a tenant configures for its pages. All texts are plain: markup in them is escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSettings {
    /// The texts of single pages, each with the event of its page.
    pub texts: Vec<(Event, PageText)>,
    /// The words that pages share.
    pub labels: Labels,
    /// The name of the site, instead of the host.
    pub site_name: Option<String>,
    /// Whom a user can ask.
    pub contact: Option<Contact>,
    /// The logo.
    pub logo: Option<Logo>,
    /// The colors for light screens.
    pub light: Palette,
    /// The colors for dark screens.
    pub dark: Palette,
}

impl Default for PageSettings {
    fn default() -> Self {
        Self {
            texts: Vec::new(),
            labels: Labels::default(),
            site_name: None,
            contact: None,
            logo: None,
            light: Palette::LIGHT,
            dark: Palette::DARK,
        }
    }
}

/// The texts of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageText {
    /// The title and the heading.
    pub title: String,
    /// The paragraph below the heading.
    pub message: String,
    /// The label of the first link or button, instead of the default one.
    pub link: Option<String>,
    /// The language of the page, as a BCP 47 tag.
    pub lang: Option<String>,
}

/// The words that pages share, as far as the tenant has its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// The words, each with its label.
    pub words: Vec<(Label, String)>,
    /// Their language, as a BCP 47 tag.
    pub lang: Option<String>,
}

impl Labels {
    /// The word for `label`, and its language.
    pub(super) fn word(&self, label: Label) -> (&str, &str) {
        match self.words.iter().find(|(own, _)| *own == label) {
            Some((_, word)) => (word, self.lang.as_deref().unwrap_or(ENGLISH)),
            None => (label.names().1, ENGLISH),
        }
    }
}

/// A word that pages share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// The button that signs in with another account.
    AnotherAccount,
    /// Whom the user can ask.
    Contact,
    /// The id of the request.
    RequestId,
    /// The link to a page that begins a login.
    SignIn,
    /// The link to a page that begins a login where the issuer asks for credentials.
    SignInAgain,
    /// The button that signs out.
    SignOut,
    /// Who is signed in.
    SignedInAs,
    /// The name of the site.
    Site,
    /// The link to the start page.
    StartPage,
    /// The link to the page that was asked for.
    TryAgain,
}

impl Label {
    /// Every label, sorted by name.
    pub const ALL: [Self; 10] = [
        Self::AnotherAccount,
        Self::Contact,
        Self::RequestId,
        Self::SignIn,
        Self::SignInAgain,
        Self::SignOut,
        Self::SignedInAs,
        Self::Site,
        Self::StartPage,
        Self::TryAgain,
    ];

    /// The name in the configuration, and the default word.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::AnotherAccount => ("another_account", "Sign in with another account"),
            Self::Contact => ("contact", "Contact"),
            Self::RequestId => ("request_id", "Request id"),
            Self::SignIn => ("sign_in", "Sign in"),
            Self::SignInAgain => ("sign_in_again", "Sign in again"),
            Self::SignOut => ("sign_out", "Sign out"),
            Self::SignedInAs => ("signed_in_as", "Signed in as"),
            Self::Site => ("site", "Site"),
            Self::StartPage => ("start_page", "Back to the start page"),
            Self::TryAgain => ("try_again", "Try again"),
        }
    }
}

/// Whom a user can ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    /// An e-mail address, of characters that need no escapes in a `mailto` URI (RFC 6068).
    Email(String),
    /// A page.
    Page(String),
}

/// A logo: a `data` URL (RFC 2397) of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo(String);

impl Logo {
    /// The longest URL, in bytes. Each page has it.
    pub const MAX_LENGTH: usize = 16 * 1024;

    /// Reads the URL: one of the types of images that all browsers show, in base64.
    pub fn parse(text: &str) -> Option<Self> {
        let (media_type, data) = text.strip_prefix("data:image/")?.split_once(";base64,")?;
        let is_known = ["gif", "jpeg", "png", "svg+xml", "webp"].contains(&media_type);
        let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        (is_known && !data.is_empty() && data.bytes().all(is_base64)).then(|| Self(text.to_owned()))
    }

    /// The URL.
    pub(super) fn url(&self) -> &str {
        &self.0
    }
}

/// The language of the default texts.
pub(super) const ENGLISH: &str = "en";

#[cfg(test)]
mod tests {
    use super::*;

    /// `pages` has the events and these fields side by side.
    #[test]
    fn no_event_is_called_like_a_setting() {
        for setting in ["colors", "contact", "labels", "logo", "site_name"] {
            assert!(Event::ALL.iter().all(|event| event.name() != setting), "{setting}");
        }
    }

    #[test]
    fn a_logo_is_an_image_in_base64() {
        for url in ["data:image/png;base64,AAAA", "data:image/svg+xml;base64,PHN2Zz4="] {
            assert_eq!(Logo::parse(url).unwrap().url(), url);
        }
        for url in [
            "",
            "https://acme.example/logo.png",
            "/logo.png",
            "data:image/png,AAAA",
            "data:image/png;base64,",
            "data:image/png;base64,AA\"A",
            "data:image/svg+xml;utf8,<svg/>",
            "data:image/svg+xml;charset=utf-8;base64,AAAA",
            "data:text/html;base64,AAAA",
            "DATA:image/png;base64,AAAA",
        ] {
            assert_eq!(Logo::parse(url), None, "{url}");
        }
    }
}

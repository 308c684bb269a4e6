//! The actions that can help a user whose request was refused.

use crate::http::page_layout::PageAction;
use crate::http::page_settings::Label;

/// An action that can help a user whose request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// The same as [`SignInAgain`](Self::SignInAgain), with another account.
    AnotherAccount,
    /// Sign in at the start page: it is not known what the user asked for, or no login returns
    /// there.
    SignIn,
    /// Repeat the request with a login where the issuer asks for credentials. The session at the
    /// issuer still exists, so a plain retry would often fail in the same way, without a prompt.
    SignInAgain,
    /// Go to the start page.
    StartPage,
    /// Repeat the request.
    TryAgain,
}

impl Remedy {
    /// The link that the page has. `page` is what the user asked for, if it is known.
    pub(crate) fn action(self, page: Option<&str>) -> Option<PageAction> {
        let label = match self {
            Self::SignIn => return Some(PageAction::sign_in("/")),
            Self::StartPage => return Some(PageAction::start_page()),
            Self::AnotherAccount => Label::AnotherAccount,
            Self::SignInAgain => Label::SignInAgain,
            Self::TryAgain => Label::TryAgain,
        };
        page.map(|page| PageAction::Link { href: page.to_owned(), label })
    }

    /// Whether the issuer has to ask for credentials at the next login.
    pub(crate) fn needs_prompt(self) -> bool {
        match self {
            Self::AnotherAccount | Self::SignInAgain => true,
            Self::SignIn | Self::StartPage | Self::TryAgain => false,
        }
    }
}

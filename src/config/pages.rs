//! `tenants[].pages`: what a tenant configures for its pages.

use super::cursor::Cursor;
use super::values::{Scheme, url};
use crate::base::event::Event;
use crate::http::host::Host;
use crate::http::page_colors::{Color, LowContrast, Palette};
use crate::http::page_settings::{Contact, Label, Labels, Logo, PageSettings, PageText};

/// Reads the section. `None` if it has a mistake.
pub(super) fn pages(at: &Cursor<'_>, scheme: Scheme) -> Option<PageSettings> {
    let object = at.object();
    let fields = Event::PAGES.iter().map(|&page| (page, object.field(page.name()))).collect::<Vec<_>>();
    let colors_at = object.field("colors");
    let colors = colors_at.object();
    let (light, dark) = (colors.field("light"), colors.field("dark"));
    let (light, dark) = (palette(&light, Palette::LIGHT), palette(&dark, Palette::DARK));
    colors.finish();
    let contact = optional(&object.field("contact"), |at| contact(at, scheme));
    let labels = labels(&object.field("labels"));
    let logo = optional(&object.field("logo"), logo);
    let site_name = optional(&object.field("site_name"), not_empty);
    object.finish();
    let present = fields.iter().filter(|(_, at)| at.is_present());
    let texts: Option<Vec<_>> = present.map(|(page, at)| Some((*page, text(at)?))).collect();
    Some(PageSettings {
        texts: texts?,
        labels: labels?,
        site_name: site_name?,
        contact: contact?,
        logo: logo?,
        light: light?,
        dark: dark?,
    })
}

/// `Some(None)` if there is no value.
fn optional<T>(at: &Cursor<'_>, read: impl Fn(&Cursor<'_>) -> Option<T>) -> Option<Option<T>> {
    if at.is_present() { read(at).map(Some) } else { Some(None) }
}

fn not_empty(at: &Cursor<'_>) -> Option<String> {
    match at.text()? {
        "" => at.refuse("is empty"),
        text => Some(text.to_owned()),
    }
}

fn text(at: &Cursor<'_>) -> Option<PageText> {
    let object = at.object();
    let required = |name| {
        let at = object.field(name);
        at.required_text().and_then(|_| not_empty(&at))
    };
    let optional = |name| object.field(name).text().map(str::to_owned);
    let (title, message, link, lang) = (required("title"), required("message"), optional("link"), optional("lang"));
    object.finish();
    Some(PageText { title: title?, message: message?, link, lang })
}

fn labels(at: &Cursor<'_>) -> Option<Labels> {
    let object = at.object();
    let fields = Label::ALL.map(|label| (label, object.field(label.names().0)));
    let lang = optional(&object.field("lang"), not_empty);
    object.finish();
    let present = fields.iter().filter(|(_, at)| at.is_present());
    let words: Option<Vec<_>> = present.map(|(label, at)| Some((*label, not_empty(at)?))).collect();
    Some(Labels { words: words?, lang: lang? })
}

fn palette(at: &Cursor<'_>, default: Palette) -> Option<Palette> {
    let object = at.object();
    let (accent_at, text_at) = (object.field("accent"), object.field("text"));
    let (accent, text) = (optional(&accent_at, color), optional(&text_at, color));
    let background = optional(&object.field("background"), color);
    object.finish();
    match default.with(accent?, background?, text?) {
        error @ Err(LowContrast::Accent(_)) => accent_at.note(error),
        palette => text_at.note(palette),
    }
}

fn color(at: &Cursor<'_>) -> Option<Color> {
    let text = at.text()?;
    let color = Color::parse(text);
    if color.is_none() {
        at.error(format!("{text:?} is not a color; write it as \"#0b57d0\""));
    }
    color
}

/// Reads an e-mail address, or the URL of a page.
fn contact(at: &Cursor<'_>, scheme: Scheme) -> Option<Contact> {
    let text = at.text()?;
    if text.contains("://") {
        return url(at, scheme).map(|url| Contact::Page((*url).into()));
    }
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-');
    match text.split_once('@') {
        Some((user, host)) if !user.is_empty() && user.bytes().all(is_plain) && Host::from_name(host).is_ok() => {
            Some(Contact::Email(text.to_owned()))
        }
        _ => at.refuse(format!("{text:?} is neither an e-mail address nor an https URL")),
    }
}

fn logo(at: &Cursor<'_>) -> Option<Logo> {
    let text = at.text()?;
    if text.len() > Logo::MAX_LENGTH {
        return at.refuse(format!("is longer than {} bytes; each page has it", Logo::MAX_LENGTH));
    }
    let logo = Logo::parse(text);
    if logo.is_none() {
        at.error(
            "is not a data URL of an image; write it as \"data:image/png;base64,...\", with gif, jpeg, png, svg+xml or \
             webp",
        );
    }
    logo
}

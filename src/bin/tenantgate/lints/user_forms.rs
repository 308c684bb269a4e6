//! User names and addresses in another form than those of the tokens.

use super::Found;
use super::names::{Kind, Name, is_odd, names};
use super::site::Site;
use crate::codes;
use crate::known_provider::KnownProvider;

pub(super) fn lint(site: &Site<'_>) -> Option<Found> {
    let claim = match site.at("identity.user") {
        None => "sub",
        Some(node) => node.string()?,
    };
    let provider = site.provider();
    let names = names(site);
    let message = |name: &Name<'_>| match name.kind {
        Kind::User => problem(name.text, claim, provider),
        Kind::Email => address(name.text, provider),
        Kind::Group => None,
    };
    // The others are of the same kind.
    let (name, message) = names.iter().filter(|name| !is_odd(name)).find_map(|name| Some((name, message(name)?)))?;
    Some(site.warning(codes::NAME_FORM, &name.path, &message))
}

fn problem(text: &str, claim: &str, provider: Option<KnownProvider>) -> Option<String> {
    let form = provider.and_then(|provider| Some((provider, provider.subject_form(text)?)));
    match claim {
        "sub" if text.contains('@') => Some(format!(
            "\"{text}\" is an e-mail address, and user names come from `sub`; write `emails: [{text}]`, or set \
             `identity.user: email`"
        )),
        "sub" => {
            let (provider, (form, false)) = form? else { return None };
            Some(format!(
                "\"{text}\" is no user: user names come from `sub`, which is {form} at {}; set `identity.user`, such as \
                 to `preferred_username`",
                provider.name()
            ))
        }
        "email" if !text.contains('@') => Some(format!(
            "\"{text}\" is no user: user names are e-mail addresses here; write the address, or set `identity.user` to \
             the claim with such names"
        )),
        "email" => address(text, provider),
        "preferred_username" if provider == Some(KnownProvider::Keycloak) => {
            lower_case(text, "Keycloak has user names")
        }
        _ => None,
    }
}

/// Entra ID sends addresses as somebody has typed them.
fn address(text: &str, provider: Option<KnownProvider>) -> Option<String> {
    lower_case(text, "most issuers send addresses").filter(|_| provider != Some(KnownProvider::EntraId))
}

fn lower_case(text: &str, who: &str) -> Option<String> {
    let lower = text.to_lowercase();
    (lower != text).then(|| format!("\"{text}\" has upper case, and {who} in lower case; write \"{lower}\""))
}

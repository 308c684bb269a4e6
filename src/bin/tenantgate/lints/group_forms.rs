//! Groups that are written in another form than those of the tokens.

use super::Found;
use super::names::{Kind, Name, is_odd, names};
use super::site::Site;
use crate::codes;
use crate::known_provider::{KnownProvider, is_uuid};

pub(super) fn lint(site: &Site<'_>) -> Option<Found> {
    let all = names(site);
    let groups: Vec<&Name<'_>> = all.iter().filter(|name| name.kind == Kind::Group && !is_odd(name)).collect();
    let first = groups.first()?;
    let warning = |path: &str, message: &str| site.warning(codes::NAME_FORM, path, message);
    // The others are of the same kind, so one finding is enough.
    if let Some((name, message)) = groups.iter().find_map(|name| Some((name, removed(name.text, site)?))) {
        return Some(warning(&name.path, &message));
    }
    let is_default = site.at("identity.groups").is_none_or(|node| node.string() == Some("groups"));
    let provider = site.provider();
    if let Some(message) = provider.filter(|_| is_default).and_then(|provider| of_provider(provider, &groups)) {
        return Some(warning(&first.path, &message));
    }
    let is_slashed = |name: &&&Name<'_>| name.text.starts_with('/');
    let odd = groups.iter().find(|name| is_slashed(name) != is_slashed(&first));
    if let Some(odd) = odd {
        let slashed = if is_slashed(&odd) { odd } else { first };
        let bare = slashed.text.trim_start_matches('/');
        let message = format!(
            "some groups begin with a slash here, and some do not; write them as in the tokens, or write \"{bare}\" and \
             set `identity.group_prefix: /`"
        );
        return Some(warning(&odd.path, &message));
    }
    let names_are_plain = provider.is_some() || groups.iter().any(|name| !is_distinguished(name.text));
    let distinguished = groups.iter().find(|name| is_distinguished(name.text)).filter(|_| names_are_plain)?;
    let name = common_name(distinguished.text)?;
    let who = match provider {
        Some(provider) => format!("{} sends plain names", provider.name()),
        None => "other groups here are plain names".to_owned(),
    };
    let message = format!(
        "is a distinguished name, and {who}; write \"{name}\", with `identity.group_common_name: true` if tokens have \
         distinguished names"
    );
    Some(warning(&distinguished.path, &message))
}

/// What the settings of the tenant remove from each group before it is compared.
fn removed(text: &str, site: &Site<'_>) -> Option<String> {
    if site.is_true("identity.group_common_name") && is_distinguished(text) {
        let name = common_name(text)?;
        return Some(format!("is never a group, since `identity.group_common_name` reduces it; write \"{name}\""));
    }
    let part = |field: &str| site.text(field).filter(|part| !part.is_empty());
    let prefix = part("identity.group_prefix").and_then(|part| Some(("group_prefix", text.strip_prefix(part)?)));
    let suffix = || part("identity.group_suffix").and_then(|part| Some(("group_suffix", text.strip_suffix(part)?)));
    let (field, rest) = prefix.or_else(suffix)?;
    Some(format!("is never a group, since `identity.{field}` is removed from each; write \"{rest}\""))
}

/// What a provider has in the claim `groups`.
fn of_provider(provider: KnownProvider, groups: &[&Name<'_>]) -> Option<String> {
    match provider {
        KnownProvider::Google => Some(
            "is never a group, since Google sends none; write `users`, `emails` or `email_domains`, or put dex with its \
             Google connector before it"
                .to_owned(),
        ),
        KnownProvider::Cognito => {
            Some("is never a group, since Cognito has another claim for groups; set `identity.groups: cognito:groups`".to_owned())
        }
        KnownProvider::EntraId if !groups.iter().any(|name| is_uuid(name.text)) => Some(
            "is a name, and Entra ID sends the object ids of groups unless it is told to send names; write the object \
             id, a UUID, or assign app roles and set `identity.groups: roles`"
                .to_owned(),
        ),
        KnownProvider::Auth0
        | KnownProvider::EntraId
        | KnownProvider::Keycloak
        | KnownProvider::Okta
        | KnownProvider::OktaOrganization => None,
    }
}

/// Whether the text has the form of a distinguished name (RFC 4514).
fn is_distinguished(text: &str) -> bool {
    let attribute = text.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
    text.contains('=') && ["cn", "ou", "uid", "dc", "o"].contains(&attribute.as_str())
}

fn common_name(text: &str) -> Option<&str> {
    let first = text.split(',').next()?;
    Some(first.split_once('=')?.1.trim())
}

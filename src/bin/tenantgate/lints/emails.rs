//! Addresses that never count, because the provider says of none that it is verified.

use super::Found;
use super::names::{Kind, names};
use super::site::Site;
use crate::codes;
use crate::known_provider::KnownProvider;

pub(super) fn lint(site: &Site<'_>) -> Option<Found> {
    let relies = site.at("identity.require_email_verified").is_none_or(|node| node.value() == true);
    let provider = site.provider();
    if provider != Some(KnownProvider::EntraId) || !relies {
        return None;
    }
    let address = names(site).into_iter().find(|name| name.kind == Kind::Email).map(|name| name.path);
    let rules = 0..site.count("access");
    let domain = rules.map(|rule| format!("access[{rule}].allow.email_domains")).find(|path| site.at(path).is_some());
    let user = (site.text("identity.user") == Some("email")).then(|| "identity.user".to_owned());
    let path = user.or(address).or(domain)?;
    let message = "counts only where `email_verified` is true, which Entra ID does not send; name groups, or set \
                   `identity.require_email_verified: false` if nobody but its administrators can set addresses";
    Some(site.warning(codes::RULE_EMAIL, &path, message))
}

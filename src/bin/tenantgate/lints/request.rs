//! What an authorization request asks for, misspelled.

use super::Found;
use super::site::Site;
use crate::codes;

pub(super) fn lint(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for list in ["login.scopes", "bearer.scopes"] {
        for (path, text) in site.texts(list) {
            found.extend(scope(text).map(|message| site.warning(codes::REQUEST, &path, &message)));
        }
    }
    if let Some(text) = site.text("login.prompt") {
        found.extend(prompt(text).map(|message| site.warning(codes::REQUEST, "login.prompt", &message)));
    }
    let hint = site.text("login.login_hint").filter(|text| !text.starts_with('@') && text.contains('@'));
    if let Some(hint) = hint {
        let domain = hint.rsplit('@').next().unwrap_or_default();
        let message = format!(
            "is sent with the login of every user, and names one; write what fits all of them, such as \"@{domain}\""
        );
        found.push(site.warning(codes::REQUEST, "login.login_hint", &message));
    }
    let claims = site.at("login.claims").map(crate::yaml::Node::members).unwrap_or_default();
    let odd =
        claims.iter().filter_map(|member| member.key.text()).find(|name| !["id_token", "userinfo"].contains(name));
    if let Some(name) = odd {
        let message =
            format!("\"{name}\" stands where only `id_token` and `userinfo` do; write {{id_token: {{{name}: null}}}}");
        found.push(site.warning(codes::REQUEST, &format!("login.claims[{name:?}]"), &message));
    }
    let members = site.at("login.parameters").map(crate::yaml::Node::members).unwrap_or_default();
    for name in members.iter().filter_map(|member| member.key.text()).filter(|name| is_secret(name)) {
        let message = format!(
            "\"{name}\" would stand in the address bar of every browser; remove it: `client_secret` and `client_key` \
             are sent to the token endpoint alone"
        );
        found.push(site.warning(codes::REQUEST, &format!("login.parameters[{name:?}]"), &message));
    }
    found
}

fn scope(text: &str) -> Option<String> {
    if text.contains(',') {
        return Some(format!("is one scope with a comma in it; write [{}]", text.replace(',', ", ")));
    }
    let lower = text.to_ascii_lowercase();
    let plain = |text: &str| text.replace(['-', '_', '.'], "");
    let meant = SCOPES.iter().find(|scope| {
        **scope != text
            && (**scope == lower
                || plain(scope) == plain(&lower)
                || (scope.len() > 5 && strsim::osa_distance(scope, text) == 1))
    })?;
    Some(format!("is no scope of OpenID Connect; write `{meant}`"))
}

fn prompt(text: &str) -> Option<String> {
    let word = text.split([' ', ',']).find(|word| !PROMPTS.contains(word));
    if text.contains(',') {
        return Some(format!(
            "has a comma, and its values are separated by spaces; write \"{}\"",
            text.replace(',', " ")
        ));
    }
    let word = word?;
    let plain = word.to_ascii_lowercase().replace('-', "_");
    let meant = PROMPTS.iter().find(|prompt| **prompt == plain || strsim::osa_distance(prompt, &plain) <= 2);
    meant.map(|meant| format!("has \"{word}\", which OpenID Connect does not have; write `{meant}`"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["secret", "password", "client_assertion", "api_key", "apikey"].iter().any(|part| name.contains(part))
}

/// OpenID Connect Core section 3.1.2.1, and Initiating User Registration 1.0.
const PROMPTS: [&str; 5] = ["login", "consent", "select_account", "create", "none"];
/// OpenID Connect Core sections 3.1.2.1, 5.4 and 11. `group` is one of some providers.
const SCOPES: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

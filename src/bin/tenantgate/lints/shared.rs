//! What two tenants have in common and should not.

use super::site::Site;
use super::{Found, Scene, issuer};
use crate::codes;
use crate::yaml::{Content, Node};

/// The warnings about all pairs of tenants, each at the second of them, and about secrets that have
/// two purposes.
pub(super) fn lint(scene: &Scene<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = scene.tenants.iter().filter_map(|site| session_key(site, scene)).collect();
    for (number, site) in scene.tenants.iter().enumerate() {
        let before = || scene.tenants.iter().take(number);
        found.extend(before().find_map(|first| secret(first, site, scene)));
        found.extend(before().find_map(|first| client(first, site)));
        found.extend(before().find_map(|first| spelling(first, site)));
        found.extend(before().find_map(|first| keys(first, site)));
    }
    found
}

/// A session key that is sent to an issuer.
fn session_key(site: &Site<'_>, scene: &Scene<'_>) -> Option<Found> {
    let name = site.at("client_secret.env").and_then(Node::text)?;
    let keys = scene.configuration.node.at("session.keys").map(Node::elements).unwrap_or_default();
    let is_same = keys.iter().any(|key| key.get("env").and_then(Node::text) == Some(name));
    is_same.then(|| {
        let message = format!(
            "{name} is a session key, too, and would be sent to the issuer; give the secret a variable of its own"
        );
        site.warning(codes::SHARED_SECRET, "client_secret.env", &message)
    })
}

/// A secret that two clients have. Each issuer makes its own.
fn secret(first: &Site<'_>, second: &Site<'_>, scene: &Scene<'_>) -> Option<Found> {
    let is_same_client = ["issuer", "client_id"].iter().all(|field| first.text(field) == second.text(field));
    let (a, b) = (first.at("client_secret")?, second.at("client_secret")?);
    let names = [a, b].map(|node| node.get("env").and_then(Node::text));
    let value = |node: &Node, name: Option<&str>| match name {
        Some(name) => scene.vm.known(name),
        None => node.string().map(str::to_owned),
    };
    let [name, other] = names;
    let is_same = (name.is_some() && name == other)
        || value(a, name).is_some_and(|value_a| value(b, other).as_ref() == Some(&value_a));
    (is_same && !is_same_client).then(|| {
        let path = if other.is_some() { "client_secret.env" } else { "client_secret" };
        let message = format!(
            "is the secret of {}, too, which is another client; give each client the secret that its own issuer shows",
            first.label
        );
        second.warning(codes::SHARED_SECRET, path, &message)
    })
}

/// An issuer that is written in two ways, one of which is wrong.
fn spelling(first: &Site<'_>, second: &Site<'_>) -> Option<Found> {
    let (a, b) = (first.text("issuer")?, second.text("issuer")?);
    let plain = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    let is_known = issuer::lint(first).is_some() || issuer::lint(second).is_some();
    (a != b && plain(a) == plain(b) && !is_known).then(|| {
        let message = format!(
            "is \"{a}\" at {}, and tokens have one spelling; write the `issuer` of its metadata at both",
            first.label
        );
        second.warning(codes::ISSUER_FORM, "issuer", &message)
    })
}

/// One client for two tenants, where nothing keeps the users of one out of the other.
fn client(first: &Site<'_>, second: &Site<'_>) -> Option<Found> {
    let same = |field: &str| first.text(field).is_some_and(|text| second.text(field) == Some(text));
    let is_open = |site: &Site<'_>| {
        let by_rule =
            (0..site.count("access")).any(|rule| site.text(&format!("access[{rule}].allow")) == Some("any_user"));
        site.at("access").is_none() || by_rule || site.text("access_default") == Some("any_user")
    };
    (same("issuer") && same("client_id") && (is_open(first) || is_open(second))).then(|| {
        let message = format!(
            "is also the client of {}, so every user of one tenant is a user of the other; register a client for each, \
             or let rules in `access` name groups",
            first.label
        );
        second.warning(codes::SHARED_CLIENT, "client_id", &message)
    })
}

/// A public key that two issuers have.
fn keys(first: &Site<'_>, second: &Site<'_>) -> Option<Found> {
    if first.text("issuer") == second.text("issuer") {
        return None;
    }
    let theirs: Vec<String> = material(first.at("keys")?).into_iter().map(|(_, key)| key).collect();
    let (index, _) = material(second.at("keys")?).into_iter().find(|(_, key)| theirs.contains(key))?;
    let message = format!(
        "has a key of {}, whose issuer is another one; write the keys that this issuer publishes (`jwks_uri` of its \
         metadata)",
        first.label
    );
    Some(second.warning(codes::SHARED_KEY, &format!("keys[{index}]"), &message))
}

/// What is secret or unique in each key, with the index of its entry.
fn material(keys: &Node) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, entry) in keys.elements().iter().enumerate() {
        collect(entry, "", &mut |text| found.push((index, text)));
    }
    found
}

fn collect(node: &Node, name: &str, add: &mut dyn FnMut(String)) {
    match &node.content {
        // The modulus of RSA, and the coordinate of a curve.
        Content::Scalar(scalar) if ["pem", "n", "x"].contains(&name) => add(scalar.text.split_whitespace().collect()),
        Content::Scalar(_) => {}
        Content::List(elements) => elements.iter().for_each(|element| collect(element, name, add)),
        Content::Map(members) => {
            for member in members {
                collect(&member.value, member.key.text().unwrap_or_default(), add);
            }
        }
    }
}

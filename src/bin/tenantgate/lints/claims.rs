//! Claims that are not written as their names or paths.

use super::Found;
use super::site::Site;
use crate::codes;
use crate::yaml::Node;

pub(super) fn lint(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for path in fields(site) {
        if let Some(text) = site.text(&path) {
            let known = known(&path, text, site);
            let problem = spelling(text).or(known);
            found.extend(problem.map(|message| site.warning(codes::CLAIM, &path, &message)));
        } else if let Some([node]) = site.at(&path).map(Node::elements)
            && let Some(text) = node.string().filter(|text| text.contains('.') && !text.contains("://"))
        {
            let message =
                format!("is one name with a dot in it; write \"{text}\" without the brackets for a claim in a claim");
            found.push(site.warning(codes::CLAIM, &path, &message));
        }
    }
    for (name, _) in members(site, "bearer.claims") {
        if name.contains('.') && !name.contains("://") {
            let message = format!(
                "\"{name}\" is the whole name of a claim here, and no path; use a rule: `allow: {{claims: [{{claim: \
                 {name}, values: [...]}}]}}`"
            );
            found.push(site.warning(codes::CLAIM, &format!("bearer.claims[{name:?}]"), &message));
        }
    }
    found.extend(values(site));
    found
}

/// The paths of the fields that have a claim.
fn fields(site: &Site<'_>) -> Vec<String> {
    let mut fields: Vec<String> = ["user", "email", "groups"].map(|name| format!("identity.{name}")).into();
    fields.extend(members(site, "headers.claims").iter().map(|(name, _)| format!("headers.claims[{name:?}]")));
    fields.extend(conditions(site).map(|path| format!("{path}.claim")));
    fields
}

/// The paths of the conditions about claims in rules.
fn conditions<'s>(site: &'s Site<'_>) -> impl Iterator<Item = String> + 's {
    let lists = (0..site.count("access"))
        .flat_map(|rule| ["allow", "allow.all_of"].map(|part| format!("access[{rule}].{part}.claims")));
    lists.flat_map(|list| (0..site.count(&list)).map(move |index| format!("{list}[{index}]")))
}

fn members<'a>(site: &Site<'a>, path: &str) -> Vec<(&'a str, &'a Node)> {
    let members = site.at(path).map(Node::members).unwrap_or_default();
    members.iter().filter_map(|member| Some((member.key.text()?, &member.value))).collect()
}

/// A text with signs of another way to write paths.
fn spelling(text: &str) -> Option<String> {
    if text.contains("://") {
        return (text.trim() != text).then(|| format!("has white space around it; write \"{}\"", text.trim()));
    }
    let bare = text.trim();
    let rest = ["$.", "$", "@.", ".", "claims.", "id_token.", "userinfo.", "token.", "jwt."]
        .iter()
        .find_map(|start| bare.strip_prefix(start))
        .unwrap_or(bare);
    let is_pointer = rest.starts_with('/');
    let mut right = rest.replace("['", ".").replace("[\"", ".").replace("']", "").replace("\"]", "");
    right = ["[]", "[*]", "[0]"].iter().fold(right, |text, sign| text.replace(sign, ""));
    if is_pointer {
        right = right.replace('/', ".");
    }
    let right: Vec<&str> = right.split('.').filter(|name| !name.is_empty()).collect();
    let right = right.join(".");
    (right != text && !right.is_empty())
        .then(|| format!("{text:?} is not how a claim is written; write \"{right}\": names, with dots between them"))
}

/// Claims whose names are known.
fn known(path: &str, text: &str, site: &Site<'_>) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    match (path, text) {
        ("identity.groups", "realm_access") => {
            Some("is an object with the roles of the realm in it; write \"realm_access.roles\"".to_owned())
        }
        ("identity.groups", "resource_access") => {
            let client = site.text("client_id").unwrap_or("<client>");
            Some(format!("is an object with the roles of each client in it; write [resource_access, {client}, roles]"))
        }
        ("identity.user", "name" | "given_name" | "family_name" | "nickname") => Some(
            "is a name that several users can have, and that users can often choose; write `sub`, or a name that the \
             directory gives, such as `preferred_username`"
                .to_owned(),
        ),
        _ if lower != text && STANDARD.contains(&lower.as_str()) => {
            Some(format!("{text:?} is not `{lower}`, since claims are compared byte for byte; write \"{lower}\""))
        }
        _ => None,
    }
}

/// Values that a claim of another type does not have.
fn values(site: &Site<'_>) -> Vec<Found> {
    let lists = conditions(site).map(|path| format!("{path}.values"));
    let texts = lists.flat_map(|list| site.texts(&list).collect::<Vec<_>>());
    texts
        .filter(|(_, text)| ["true", "false"].contains(text))
        .map(|(path, text)| {
            let message = format!(
                "is the text \"{text}\", and a claim that is true or false is not; write {text} without quotes"
            );
            site.warning(codes::CLAIM, &path, &message)
        })
        .collect()
}

/// Claims of OpenID Connect Core section 5.1, and what most issuers call groups.
const STANDARD: [&str; 8] =
    ["sub", "email", "groups", "roles", "name", "preferred_username", "email_verified", "phone_number"];

//! Headers for claims that are the wrong way round.

use super::Found;
use super::site::Site;
use crate::codes;
use crate::yaml::Node;

pub(super) fn lint(site: &Site<'_>) -> Vec<Found> {
    let members = site.at("headers.claims").map(Node::members).unwrap_or_default();
    let pairs = members.iter().filter_map(|member| Some((member.key.text()?, member.value.string()?)));
    let turned = pairs.filter(|(header, claim)| is_header(claim) && !is_header(header)).map(|(header, claim)| {
        let message = format!(
            "\"{claim}\" is the name of a header, and stands where the claim belongs; write `{claim}: {header}`"
        );
        site.warning(codes::HEADER_CLAIM, &format!("headers.claims[{header:?}]"), &message)
    });
    let named = FIELDS.iter().filter_map(|field| {
        let path = format!("headers.{field}");
        let text = site.text(&path).filter(|text| CLAIMS.contains(text))?;
        let message = format!(
            "\"{text}\" is the name of a claim, and stands where that of a header belongs; set the claim in `identity`, \
             and write a header such as `x-auth-request-{field}`"
        );
        Some(site.warning(codes::HEADER_CLAIM, &path, &message))
    });
    turned.chain(named).collect()
}

fn is_header(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.starts_with("x-") || ["remote-user", "remote-groups", "remote-email", "remote-name"].contains(&lower.as_str())
}

const FIELDS: [&str; 3] = ["user", "email", "groups"];
const CLAIMS: [&str; 6] = ["sub", "email", "groups", "preferred_username", "name", "upn"];

//! Client secrets that are probably none. No finding repeats one.

use super::site::Site;
use super::{Found, Scene};
use crate::codes;
use crate::known_provider::{KnownProvider, is_uuid};
use crate::yaml::{Content, Node, Style};

pub(super) fn lint(site: &Site<'_>, scene: &Scene<'_>) -> Option<Found> {
    let node = site.at("client_secret")?;
    if let Some(text) = node.string() {
        let problem = cut(node, scene.text).or_else(|| problem(text, site)).or_else(|| variable_name(text))?;
        let remedy = named(text).filter(|_| problem == REFERENCE);
        let remedy = remedy.unwrap_or_else(|| remedy_for(problem, false).to_owned());
        return Some(site.warning(codes::SECRET, "client_secret", &format!("{problem}; {remedy}")));
    }
    let name = node.get("env").and_then(Node::text)?;
    let bare = name.trim().trim_start_matches(['$', '{', '(']).trim_end_matches(['}', ')']);
    if bare != name {
        let message = format!("{name} is not the name of a variable; write the name alone: `{{env: {bare}}}`");
        return Some(site.warning(codes::SECRET, "client_secret.env", &message));
    }
    let problem = problem(&scene.vm.known(name)?, site)?;
    let message = format!("the value of {name} {problem}; {}", remedy_for(problem, true));
    Some(site.warning(codes::SECRET, "client_secret.env", &message))
}

/// What a text has that a secret does not have.
fn problem(text: &str, site: &Site<'_>) -> Option<&'static str> {
    let bare = text.trim();
    let quoted = |quote| bare.len() > 1 && bare.starts_with(quote) && bare.ends_with(quote);
    if is_reference(bare) {
        Some(REFERENCE)
    } else if is_placeholder(bare) {
        Some(PLACEHOLDER)
    } else if bare != text {
        Some(AROUND)
    } else if text.contains(char::is_whitespace) {
        Some(WITHIN)
    } else if quoted('"') || quoted('\'') {
        Some(QUOTED)
    } else if site.text("client_id") == Some(text) {
        Some(CLIENT_ID)
    } else if is_uuid(text) && site.provider() == Some(KnownProvider::EntraId) {
        Some(SECRET_ID)
    } else {
        None
    }
}

/// A plain text that ends before a `#` that may belong to it. A comment usually has a space behind
/// its sign.
fn cut(node: &Node, source: &str) -> Option<&'static str> {
    let Content::Scalar(scalar) = &node.content else { return None };
    let rest = source.get(node.span.end..)?.lines().next()?;
    let comment = rest.trim_start().strip_prefix('#')?;
    let joins = comment.chars().next().is_some_and(|c| !c.is_whitespace() && c != '#');
    (scalar.style == Style::Plain && joins).then_some(CUT)
}

/// A text in the file that is the name of a variable.
fn variable_name(text: &str) -> Option<&'static str> {
    let is_name = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    (is_name && text.contains('_') && text.starts_with(|c: char| c.is_ascii_uppercase())).then_some(NAME)
}

/// What to write instead of `${NAME}`.
fn named(text: &str) -> Option<String> {
    let name = text.trim().strip_prefix("${")?.strip_suffix('}')?;
    variable_name(name)?;
    Some(format!("write `{{env: {name}}}`, with a variable that Envoy hands to the VM"))
}

/// Whether a template or another program would have to replace the text.
fn is_reference(text: &str) -> bool {
    let is_upper = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    let inner = |start: &str, end: &str| text.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    (text.contains("${") && text.contains('}'))
        || (text.contains("{{") && text.contains("}}"))
        || text.starts_with("$(")
        || text.strip_prefix('$').is_some_and(is_upper)
        || inner("%", "%").is_some_and(is_upper)
        || inner("{env:", "}").is_some()
        || text.starts_with('/') && text.contains("secret")
        || SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

/// Whether the text stands where a secret is to be filled in.
fn is_placeholder(text: &str) -> bool {
    let words = words(text);
    is_to_be_filled_in(text) || words.starts_with("my ") || PLACEHOLDERS.contains(&words.replace(' ', "").as_str())
}

/// Whether the text stands where any value is to be filled in.
pub(super) fn is_to_be_filled_in(text: &str) -> bool {
    let words = words(text);
    let first = words.chars().next();
    (text.starts_with('<') && text.ends_with('>'))
        || (words.len() > 2 && words.chars().all(|c| Some(c) == first && "x0".contains(c)))
        || (!text.is_empty() && words.is_empty())
        || ["your ", "insert ", "replace ", "change me", "enter "].iter().any(|start| words.starts_with(start))
}

/// The letters and digits of a text in lower case, with a space for each other character between
/// them.
fn words(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let bare = lower.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    bare.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect()
}

fn remedy_for(problem: &str, is_variable: bool) -> &'static str {
    match (problem, is_variable) {
        (REFERENCE | NAME, false) => "write `{env: NAME}` with the name of a variable that Envoy hands to the VM",
        (REFERENCE, true) => "set the variable to the secret itself",
        (CUT, _) => "quote it, or better write `{env: NAME}`",
        (SECRET_ID, _) => "Entra ID shows the value of a new secret once, in the column Value; give that",
        (AROUND | WITHIN | QUOTED, true) => "set the variable to the secret alone, without a line break or quotes",
        (AROUND | WITHIN | QUOTED, false) => "write the secret alone, or better `{env: NAME}`",
        (_, true) => "set the variable to the secret that the issuer shows for this client",
        (_, false) => "write `{env: NAME}`, and set that variable to the secret that the issuer shows for this client",
    }
}

const REFERENCE: &str = "is a reference that nothing here replaces";
const PLACEHOLDER: &str = "is a placeholder";
const AROUND: &str = "begins or ends with white space, which is sent as part of the secret";
const WITHIN: &str = "has white space in it, which secrets do not have";
const QUOTED: &str = "stands in quotes that are part of it";
const CLIENT_ID: &str = "is the `client_id`";
const SECRET_ID: &str = "has the form of the id of a secret";
const NAME: &str = "has the form of the name of a variable";
const CUT: &str = "ends at the `#`, behind which YAML has a comment";

/// How other programs refer to a secret.
const SCHEMES: [&str; 9] = ["env:", "file:", "vault:", "ref+", "op://", "secret://", "sm://", "arn:aws:", "projects/"];
const PLACEHOLDERS: [&str; 24] = [
    "changeme",
    "changeit",
    "replaceme",
    "fillme",
    "fillin",
    "todo",
    "tbd",
    "fixme",
    "secret",
    "clientsecret",
    "password",
    "passw0rd",
    "example",
    "examplesecret",
    "placeholder",
    "dummy",
    "test",
    "none",
    "null",
    "undefined",
    "redacted",
    "supersecret",
    "topsecret",
    "s3cr3t",
];

//! Values of another type than the field has.

use std::time::Duration;

use serde_json::Value;

use super::{KEY_URL, Surroundings, is_url};
use crate::schema;
use crate::secrets::is_secret;
use crate::yaml::{Content, Node, Style};

pub(super) fn help(node: &Node, place: &str, around: &Surroundings<'_>) -> Option<String> {
    let name = super::field_of(place);
    let secret = is_secret(name);
    let wants = |kind: &str| schema::at(place).is_some_and(|schema| schema.get("type").is_some_and(|own| own == kind));
    match (&node.content, node.value()) {
        (_, Value::Null) => Some(nothing(name, place, around)),
        (Content::Scalar(scalar), value) if !secret => {
            let text = scalar.text.as_str();
            if let Some(help) = seconds(text, place) {
                Some(help)
            } else if name == "keys" && is_url(text) {
                Some(KEY_URL.to_owned())
            } else if name == "discovery" && is_url(text) {
                Some("write `discovery: true`; the address of the metadata is made of `issuer`".to_owned())
            } else if wants("boolean") {
                Some(
                    truth(text).map_or_else(
                        || "write true or false".to_owned(),
                        |word| format!("write {word} without quotes"),
                    ),
                )
            } else if wants("array") {
                Some(format!("write it as a list: [{}]", split(text).join(", ")))
            } else if wants("string") && scalar.style == Style::Plain && !value.is_string() {
                Some(format!("write it in quotes: \"{text}\""))
            } else if wants("object") {
                Some(object(place, value == Value::Bool(true)))
            } else {
                None
            }
        }
        (Content::Scalar(_), _) if place.contains("].jwk") || name == "jwk" => {
            Some("write the members of the JWK below `jwk:`, without quotes around them".to_owned())
        }
        (Content::Scalar(scalar), _) if scalar.style == Style::Plain => {
            Some("put it in quotes, or better write `{env: NAME}`".to_owned())
        }
        (Content::Scalar(_), _) => None,
        (Content::Map(_) | Content::List(_), _) if secret => Some(in_braces(node, name, place)),
        (Content::Map(_), _) if node.get("env").is_some() && wants("string") => {
            Some("only secrets come from variables; write the value itself".to_owned())
        }
        (Content::Map(_), _) if wants("array") => Some(list(name)),
        (Content::List(_), _) if wants("object") => Some(object(place, false)),
        (Content::List(_), _) if wants("string") => Some("write one value, without brackets".to_owned()),
        (Content::Map(_) | Content::List(_), _) => None,
    }
}

/// A number where a duration belongs.
pub(super) fn seconds(text: &str, place: &str) -> Option<String> {
    let number: u64 = schema::is_duration(place).then(|| text.parse().ok()).flatten()?;
    // So few are hardly seconds.
    if (1..60).contains(&number) && !place.contains(".provider.") {
        return Some(format!("write it with a unit: \"{number}h\", \"{number}m\" or \"{number}s\""));
    }
    // No call may take more than a minute, so these are milliseconds.
    if number > 60 && place.ends_with(".provider.timeout") {
        let duration = humantime::format_duration(Duration::from_millis(number));
        return Some(format!("write it with a unit: \"{duration}\" for {number} milliseconds"));
    }
    let duration = humantime::format_duration(Duration::from_secs(number));
    Some(format!("write it with a unit: \"{duration}\" for {number} seconds"))
}

/// A field without a value, or with a comment in its place.
fn nothing(name: &str, place: &str, around: &Surroundings<'_>) -> String {
    let key = around.configuration.key_span_at(place);
    let rest = key.and_then(|key| around.text.get(key.end..)).and_then(|rest| rest.lines().next()).unwrap_or_default();
    match rest.trim_start_matches(':').trim_start().chars().next() {
        Some('#') => "`#` begins a comment here; put a text that begins with it in quotes".to_owned(),
        Some('&') => "`&` begins an anchor in YAML; put a text that begins with it in quotes".to_owned(),
        _ => format!(
            "there is no value; write one behind `{name}:`, indented if it is in the next line, or remove the field"
        ),
    }
}

/// A secret in braces or brackets.
fn in_braces(node: &Node, name: &str, place: &str) -> String {
    // Two pairs of braces are two maps, the inner one being the name of a member.
    let is_template = node.members().iter().any(|member| !member.key.members().is_empty());
    if is_template {
        return "a template stands here that was not filled in; check the file that comes out of it, and write secrets as \
                `{env: NAME}`"
            .to_owned();
    }
    match name {
        "key" if place.starts_with("session.") => "write `env: NAME` beside `id`, in place of `key`".to_owned(),
        "jwk" => "give the JWK as JSON text in quotes, or write `{env: NAME}`".to_owned(),
        _ => "write `{env: NAME}` with the name of a variable; a text with braces or brackets stands in quotes"
            .to_owned(),
    }
}

fn list(name: &str) -> String {
    match name {
        "claims" => "write a list: [{claim: acr, values: [\"2\"]}]".to_owned(),
        "roles" => "write a list: [{name: admin, groups: [admins]}]".to_owned(),
        _ => "write it as a list, with `- ` before each element".to_owned(),
    }
}

fn object(place: &str, is_true: bool) -> String {
    let name = super::field_of(place);
    let fields = schema::at(place).and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    match fields.and_then(|fields| fields.keys().next()) {
        Some(_) if is_true => format!("write `{name}: {{}}`, or fields in the braces"),
        Some(field) => format!("write fields below it, such as `{field}: ...`"),
        None => "write it with names: `name: value`".to_owned(),
    }
}

fn truth(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some("true"),
        "false" | "no" | "off" | "0" => Some("false"),
        _ => None,
    }
}

/// The elements that a text lists.
fn split(text: &str) -> Vec<&str> {
    let parts: Vec<&str> = text.split([',', ' ']).filter(|part| !part.is_empty()).collect();
    let is_one = parts.iter().any(|part| part.contains('=') || part.contains(':')) && !is_url(text);
    if is_one { vec![text] } else { parts }
}

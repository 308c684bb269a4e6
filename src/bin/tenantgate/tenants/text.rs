//! A tenant as YAML.

use serde_json::{Map, Value};

use crate::render::{list, scalar};

/// The lines of a tenant. A [`Value`] that is an object with one member whose name begins with `!`
/// is written as that name without the mark: it stands for a secret.
pub(super) fn yaml(tenant: &Map<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    ordered(tenant).for_each(|(name, value)| member(name, value, "", &mut lines));
    lines
}

/// The members in the order in which people write them.
fn ordered(members: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let known = FIRST.iter().filter_map(|name| members.get_key_value(*name));
    known.chain(members.iter().filter(|(name, _)| !FIRST.contains(&name.as_str())))
}

/// What stands for a value that is not shown.
pub(super) fn stands_for(text: &str) -> Value {
    Value::Object([(format!("!{text}"), Value::Null)].into_iter().collect())
}

fn member(name: &str, value: &Value, indent: &str, lines: &mut Vec<String>) {
    let name = scalar(name);
    match url(value).or_else(|| inline(value)) {
        Some(text) => lines.push(format!("{indent}{name}: {text}")),
        None => {
            lines.push(format!("{indent}{name}:"));
            block(value, &format!("{indent}  "), lines);
        }
    }
}

/// The lines of a value that does not fit into one.
fn block(value: &Value, indent: &str, lines: &mut Vec<String>) {
    match value {
        Value::Object(members) => ordered(members).for_each(|(name, value)| member(name, value, indent, lines)),
        Value::Array(elements) => {
            for element in elements {
                let first = lines.len();
                match inline(element) {
                    Some(text) => lines.push(format!("{indent}{text}")),
                    None => block(element, &format!("{indent}  "), lines),
                }
                // The mark of an element stands in the first of its lines.
                if let Some(line) = lines.get_mut(first) {
                    *line = format!("{indent}- {}", line.trim_start());
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A value in one line, if it fits.
fn inline(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(text) => Some(scalar(text)),
        Value::Array(elements) => {
            let texts: Option<Vec<&str>> = elements.iter().map(Value::as_str).collect();
            texts.map(list).filter(|text| elements.is_empty() || text.len() <= WIDTH)
        }
        Value::Object(members) => match members.iter().next() {
            None => Some("{}".to_owned()),
            Some((name, Value::Null)) if members.len() == 1 && name.starts_with('!') => {
                name.strip_prefix('!').map(str::to_owned)
            }
            Some(_) => {
                let short = |value: &Value| matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_));
                let text = || {
                    let parts = ordered(members)
                        .filter_map(|(name, value)| Some(format!("{}: {}", scalar(name), inline(value)?)));
                    format!("{{{}}}", parts.collect::<Vec<_>>().join(", "))
                };
                members.values().all(short).then(text).filter(|text| text.len() <= WIDTH)
            }
        },
    }
}

/// A URL, which needs no quotes where nothing follows it in the line.
fn url(value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| text.starts_with("https://") || text.starts_with("http://"))?;
    let is_harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '_' | '-' | ':' | '~' | '%' | '+');
    (text.chars().all(is_harmless) && !text.ends_with(':')).then(|| text.to_owned())
}

/// The fields that come first, as people write them.
const FIRST: [&str; 11] = [
    "name",
    "hosts",
    "issuer",
    "client_id",
    "client_secret",
    "client_key",
    "provider",
    "login",
    "paths",
    "methods",
    "cluster",
];
const WIDTH: usize = 90;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::yaml::documents;

    #[test]
    fn the_text_is_the_value() {
        let tenant = json!({
            "name": "acme",
            "hosts": ["acme.example", "*.acme.example"],
            "issuer": "https://login.acme.example",
            "access": [
                { "paths": ["/healthz"], "allow": "public" },
                { "allow": { "groups": ["a", "b"], "all_of": { "roles": ["x"] } }, "deny": false },
                { "allow": {} },
            ],
            "login": { "scopes": [], "timeout": "5m", "max_age": 3600, "prompt": "yes" },
            "nested": [["a"], [["b", 1], { "c": [null] }]],
            "text": "two\nlines",
            "pages": { "1": true },
        });
        let text = yaml(tenant.as_object().unwrap()).join("\n");
        let [Ok(read)] = &documents(&text)[..] else { panic!("{text}") };
        assert_eq!(read.value(), tenant, "{text}");
        assert!(
            text.starts_with(
                "name: acme\nhosts: [acme.example, \"*.acme.example\"]\nissuer: https://login.acme.example\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("\naccess:\n  - paths: [/healthz]\n    allow: public\n  - allow:\n      all_of:\n"),
            "{text}"
        );
    }

    #[test]
    fn a_value_that_is_not_shown() {
        let tenant: Map<String, Value> =
            [("client_secret".to_owned(), stands_for("{sealed: …}"))].into_iter().collect();
        assert_eq!(yaml(&tenant), ["client_secret: {sealed: …}"]);
    }
}

//! Fills in templates of YAML.

use crate::yaml::{Scalar, Style};

/// Fills in a template. `{{name}}` alone in a line stands for the lines of that value, indented
/// like it, or for nothing if the value is empty. Elsewhere it stands for the value. What a value
/// contains is not filled in again.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let value = |name: &str| values.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| value);
    let mut out = String::new();
    for line in template.lines() {
        let alone = line.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        match alone.filter(|name| !name.contains('{')) {
            Some(name) => {
                let indent: String = line.chars().take_while(|c| *c == ' ').collect();
                out.push_str(&indented(value(name), &indent));
            }
            None => {
                let mut rest = line;
                while let Some((before, after)) = rest.split_once("{{") {
                    let (name, after) = after.split_once("}}").unwrap_or((after, ""));
                    out.push_str(before);
                    out.push_str(value(name));
                    rest = after;
                }
                out.push_str(rest);
                out.push('\n');
            }
        }
    }
    out
}

/// The lines of a text behind this indentation. Empty lines stay empty.
pub(crate) fn indented(text: &str, indent: &str) -> String {
    let line = |line: &str| if line.trim().is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") };
    text.lines().map(line).collect()
}

/// The text as a scalar of YAML: plain if it is one everywhere, otherwise in double quotes.
pub(crate) fn scalar(text: &str) -> String {
    let is_harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '_' | '-' | '|');
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
    let plain = Scalar { text: text.to_owned(), style: Style::Plain };
    match begins && text.chars().all(is_harmless) && plain.value().is_string() {
        true => text.to_owned(),
        false => serde_json::Value::from(text).to_string(),
    }
}

/// A list of scalars in brackets.
pub(crate) fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    format!("[{}]", texts.into_iter().map(scalar).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_values_are_filled_in() {
        let template = "a: {b: {{b}}, c: {{c}}}\n  {{lines}}\n  {{none}}\nd: 1\n";
        let values = [("b", "1"), ("c", "{{b}}"), ("lines", "x:\n\n  {{b}}\n"), ("none", "")];
        assert_eq!(fill(template, &values), "a: {b: 1, c: {{b}}}\n  x:\n\n    {{b}}\nd: 1\n");
    }

    #[test]
    fn scalars_are_texts_in_yaml() {
        for plain in ["acme", "/etc/ssl/ca.pem", "outbound|443||dex.acme.example", "dex_acme-2", "10.0.0.1"] {
            assert_eq!(scalar(plain), plain);
        }
        for quoted in ["", "no", "1", "null", "a b", "a: b", "a#b", "-a", "a\"b", "oci://r/t:1", "{{x}}", "é"] {
            assert_eq!(scalar(quoted), serde_json::to_string(quoted).unwrap());
        }
        assert_eq!(list(["a", "no"]), "[a, \"no\"]");
    }
}

//! Keeps secrets that stand in a file out of the lines that are shown.

use std::ops::Range;

use super::yaml::{Content, Node};

/// Whether a field of this name may hold a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "key" || PARTS.iter().any(|part| name.contains(part))
}

/// The bytes of the values in a document that may be secrets.
pub(crate) fn spans(document: &Node) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    search(document, "", false, &mut found);
    found
}

/// Searches the value of the member `field`.
fn search(here: &Node, field: &str, secret: bool, found: &mut Vec<Range<usize>>) {
    let is_variables = field == "key_values";
    if let Content::Scalar(scalar) = &here.content
        && (secret || has_password(&scalar.text))
        && !here.span.is_empty()
    {
        found.push(here.span.clone());
    }
    here.elements().iter().for_each(|element| search(element, field, secret, found));
    // `{name: X, value: Y}` of Istio, and `{env: NAME}` of the gate.
    let is_variable = here.get("name").is_some() && here.get("value").is_some();
    for member in here.members() {
        let name = member.key.text().unwrap_or_default();
        let names_variable = name == "env" && member.value.text().is_some();
        // A secret in braces is a name for YAML. Names of variables are none.
        if secret && !is_variables && !MEMBERS.contains(&name) {
            found.push(member.key.span.clone());
        }
        let is_value = is_variable && name == "value";
        search(&member.value, name, !names_variable && (secret || is_value || is_secret(name)), found);
    }
}

/// Whether a URL has a user name or a password.
fn has_password(text: &str) -> bool {
    let authority = text.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    authority.is_some_and(|authority| authority.contains('@'))
}

/// The line without what may be a secret, for a text whose fields are not known: what follows a
/// field of such a name, and long words.
pub(crate) fn guess(line: &str) -> String {
    let (name, value) = line.split_once(':').unwrap_or(("", line));
    if is_secret(name) || line.contains("PRIVATE") {
        return format!("{name}: {MASK}");
    }
    let is_long = |word: &str| has_password(word) || (word.len() > LONGEST_WORD && !word.contains("://"));
    if value.split_whitespace().any(is_long) { format!("{name}: {MASK}") } else { line.to_owned() }
}

/// The text without these secrets, which a server may have sent back.
pub(crate) fn without(text: String, secrets: &[String]) -> String {
    let long = secrets.iter().filter(|secret| secret.len() >= SHORTEST);
    long.fold(text, |text, secret| text.replace(secret.as_str(), MASK))
}

/// Stands for a secret.
pub(crate) const MASK: &str = "[not shown]";

const PARTS: [&str; 8] = ["secret", "passw", "pem", "jwk", "private", "credential", "key_values", "session_key"];
/// The names of members of keys and of references to secrets.
const MEMBERS: [&str; 27] = [
    "alg", "audience", "crv", "d", "dp", "dq", "e", "env", "id", "jwk", "jwks", "key", "key_ops", "keys", "kid", "kty",
    "n", "name", "p", "pem", "q", "qi", "use", "value", "x", "x5c", "y",
];
const LONGEST_WORD: usize = 24;
/// A shorter secret may be a word of the output.
const SHORTEST: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::documents;

    #[test]
    fn values_of_secret_fields_are_known() {
        let text = "a: {client_secret: one, id: x}\nkeys: [{id: k, key: two}, {env: NAME}]\nclient_secrets: three\n\
                    client_key:\n  pem: |\n    four\nv: {env: NAME}\ne: [{name: N, value: five}]\n\
                    key_values: {A: six}\nsecret: {env: NAME}\n\
                    secrets: {seven: {nine: 1}}\nissuer: https://u:eight@a.example/b\n";
        let [Ok(document)] = &documents(text)[..] else { panic!() };
        let found: Vec<&str> = spans(document).into_iter().map(|span| text.get(span).unwrap().trim()).collect();
        let expected = ["one", "two", "three", "four", "five", "six", "seven", "nine", "1", "eight"];
        assert!(found.iter().zip(expected).all(|(found, expected)| found.contains(expected)), "{found:?}");
        assert_eq!(found.len(), expected.len(), "{found:?}");
    }

    #[test]
    fn a_line_of_an_unknown_text_is_shortened() {
        assert_eq!(guess("  client_secret: abc"), "  client_secret: [not shown]");
        assert_eq!(guess("  MC4CAQAwBQYDK2VwBCIEIAAAAAAA"), ": [not shown]");
        assert_eq!(guess("  issuer: https://login.acme.example/a/b/c"), "  issuer: https://login.acme.example/a/b/c");
    }
}

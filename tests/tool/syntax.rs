//! Texts that are no YAML: in plain words, with what to do.

use super::mistakes::{assert_one, with};

const TEXT: &str = "session:\n  keys: [{id: a, env: KEY}]\ntenants:\n  - name: acme\n    hosts: [acme.example]\n    issuer: \
                    https://i.example\n    client_id: g\n    client_secret: {env: S}\n    provider: {cluster: i, \
                    discovery: true}\n";

#[test]
fn mistakes_of_yaml() {
    for (from, to, pointed, help) in [
        ("issuer: https", "issuer:https", "issuer:https://i.example", "put a space behind the colon"),
        ("client_id: g", "client_id = g", "client_id = g", "write `name: value`"),
        ("client_id: g", "client_id", "client_id", "write `name: value`"),
        ("    client_id: g", "   client_id: g", "client_id: g", "indent it"),
        ("    client_id: g", "      client_id: g", ": g", "indent it"),
        ("- name: acme", "-name: acme", ": [acme.example]", "write `- ` with a space"),
        ("[acme.example]", "[acme.example", "[acme.example", "close it with `]`"),
        ("{env: S}", "{env: S", "{env: S", "close it with `}`"),
        ("[acme.example]", "[acme.example]]", "]", "remove it"),
        ("client_id: g", "client_id: \"g", "\"g", "close it"),
        ("client_id: g", "client_id: 'g", "'g", "close it"),
        ("client_id: g", "client_id: \"a\\g\"", "\"a\\g\"", "write two"),
        ("client_id: g", "client_id: \"g\" x", "x", "put all of the text in the quotes"),
        ("client_id: g", "client_id: %g", "%g", "put the text in quotes"),
        ("client_id: g", "client_id: @g", "@g", "put the text in quotes"),
        ("client_id: g", "client_id: a: b", ": b", "put the text in quotes"),
        ("    client_id: g", "\tclient_id: g", "\tclient_id: g", "indent with spaces"),
        ("client_id: g", "client_id: *g", "*g", "write \"*g\""),
        (
            "client_id: g",
            "keys:\n      - pem: |\n-----BEGIN PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----",
            "indent all lines of the PEM",
        ),
    ] {
        assert_one(&with(TEXT, from, to), "TG001", pointed, help);
    }
}

/// The words of the libraries that read the text are no words for people.
#[test]
fn no_message_is_one_of_a_library() {
    for to in [
        "issuer:https",
        "issuer: [",
        "issuer: {",
        "issuer: \"",
        "issuer: \u{1}",
        "- issuer: x",
        "? issuer",
        "issuer: !<",
        "issuer: &",
        "issuer: |x",
        "%YAML 3",
    ] {
        let (_, output, _) = super::run(&["check", "-", "--assume-env"], &with(TEXT, "issuer: https", to));
        for word in
            ["while ", "scalar", "simple key", "did not find", "indicator", "flow", "this context", "collection"]
        {
            assert!(!output.contains(word), "{to}: {output}");
        }
    }
}

#[test]
fn mistakes_of_json() {
    let json = r#"{"session": {"keys": [{"id": "a", "env": "K"}]}, "tenants": [{"name": "acme", "hosts": ["a.example"],
        "issuer": "https://i.example", "client_id": "g", "client_secret": {"env": "S"},
        "provider": {"cluster": "i", "discovery": true}}]}"#;
    assert_eq!(super::mistakes::findings(json), []);
    for (from, to, problem, help) in [
        ("\"discovery\": true}", "\"discovery\": true,}", "a comma stands behind the last one", "remove the comma"),
        ("}}]}", "}}]} x", "something follows the end", "remove it"),
        ("\"g\"", "g", "there is no value", "in double quotes"),
        ("\"issuer\": ", "\"name\": \"x\", \"issuer\": ", "member \"name\" occurs twice", ""),
    ] {
        let found = super::mistakes::findings(&with(json, from, to));
        let [(one, _)] = &found[..] else { panic!("{found:#?}") };
        assert_eq!(one["code"], "TG001");
        assert!(one["message"].as_str().unwrap().contains(problem), "{one:#}");
        assert!(one["help"].as_str().unwrap_or_default().contains(help), "{one:#}");
    }
}

//! There is nothing to say about what the documents show.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::mistakes::findings;
use super::run;

/// The rest of the configuration around a part of one.
fn whole(part: &Value) -> Value {
    let mut whole = json!({
        "session": { "keys": [{ "id": "a", "env": "SESSION_KEY" }] },
        "tenants": [{
            "name": "acme",
            "hosts": ["acme.example.com"],
            "issuer": "https://dex.acme.example",
            "client_id": "tenantgate",
            "client_secret": { "env": "ACME_SECRET" },
            "provider": { "cluster": "dex_acme", "discovery": true },
        }],
    });
    let top = ["strict", "session", "assertion", "filter_state", "log", "stats", "store", "tenants_from"];
    for (name, value) in part.as_object().unwrap() {
        let place = if top.contains(&name.as_str()) { &mut whole } else { &mut whole["tenants"][0] };
        place[name] = value.clone();
    }
    if part.get("client_key").is_some() {
        whole["tenants"][0].as_object_mut().unwrap().remove("client_secret");
    }
    whole
}

/// The YAML examples of a document. A line `...` in a PEM block stands for a key.
fn examples(document: &str) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pem = fs::read_to_string(root.join("tests/vectors/keys/rsa.public.pem")).unwrap();
    let key: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let text = fs::read_to_string(root.join(document)).unwrap();
    let blocks = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let with_keys = |block: &str| {
        let lines = block.lines().map(|line| match line.strip_suffix("...") {
            Some(indent) if indent.trim().is_empty() => indent.to_owned() + &key.join(&format!("\n{indent}")),
            _ => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    blocks.map(|block| serde_saphyr::from_str(&with_keys(block)).unwrap()).collect()
}

#[test]
fn there_is_nothing_to_say_about_the_examples() {
    let mut number = 0;
    for document in ["README.md", "docs/configuration.md", "docs/operations.md"] {
        for example in examples(document) {
            let configuration = if example.get("tenants").is_some() { example } else { whole(&example) };
            assert_eq!(findings(&configuration.to_string()), [], "{document}: {configuration:#}");
            number += 1;
        }
    }
    assert!(number > 15, "{number}");
}

/// The templates of the chart are no YAML, and are passed over.
#[test]
fn there_is_nothing_to_say_about_the_folder_of_the_examples() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy");
    let (code, output, errors) = run(&["check", folder.to_str().unwrap(), "--assume-env", "--deny", "warnings"], "");
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    assert!(!output.contains("/chart/"), "{output}");
}

//! The documents say what the code does: the reference, the schema and the loader have the same fields and defaults, the examples
//! load, and links lead somewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
#![allow(clippy::wildcard_enum_match_arm, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tenantgate::config::{ConfigErrors, Environment, LoadContext, Loaded, load_value};
use tenantgate::jose::HostAlgorithms;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

struct Variables;

/// Every variable is set, to something that is good for a session key and for a secret, or for an assertion.
impl Environment for Variables {
    fn var(&self, name: &str) -> Option<String> {
        Some(if name.contains("ASSERTION") { read("tests/vectors/keys/ec.private.pem") } else { KEY.to_owned() })
    }
}

fn load(value: &Value) -> Result<Loaded, ConfigErrors> {
    load_value(value, LoadContext { environment: &Variables, host: HostAlgorithms::ASSUMED })
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn schema() -> Value {
    serde_json::from_str(&read("src/config/schema.json")).unwrap()
}

/// The smallest configuration there is, with every optional object in it.
fn smallest() -> Value {
    json!({
        "session": { "keys": [{ "id": "a", "key": KEY }] },
        "assertion": { "keys": [{ "pem": { "env": "ASSERTION_KEY" } }], "audiences": ["upstream"] },
        "tenants": [{
            "name": "acme",
            "hosts": ["acme.example"],
            "issuer": "https://issuer.example",
            "client_id": "gate",
            "client_key": { "pem": read("tests/vectors/keys/ec.private.pem") },
            "keys": [{ "pem": read("tests/vectors/keys/ec.public.pem") }],
            "provider": {
                "cluster": "issuer",
                "authorization_endpoint": "https://issuer.example/auth",
                "token_endpoint": "https://issuer.example/token",
            },
            "login": {}, "refresh": {}, "bearer": { "audiences": ["api"] }, "identity": {}, "headers": {},
            "roles": [{ "name": "admin", "groups": ["admins"] }],
            "access": [{ "paths": ["/"], "allow": { "roles": ["admin"], "all_of": { "groups": ["staff"] } } }],
        }],
    })
}

/// Walks over the fields of the schema: `(path, node, required)` for each that is described, objects and lists of objects entered.
fn fields(schema: &Value) -> Vec<(String, Value, bool)> {
    fn walk(schema: &Value, node: &Value, path: &str, required: bool, found: &mut Vec<(String, Value, bool)>) {
        let node = match node["$ref"].as_str() {
            Some("#/$defs/tenant") => &schema["$defs"]["tenant"],
            _ => node,
        };
        if node.get("description").is_some() {
            found.push((path.to_owned(), node.clone(), required));
        }
        let items = &node["items"];
        if items.get("properties").is_some() || items.get("$ref").is_some() {
            walk(schema, items, &format!("{path}[]"), false, found);
        }
        let required: Vec<&str> = node["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, inner) in node["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            walk(schema, inner, &path, required.contains(&name.as_str()), found);
        }
    }
    let mut found = Vec::new();
    walk(schema, schema, "", false, &mut found);
    found
}

/// The JSON pointer into [`smallest`] of a path such as `tenants[].name`.
fn pointer(path: &str) -> String {
    format!("/{}", path.replace("[]", "/0").replace('.', "/"))
}

fn row((path, node, required): &(String, Value, bool)) -> String {
    let kind = match (node["$ref"].as_str(), node["type"].as_str()) {
        (Some("#/$defs/duration"), _) => "duration".to_owned(),
        (Some("#/$defs/header"), _) => "text or `false`".to_owned(),
        (Some("#/$defs/secret"), _) => "text or `{env}`".to_owned(),
        (Some("#/$defs/claim"), _) => "claim".to_owned(),
        (Some("#/$defs/names" | "#/$defs/claim_values"), _) => "list".to_owned(),
        (_, Some("string")) => "text".to_owned(),
        (_, Some("boolean")) => "true or false".to_owned(),
        (_, Some("array")) => "list".to_owned(),
        (_, Some("object")) => "object".to_owned(),
        _ if node["type"].is_array() => "word or object".to_owned(),
        _ => {
            let words: Vec<String> =
                node["enum"].as_array().unwrap().iter().map(|word| format!("`{}`", word.as_str().unwrap())).collect();
            format!("one of {}", words.join(", "))
        }
    };
    let default = match &node["default"] {
        Value::Null if *required => "required".to_owned(),
        Value::Null => String::new(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{}`", other.to_string().replace(",", ", ")),
    };
    format!("| `{path}` | {kind} | {default} | {} |", node["description"].as_str().unwrap())
}

#[test]
fn the_reference_has_a_row_for_every_field_of_the_schema() {
    let reference = read("CONFIGURATION.md");
    let written: BTreeSet<&str> = reference.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = fields(&schema()).iter().map(row).collect();
    assert_eq!(written, expected.iter().map(String::as_str).collect());
}

/// The loader names the fields that it knows when it meets one that it does not.
#[test]
fn the_loader_knows_exactly_the_fields_of_the_schema() {
    let schema = schema();
    let mut objects: BTreeSet<String> =
        fields(&schema).iter().filter_map(|(path, ..)| Some(path.rsplit_once('.')?.0.to_owned())).collect();
    objects.insert(String::new());
    for object in objects {
        let mut configuration = smallest();
        let at = if object.is_empty() { String::new() } else { pointer(&object) };
        let members = configuration.pointer_mut(&at).unwrap().as_object_mut().unwrap();
        members.insert("qqqqqqqqqqqqqqqq".to_owned(), Value::Null);
        let messages = match load(&configuration) {
            Ok(loaded) => loaded.problems.iter().map(ToString::to_string).collect(),
            Err(errors) => vec![errors.to_string()],
        };
        let (_, known) =
            messages[0].split_once("the fields here are ").unwrap_or_else(|| panic!("{object}: {messages:?}"));
        let known: BTreeSet<String> = known.split(", ").map(str::to_owned).collect();
        let mut described: BTreeSet<String> = fields(&schema)
            .iter()
            .filter_map(|(path, ..)| {
                path.strip_prefix(&object)?.trim_start_matches('.').split(['.', '[']).next().map(str::to_owned)
            })
            .filter(|name| !name.is_empty())
            .collect();
        if !object.is_empty() {
            described.retain(|name| schema_has(&schema, &object, name));
        }
        assert_eq!(known, described, "{object}");
    }
}

/// Whether the object at `path` has the property, so that `key` of `keys[]` is not taken for one of `keys`.
fn schema_has(schema: &Value, path: &str, name: &str) -> bool {
    fields(schema).iter().any(|(field, ..)| {
        field.strip_prefix(path).and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| {
            rest == name || rest.starts_with(&format!("{name}.")) || rest.starts_with(&format!("{name}["))
        })
    })
}

/// Writing every default out changes nothing.
#[test]
fn the_defaults_of_the_schema_are_those_of_the_loader() {
    let mut explicit = smallest();
    let mut count = 0;
    for (path, node, _) in fields(&schema()) {
        let Some(default) = node.get("default") else { continue };
        let (object, name) = path.rsplit_once('.').unwrap_or(("", &path));
        let at = if object.is_empty() { String::new() } else { pointer(object) };
        explicit.pointer_mut(&at).unwrap()[name] = default.clone();
        count += 1;
    }
    assert!(count > 10);
    let (implicit, explicit) = (load(&smallest()).unwrap(), load(&explicit).unwrap());
    assert_eq!(explicit.problems, []);
    let [implicit, explicit] = [&implicit, &explicit].map(|loaded| &loaded.runtime);
    assert_eq!(implicit.policy(), explicit.policy());
    assert_eq!(format!("{:?}", implicit.upstream()), format!("{:?}", explicit.upstream()));
    assert_eq!(format!("{:?}", implicit.entries()), format!("{:?}", explicit.entries()));
}

#[test]
fn the_schema_takes_what_the_loader_takes() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for (name, example) in examples() {
        let problems: Vec<String> =
            validator.iter_errors(&example).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(problems, <[String; 0]>::default(), "{name}");
    }
    let unknown = json!({ "session": { "keys": [] }, "tenants": [], "tenant": {} });
    assert!(!validator.is_valid(&unknown));
}

#[test]
fn every_example_loads() {
    for (name, example) in examples() {
        let loaded = load(&example).unwrap_or_else(|errors| panic!("{name}: {errors}"));
        assert_eq!(loaded.problems, [], "{name}");
    }
}

/// The whole configurations that the documents show.
fn examples() -> Vec<(&'static str, Value)> {
    let readme = read("README.md");
    let yaml = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let pem = read("tests/vectors/keys/rsa.public.pem").replace('\n', "\n          ");
    let yaml = yaml.replace("-----BEGIN PUBLIC KEY-----\n          ...", pem.trim_end());
    let envoy: Value = serde_saphyr::from_str(&read("envoy/envoy.yaml")).unwrap();
    let filters =
        &envoy["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"];
    let ours = &filters[0]["typed_config"]["config"]["configuration"]["value"];
    let manifest = |file: &str, pointer: &str| -> Value {
        let text = read(file);
        let manifest: Value = serde_saphyr::from_str(text.split("\n---\n").next().unwrap()).unwrap();
        manifest.pointer(pointer).unwrap().clone()
    };
    vec![
        ("README.md", serde_saphyr::from_str(&yaml).unwrap()),
        ("envoy/envoy.yaml", ours.clone()),
        ("envoy/istio.yaml", manifest("envoy/istio.yaml", "/spec/pluginConfig")),
        (
            "envoy/istio-traffic-extension.yaml",
            manifest("envoy/istio-traffic-extension.yaml", "/spec/wasm/pluginConfig"),
        ),
        ("envoy/envoy-gateway.yaml", manifest("envoy/envoy-gateway.yaml", "/spec/wasm/0/config")),
        ("the smallest", smallest()),
    ]
}

/// The sections of a configuration that the reference shows, each put into the smallest one.
#[test]
fn every_section_of_the_reference_loads() {
    let reference = read("CONFIGURATION.md");
    let section = |heading: &str| reference.split(heading).nth(1).unwrap().split("\n## ").next().unwrap().to_owned();
    let headers = section("\n## Headers for the upstream\n");
    let recipes = headers.lines().filter_map(|line| line.strip_suffix("` |")?.split_once("| `{"));
    let mut sections: Vec<Value> =
        recipes.map(|(_, recipe)| serde_saphyr::from_str(&format!("headers: {{{recipe}")).unwrap()).collect();
    assert!(sections.len() > 3);
    for heading in ["\n## Headers for the upstream\n", "\n## A signed assertion\n", "\n## API clients\n"] {
        let text = section(heading);
        sections.push(
            serde_saphyr::from_str(text.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap()).unwrap(),
        );
    }
    for section in sections {
        let mut whole = smallest();
        for (name, value) in section.as_object().unwrap() {
            let place = if name == "assertion" { &mut whole } else { &mut whole["tenants"][0] };
            place[name] = value.clone();
        }
        assert_eq!(load(&whole).unwrap().problems, [], "{section}");
    }
}

/// The headings of a document, as links name them.
fn read_headings(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|line| line.trim_matches(['#', ' ']).to_lowercase().replace(' ', "-"))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let mut count = 0;
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "CONFIGURATION.md",
        "envoy/README.md",
        "tests/README.md",
    ] {
        let text = read(document);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(document).parent().unwrap().to_owned();
        for link in
            text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|link| !link.contains("://"))
        {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            assert!(folder.join(file).exists(), "{document}: {link}");
            let headings = || read_headings(&folder.join(file));
            assert!(heading.is_empty() || headings().contains(&heading.to_owned()), "{document}: {link}");
            count += 1;
        }
    }
    assert!(count > 20);
}

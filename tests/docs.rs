//! The documents say what the code does: the reference, the schema and the loader have the same
//! fields and defaults, every example loads, every event is documented, every test against an
//! attack exists, and every link leads somewhere.
#![allow(clippy::restriction, clippy::disallowed_methods, reason = "tests")]

mod supply_chain;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tenantgate::base::event::Event;
use tenantgate::config::{ConfigErrors, Environment, LoadContext, Loaded, load_value};
use tenantgate::http::page_settings::Label;
use tenantgate::jose::HostAlgorithms;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

struct Variables;

/// Every variable is set: to a private key where the name says so, else to a text that is a session
/// key and a client secret alike.
impl Environment for Variables {
    fn var(&self, name: &str) -> Option<String> {
        let is_private_key = ["ASSERTION", "CLIENT_KEY"].iter().any(|part| name.contains(part));
        Some(if is_private_key { read("tests/vectors/keys/ec.private.pem") } else { KEY.to_owned() })
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

/// The smallest configuration that serves.
fn smallest() -> Value {
    json!({
        "session": { "keys": [{ "id": "a", "key": KEY }] },
        "tenants": [{
            "name": "acme",
            "hosts": ["acme.example"],
            "issuer": "https://issuer.example",
            "client_id": "tenantgate",
            "keys": [{ "pem": read("tests/vectors/keys/ec.public.pem") }],
            "provider": {
                "cluster": "issuer",
                "authorization_endpoint": "https://issuer.example/auth",
                "token_endpoint": "https://issuer.example/token",
            },
        }],
    })
}

/// The smallest configuration with every optional object in it.
fn with_every_object() -> Value {
    let mut whole = smallest();
    let optional = json!({
        "assertion": { "keys": [{ "pem": { "env": "ASSERTION_KEY" } }] },
        "stats": {}, "log": {}, "store": { "etcd": { "cluster": "etcd" } },
        "tenants_from": {
            "etcd": { "cluster": "etcd" },
            "keys": [{ "pem": read("tests/vectors/keys/ec.public.pem") }],
        },
        "client_key": { "pem": { "env": "CLIENT_KEY" } },
        "login": {}, "csrf": {}, "refresh": {}, "bearer": { "audiences": ["api"] }, "identity": {}, "headers": {},
        "pages": { "colors": { "light": {}, "dark": {} } },
        "roles": [{ "name": "admin", "groups": ["admins"] }],
        "access": [{ "paths": ["/"], "allow": { "roles": ["admin"], "all_of": { "groups": ["staff"] } } }],
    });
    add(&mut whole, optional);
    whole
}

/// Puts a part of a configuration into a whole one: fields of the top level there, all others into
/// the tenant. Objects are merged; everything else replaces what is there.
fn add(whole: &mut Value, part: Value) {
    for (name, value) in part.as_object().unwrap() {
        let is_top = schema()["properties"].get(name).is_some();
        let place = if is_top { &mut *whole } else { &mut whole["tenants"][0] };
        merge(&mut place[name], value);
    }
}

fn merge(place: &mut Value, value: &Value) {
    match (place.as_object_mut(), value.as_object()) {
        (Some(object), Some(fields)) => {
            for (name, value) in fields {
                merge(object.entry(name).or_insert(Value::Null), value);
            }
        }
        _ => *place = value.clone(),
    }
}

/// Walks over the fields of the schema: `(path, node, required)` for each that is described,
/// objects and lists of objects entered.
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

/// The JSON pointer into [`with_every_object`] of a path such as `tenants[].name`.
fn pointer(path: &str) -> String {
    format!("/{}", path.replace("[]", "/0").replace('.', "/"))
}

/// The row of a field, as the reference has it under the heading of its object.
fn row(node: &Value, required: bool) -> String {
    let kind = match (node["$ref"].as_str(), node["type"].as_str()) {
        (Some("#/$defs/duration"), _) => "duration".to_owned(),
        (Some("#/$defs/color"), _) => "color".to_owned(),
        (Some("#/$defs/header"), _) => "text or `false`".to_owned(),
        (Some("#/$defs/secret"), _) => "text or `{env}`".to_owned(),
        (Some("#/$defs/claim"), _) => "claim".to_owned(),
        (Some("#/$defs/names" | "#/$defs/claim_values"), _) => "list".to_owned(),
        (_, Some("string")) => "text".to_owned(),
        (_, Some("boolean")) => "true or false".to_owned(),
        (_, Some("integer")) => "number".to_owned(),
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
        Value::Null if required => "required".to_owned(),
        Value::Null => String::new(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{}`", other.to_string().replace(",", ", ")),
    };
    format!("| {kind} | {default} | {} |", node["description"].as_str().unwrap())
}

const REFERENCE: &str = "docs/configuration.md";

/// A section of the reference. Its heading ends with the path of an object, in backticks.
struct Section {
    heading: String,
    path: Option<String>,
    text: String,
}

fn sections() -> Vec<Section> {
    let reference = read(REFERENCE);
    let parts = reference.split("\n## ").skip(1);
    parts
        .map(|part| {
            let (heading, text) = part.split_once('\n').unwrap();
            let path = match heading.rsplit_once(": ").map(|(_, path)| path) {
                Some("top level") => Some(String::new()),
                path => path.and_then(|path| path.strip_prefix('`')?.strip_suffix('`')).map(str::to_owned),
            };
            Section { heading: heading.to_owned(), path, text: text.to_owned() }
        })
        .collect()
}

/// Every field has one row, in the section of the nearest object above it that has a section.
#[test]
fn the_reference_has_a_row_for_every_field_of_the_schema() {
    let sections = sections();
    let mut written = Vec::new();
    for Section { heading, path, text } in &sections {
        for line in text.lines().filter(|line| line.starts_with("| `")) {
            let path = path.as_deref().unwrap_or_else(|| panic!("{heading} has a table of fields and no path"));
            written.push(format!("{path}: {line}"));
        }
    }
    let below = |field: &str, path: &str| path.is_empty() || field.starts_with(&format!("{path}."));
    let expected = fields(&schema()).into_iter().map(|(field, node, required)| {
        let paths = sections.iter().filter_map(|section| section.path.as_deref());
        let path = paths.filter(|path| below(&field, path)).max_by_key(|path| path.len()).unwrap();
        let name = field.strip_prefix(path).unwrap().trim_start_matches('.');
        format!("{path}: | `{name}` {}", row(&node, required))
    });
    let expected: Vec<String> = expected.collect();
    let missing: Vec<&String> = expected.iter().filter(|row| !written.contains(row)).collect();
    let unknown: Vec<&String> = written.iter().filter(|row| !expected.contains(row)).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:#?}\nunknown: {unknown:#?}");
    assert_eq!(written.len(), expected.len(), "a row is there twice");
}

#[test]
fn every_section_of_the_reference_has_an_example() {
    let sections: Vec<Section> = sections().into_iter().filter(|section| section.path.is_some()).collect();
    assert!(sections.len() > 10);
    for Section { heading, text, .. } in sections {
        assert!(text.contains("\n```yaml\n"), "{heading}");
    }
}

/// The loader names the fields that it knows when it meets one that it does not.
#[test]
fn the_loader_knows_exactly_the_fields_of_the_schema() {
    let schema = schema();
    let mut objects: BTreeSet<String> =
        fields(&schema).iter().filter_map(|(path, ..)| Some(path.rsplit_once('.')?.0.to_owned())).collect();
    objects.insert(String::new());
    for object in objects {
        let mut configuration = with_every_object();
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
        if object == "tenants[].pages" {
            // A page is described as an event.
            described.extend(Event::PAGES.iter().map(|event| event.name().to_owned()));
        }
        assert_eq!(known, described, "{object}");
    }
}

/// Whether the object at `path` has the property, so that `key` of `keys[]` is not taken for one of
/// `keys`.
fn schema_has(schema: &Value, path: &str, name: &str) -> bool {
    fields(schema).iter().any(|(field, ..)| {
        field.strip_prefix(path).and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| {
            rest == name || rest.starts_with(&format!("{name}.")) || rest.starts_with(&format!("{name}["))
        })
    })
}

/// The schema and the reference have the labels of the pages.
#[test]
fn the_labels_of_pages_are_listed() {
    let schema = schema();
    let listed = schema.pointer("/$defs/tenant/properties/pages/properties/labels/properties").unwrap();
    let mut listed: Vec<&str> = listed.as_object().unwrap().keys().map(String::as_str).collect();
    listed.retain(|name| *name != "lang");
    assert_eq!(listed, Label::ALL.map(|label| label.names().0));
    let reference = read(REFERENCE);
    for (name, word) in Label::ALL.map(Label::names) {
        assert!(reference.contains(&format!("| {word} | `{name}` |")), "{name}");
    }
}

/// Writing every default out changes nothing.
#[test]
fn the_defaults_of_the_schema_are_those_of_the_loader() {
    let mut explicit = with_every_object();
    let mut count = 0;
    for (path, node, _) in fields(&schema()) {
        let Some(default) = node.get("default") else { continue };
        let (object, name) = path.rsplit_once('.').unwrap_or(("", &path));
        let at = if object.is_empty() { String::new() } else { pointer(object) };
        explicit.pointer_mut(&at).unwrap()[name] = default.clone();
        count += 1;
    }
    assert!(count > 10);
    let (implicit, explicit) = (load(&with_every_object()).unwrap(), load(&explicit).unwrap());
    assert_eq!(explicit.problems, []);
    let [implicit, explicit] = [&implicit, &explicit].map(|loaded| &loaded.runtime);
    assert_eq!(implicit.policy(), explicit.policy());
    assert_eq!(implicit.log(), explicit.log());
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
    // All tenants may be in etcd, but there have to be some.
    let whole = with_every_object();
    let with = |names: &[&str]| -> Value {
        names.iter().map(|name| ((*name).to_owned(), whole[*name].clone())).collect::<serde_json::Map<_, _>>().into()
    };
    for (names, is_taken) in [
        (&["session", "tenants"][..], true),
        (&["session", "tenants_from"], true),
        (&["session", "tenants", "tenants_from"], true),
        (&["session"], false),
        (&["tenants_from"], false),
    ] {
        let configuration = with(names);
        assert_eq!(validator.is_valid(&configuration), is_taken, "{names:?}");
        assert_eq!(load(&configuration).is_ok(), is_taken, "{names:?}");
    }
    let mut empty = with(&["session", "tenants_from"]);
    empty["tenants"] = json!([]);
    assert!(!validator.is_valid(&empty) && load(&empty).is_err());
}

#[test]
fn every_example_loads() {
    for (name, example) in examples() {
        let loaded = load(&example).unwrap_or_else(|errors| panic!("{name}: {errors}"));
        assert_eq!(loaded.problems, [], "{name}");
    }
}

/// By default Envoy offers TLS 1.2 at most, and some servers take TLS 1.3 only.
#[test]
fn every_connection_by_tls_offers_tls_1_3() {
    let remedy = "src/bin/tenantgate/surroundings/remedy.rs".to_owned();
    let mut connecting = 0;
    for file in documents().into_iter().chain(files(".yaml")).chain([remedy]) {
        let text = read(&file);
        let connections = text.matches("v3.UpstreamTlsContext").count();
        assert!(text.matches("tls_maximum_protocol_version: TLSv1_3").count() >= connections, "{file}");
        connecting += usize::from(connections > 0);
    }
    assert_eq!(connecting, 7);
}

/// The configurations that the documents show: whole ones, and parts in the smallest configuration.
fn examples() -> Vec<(String, Value)> {
    let mut examples = Vec::new();
    let pages = ["README.md", REFERENCE, "docs/operations.md"].map(str::to_owned);
    for document in pages.into_iter().chain(guides()) {
        for (number, block) in yaml_blocks(&read(&document)).into_iter().enumerate() {
            examples.push((format!("{document}, example {number}"), block));
        }
    }
    assert!(examples.len() > 15);
    let presets = presets();
    assert!(presets.len() > 3);
    examples.extend(presets);
    for (_, example) in &mut examples {
        if example.get("tenants").is_none() {
            let mut whole = smallest();
            add(&mut whole, example.take());
            *example = whole;
        }
    }
    let envoy: Value = serde_saphyr::from_str(&read("envoy/envoy.yaml")).unwrap();
    let filters =
        &envoy["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"];
    let ours = &filters[0]["typed_config"]["config"]["configuration"]["value"];
    examples.push(("envoy/envoy.yaml".to_owned(), ours.clone()));
    let of_filter = "/spec/configPatches/0/patch/value/typed_config/config/configuration/value";
    for (file, pointer) in [
        ("envoy/istio.yaml", "/spec/pluginConfig"),
        ("envoy/istio-envoy-filter.yaml", of_filter),
        ("envoy/istio-traffic-extension.yaml", "/spec/wasm/pluginConfig"),
        ("envoy/envoy-gateway.yaml", "/spec/wasm/0/config"),
    ] {
        let text = read(file);
        let manifest: Value = serde_saphyr::from_str(text.split("\n---\n").next().unwrap()).unwrap();
        examples.push((file.to_owned(), manifest.pointer(pointer).unwrap().clone()));
    }
    examples.push(("the smallest".to_owned(), smallest()));
    examples.push(("the one with every object".to_owned(), with_every_object()));
    examples
}

/// The YAML examples of a document. A line `...` in a PEM block stands for a key.
fn yaml_blocks(text: &str) -> Vec<Value> {
    let pem = read("tests/vectors/keys/rsa.public.pem");
    let key: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let blocks = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| {
            let lines = block.lines().map(|line| match line.strip_suffix("...") {
                Some(indent) if indent.trim().is_empty() => indent.to_owned() + &key.join(&format!("\n{indent}")),
                _ => line.to_owned(),
            });
            let text = lines.collect::<Vec<_>>().join("\n");
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
        })
        .collect()
}

/// The settings of headers for certain upstreams, in a table of the reference.
fn presets() -> Vec<(String, Value)> {
    let reference = read(REFERENCE);
    let rows = reference.lines().filter_map(|line| line.strip_suffix("` |")?.split_once("| `{"));
    rows.map(|(upstream, headers)| {
        let part = serde_saphyr::from_str(&format!("headers: {{{headers}")).unwrap();
        (format!("{REFERENCE}, {upstream}"), part)
    })
    .collect()
}

const OPERATIONS: &str = "docs/operations.md";

/// The cells in backticks of one column of the tables in a section.
fn column(document: &str, heading: &str, column: usize) -> Vec<String> {
    let text = read(document);
    let section = text.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_else(|| panic!("{document}: {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    rows.filter_map(|row| row.split(" | ").nth(column)?.trim_start_matches("| ").strip_prefix('`')?.strip_suffix('`'))
        .map(str::to_owned)
        .collect()
}

/// The table lists every event, by name, and marks those that a tenant can have texts of its own
/// for.
#[test]
fn every_event_is_documented() {
    let mut events: Vec<&str> = Event::ALL.iter().map(|event| event.name()).collect();
    events.sort_unstable();
    assert_eq!(column(OPERATIONS, "Events", 0), events);
    let pages: Vec<&str> = Event::PAGES.iter().map(|event| event.name()).collect();
    let text = read(OPERATIONS);
    let rows = text.lines().filter(|row| row.contains(" | page | "));
    let marked: Vec<&str> = rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(marked, pages);
}

#[test]
fn every_event_has_a_cause_and_a_remedy() {
    let mut explained = column(OPERATIONS, "Troubleshooting", 1);
    // The rows of broken set-ups have words of a line there.
    explained.retain(|cell| !cell.contains(' '));
    explained.sort_unstable();
    explained.dedup();
    assert_eq!(explained, column(OPERATIONS, "Events", 0));
}

/// Whoever updates finds the new name of every event that was renamed, and the new name exists.
#[test]
fn renamed_events_lead_to_events() {
    let text = read("CHANGELOG.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix("` |")?.split_once("` | `"));
    let renamed: Vec<(&str, &str)> = rows.collect();
    assert!(renamed.len() > 30);
    let is_event = |name: &str| Event::ALL.iter().any(|event| event.name() == name);
    for (old, new) in renamed {
        assert!(is_event(new), "{new} is no event");
        assert!(!is_event(old), "{old} is still an event");
    }
}

/// Every Markdown document of the repository.
fn documents() -> Vec<String> {
    files(".md")
}

/// The files of the repository whose names end so.
fn files(suffix: &str) -> Vec<String> {
    fn walk(folder: &Path, suffix: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if !matches!(name, "target" | "node_modules" | ".git") {
                    walk(&path, suffix, found);
                }
            } else if name.ends_with(suffix) {
                let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(env!("CARGO_MANIFEST_DIR")), suffix, &mut found);
    found.sort_unstable();
    assert!(found.len() > 20);
    found
}

/// Prose is wrapped at 100 columns. Tables and code are as wide as they are.
#[test]
fn prose_is_wrapped() {
    for document in documents().iter().filter(|document| !document.starts_with("tests/")) {
        let mut in_code = false;
        for (number, line) in (1..).zip(read(document).lines()) {
            in_code ^= line.trim_start().starts_with("```");
            let is_wide = line.chars().count() > 100 && !in_code && !line.starts_with('|');
            assert!(!is_wide, "{document}:{number}");
        }
    }
}

/// Comments are wrapped at 100 columns, too.
#[test]
fn comments_are_wrapped() {
    for file in files(".rs") {
        for (number, line) in (1..).zip(read(&file).lines()) {
            let is_wide = line.chars().count() > 100 && line.trim_start().starts_with("//");
            assert!(!is_wide, "{file}:{number}");
        }
    }
}

/// The picture of the layers has exactly the rooms of the source. Their order is checked by
/// `tests/layers.rs`.
#[test]
fn the_picture_has_every_room() {
    let architecture = read("ARCHITECTURE.md");
    let picture = architecture.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let mut drawn: Vec<&str> = picture.lines().filter_map(|line| line.split_whitespace().next()).collect();
    drawn.sort_unstable();
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let mut rooms: Vec<String> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let suffix = if entry.path().is_dir() { "/" } else { "" };
            entry.file_name().into_string().unwrap() + suffix
        })
        .filter(|room| !matches!(room.as_str(), "bin/" | "lib.rs" | "testing.rs"))
        .collect();
    rooms.sort_unstable();
    assert_eq!(drawn, rooms);
}

/// Decisions are of their day, and so are the changes of old versions.
#[test]
fn paths_in_documents_exist() {
    let mut count = 0;
    for document in documents().iter().filter(|document| {
        !document.starts_with("docs/decisions/") && !document.starts_with("tests/") && *document != "CHANGELOG.md"
    }) {
        let text = read(document);
        for path in text.split('`').skip(1).step_by(2).filter(|code| !code.contains(char::is_whitespace)) {
            if ["src/", "tests/", "docs/", "envoy/"].iter().any(|folder| path.starts_with(folder)) {
                let exists = Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists();
                assert!(exists, "{document}: {path}");
                count += 1;
            }
        }
    }
    assert!(count > 15);
}

/// Images and files of a release have this version, wherever a manifest or a document names one.
#[test]
fn every_file_names_one_version() {
    let manifests =
        ["envoy-gateway", "istio", "istio-traffic-extension", "chart/values"].map(|name| format!("envoy/{name}.yaml"));
    let mut count = 0;
    for file in documents().into_iter().filter(|file| file != "CHANGELOG.md").chain(manifests) {
        let text = read(&file);
        for rest in ["tenantgate:", "tenantgate-"].iter().flat_map(|name| text.split(name).skip(1)) {
            if rest.starts_with(|first: char| first.is_ascii_digit()) {
                assert!(rest.starts_with(VERSION), "{file}: {}", rest.lines().next().unwrap());
                count += 1;
            }
        }
    }
    assert!(count > 20);
    let chart: Value = serde_saphyr::from_str(&read("envoy/chart/Chart.yaml")).unwrap();
    assert_eq!((&chart["version"], &chart["appVersion"]), (&VERSION.into(), &VERSION.into()));
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The guides, without their index.
fn guides() -> Vec<String> {
    let mut guides = documents();
    guides.retain(|path| path.starts_with(GUIDES) && !path.ends_with("/README.md"));
    assert!(guides.len() > 3);
    guides
}

const GUIDES: &str = "docs/guides/";

/// The index has a row for each guide, which begins with a link to it.
#[test]
fn every_guide_is_in_the_index() {
    let index = read("docs/guides/README.md");
    for guide in guides() {
        let title = read(&guide).lines().next().unwrap().strip_prefix("# ").unwrap().to_owned();
        let name = guide.strip_prefix(GUIDES).unwrap();
        assert!(index.contains(&format!("| [{title}]({name}) | ")), "{guide}");
    }
}

#[test]
fn every_decision_is_in_the_index() {
    let index = read("docs/decisions/README.md");
    let records = documents().into_iter().filter_map(|path| Some(path.strip_prefix("docs/decisions/")?.to_owned()));
    let records: Vec<String> = records.filter(|name| name != "README.md").collect();
    assert!(records.len() > 15);
    for (number, name) in (1..).zip(&records) {
        assert!(name.starts_with(&format!("{number:04}-")), "{name} is not number {number}");
        let text = read(&format!("docs/decisions/{name}"));
        let title = text.lines().next().unwrap().strip_prefix("# ").unwrap().to_owned();
        let (short, _) = name.split_once('-').unwrap();
        assert!(index.contains(&format!("| [{short}]({name}) | {} |", title.split_once(' ').unwrap().1)), "{name}");
        for heading in ["Date: 2", "## Context", "## Decision", "## Consequences"] {
            assert!(text.contains(&format!("\n{heading}")), "{name}: {heading}");
        }
    }
}

/// A row of the tables of attacks.
struct Attack {
    id: String,
    /// What rules it out, or why it does not apply.
    reason: String,
    tests: String,
}

/// The rows of the tables of attacks, in their order.
fn attacks() -> Vec<Attack> {
    let text = read("docs/threats.md");
    let (_, tables) = text.split_once("\n## Attacks\n").unwrap();
    let rows = tables.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| id |"));
    let attacks = rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let ["", id, _, reason, tests, ""] = cells[..] else { panic!("{row}") };
        Attack { id: id.to_owned(), reason: reason.to_owned(), tests: tests.to_owned() }
    });
    attacks.collect()
}

/// An id is the letter of a chapter and a number. The numbers of a chapter have no gap, and none is
/// there twice.
#[test]
fn attacks_are_numbered() {
    let mut counts = BTreeMap::<String, usize>::new();
    for Attack { id, .. } in attacks() {
        let (chapter, number) = id.split_at(1);
        let count = counts.entry(chapter.to_owned()).or_default();
        *count += 1;
        assert_eq!(number, count.to_string(), "{id}");
    }
    assert!(counts.values().sum::<usize>() > 100);
}

/// Each row has a reason, and either tests that exist or the words that there is none.
#[test]
fn tests_against_attacks_exist() {
    let mut count = 0;
    for Attack { id, reason, tests } in attacks() {
        assert!(!reason.is_empty(), "{id} has no reason");
        if tests == "no test" {
            continue;
        }
        for link in tests.split(", [") {
            let link = link.trim_start_matches('[').strip_suffix(')').and_then(|link| link.split_once("](../"));
            let (name, file) = link.unwrap_or_else(|| panic!("{id}: {tests}"));
            assert!(is_test(name.trim_matches('`'), file), "{id}: {name} is no test of {file}");
            count += 1;
        }
    }
    assert!(count > 200);
}

/// The tier `compat` runs tests of the tier `envoy` with older versions of Envoy. It is not run
/// with each change, and those that change a name do not know its list.
#[test]
fn tests_with_older_envoys_exist() {
    let list = read("tests/release/compat.txt");
    let names = list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next());
    for name in names {
        let (module, test) = name.rsplit_once("::").unwrap();
        let exists = match module.strip_prefix("gateway::") {
            _ if module == "envoy_only" => is_test(test, "tests/envoy.rs"),
            Some(file) => is_test(test, &format!("tests/gateway/{file}.rs")),
            None => is_test(name, &format!("tests/scenarios/{module}.rs")),
        };
        assert!(exists, "there is no {name}");
    }
}

/// Whether `file` has this test: a scenario with its module before the name, a test of Node, or one
/// of Rust.
fn is_test(name: &str, file: &str) -> bool {
    let text = read(file);
    if let Some((module, name)) = name.split_once("::") {
        let is_here = file == format!("tests/scenarios/{module}.rs");
        return is_here && text.contains(&format!("\npub fn {name}<")) && is_listed(module, name);
    }
    if file.ends_with(".mjs") {
        return text.contains(&format!("\ntest('{name}', "));
    }
    let start = format!("fn {name}(");
    let mut pairs = text.lines().zip(text.lines().skip(1));
    pairs.any(|(above, line)| above.trim() == "#[test]" && line.trim_start().starts_with(&start))
}

/// Whether the scenario is in the list of its module, so that the tiers run it.
fn is_listed(module: &str, name: &str) -> bool {
    let text = read("tests/scenarios/mod.rs");
    let list = text.split(&format!("\n            {module}: [")).nth(1).and_then(|rest| rest.split(';').next());
    let is_no_part = |c: char| !c.is_alphanumeric() && c != '_';
    list.is_some_and(|list| list.split(is_no_part).any(|word| word == name))
}

/// The headings of a document, as links name them.
fn read_headings(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let mut count = 0;
    for document in documents() {
        let text = read(&document);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&document);
        let folder = path.parent().unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { folder.join(file) };
            assert!(target.exists(), "{document}: {link}");
            let has_heading = || read_headings(&target).contains(&heading.to_owned());
            assert!(heading.is_empty() || has_heading(), "{document}: {link}");
            count += 1;
        }
    }
    assert!(count > 50);
}

//! The manifests that the tool renders, and whether a manifest fits the CustomResourceDefinition of
//! its kind.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Version and kind of every manifest.
pub(crate) const KINDS: [(&str, &str); 11] = [
    ("extensions.istio.io/v1alpha1", "WasmPlugin"),
    ("extensions.istio.io/v1alpha1", "TrafficExtension"),
    ("networking.istio.io/v1", "ServiceEntry"),
    ("networking.istio.io/v1", "DestinationRule"),
    ("security.istio.io/v1", "AuthorizationPolicy"),
    ("networking.istio.io/v1alpha3", "EnvoyFilter"),
    ("gateway.envoyproxy.io/v1alpha1", "EnvoyExtensionPolicy"),
    ("gateway.envoyproxy.io/v1alpha1", "Backend"),
    ("gateway.envoyproxy.io/v1alpha1", "EnvoyPatchPolicy"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("gateway.networking.k8s.io/v1", "BackendTLSPolicy"),
];

/// What `tenantgate render` makes of these tenants with these arguments.
pub(crate) fn render(arguments: &[&str], tenants: &str) -> String {
    let (status, output, errors) = run(env!("CARGO_BIN_EXE_tenantgate"), &[&["render"], arguments].concat(), tenants);
    assert!(status, "{arguments:?}: {errors}");
    output
}

/// Runs a program with this standard input. Returns whether it succeeded, its output and its
/// errors.
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> (bool, String, String) {
    let mut command = Command::new(program);
    let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
    // A program may exit before it reads its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let [out, errors] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.success(), out, errors)
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documents of a file of YAML.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    text.split("\n---\n").map(|text| serde_saphyr::from_str(text).unwrap()).collect()
}

/// The violations of the schema of its kind, and of the schema of all Kubernetes objects.
pub(crate) fn problems(manifest: &Value) -> Vec<String> {
    let (version, kind) = (manifest["apiVersion"].as_str().unwrap(), manifest["kind"].as_str().unwrap());
    assert!(KINDS.contains(&(version, kind)), "{version} {kind}");
    let mut schema: Value = serde_json::from_str(&read(&format!("tests/vectors/crds/{kind}.json"))).unwrap();
    // The CRDs of Istio leave `apiVersion` and `kind` to the API server.
    let properties = schema["properties"].as_object_mut().unwrap();
    for (name, is) in [("apiVersion", json!({ "type": "string" })), ("kind", json!({ "type": "string" }))] {
        properties.insert(name.to_owned(), is);
    }
    let name = json!({ "type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" });
    let metadata = json!({ "type": "object", "required": ["name", "namespace"], "properties": { "name": name, "namespace": name } });
    properties.insert("metadata".to_owned(), metadata);
    schema["required"] = json!(["apiVersion", "kind", "metadata", "spec"]);
    close(&mut schema);
    let validator = jsonschema::draft7::new(&schema).unwrap();
    validator.iter_errors(manifest).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// The API server silently drops unknown fields; here they are errors, unless the CRD preserves
/// unknown fields.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            let takes_anything = members.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
            if members.contains_key("properties") && members.get("type") == Some(&json!("object")) && !takes_anything {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(close),
        _ => {}
    }
}

//! The JSON Schema of the configuration, asked about single fields.

use std::sync::LazyLock;

use serde_json::Value;

/// The schema as text.
pub(crate) const TEXT: &str = include_str!("../../config/schema.json");

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(TEXT).unwrap_or_default());

/// What a schema says about the value at a path such as `tenants[0].login`. `None` if there is no
/// such field.
pub(crate) fn at(path: &str) -> Option<&'static Value> {
    let mut here = resolved(&SCHEMA);
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let (field, elements) =
            name.split_once('[').map_or((name, 0), |(field, rest)| (field, rest.matches(']').count()));
        here = member(here, field)?;
        for _ in 0..elements {
            here = resolved(here.get("items").or_else(|| here.get("additionalProperties"))?);
        }
    }
    Some(here)
}

/// Whether the field at this path is a duration.
pub(crate) fn is_duration(path: &str) -> bool {
    let duration = SCHEMA.pointer("/$defs/duration");
    duration.is_some() && at(path) == duration
}

/// The objects that have a field of this name, as paths from the top such as `tenants[].provider`.
pub(crate) fn homes(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    search(resolved(&SCHEMA), String::new(), name, &mut found);
    found
}

fn search(here: &'static Value, path: String, name: &str, found: &mut Vec<String>) {
    for alternative in alternatives(here) {
        for (field, value) in alternative.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if field == name && !found.contains(&path) {
                found.push(path.clone());
            }
            let mut inner = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
            let mut value = resolved(value);
            while let Some(items) = value.get("items") {
                inner.push_str("[]");
                value = resolved(items);
            }
            search(value, inner, name, found);
        }
    }
}

fn member(here: &'static Value, name: &str) -> Option<&'static Value> {
    let own = alternatives(here).find_map(|schema| schema.get("properties")?.get(name));
    own.or_else(|| here.get("additionalProperties").filter(|schema| schema.is_object())).map(resolved)
}

/// The schema itself, and those of which one or all have to fit.
fn alternatives(here: &'static Value) -> impl Iterator<Item = &'static Value> {
    let lists = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|name| here.get(name)?.as_array());
    std::iter::once(here).chain(lists.flatten().map(resolved))
}

fn resolved(schema: &'static Value) -> &'static Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
    target.and_then(|pointer| SCHEMA.pointer(pointer)).unwrap_or(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_path_and_by_name() {
        assert!(is_duration("session.lifetime") && is_duration("tenants[0].provider.timeout"));
        assert!(!is_duration("tenants[0].provider.cluster") && at("tenants[0].provider.cluster").is_some());
        assert!(at("tenants[0].cluster").is_none());
        assert_eq!(homes("cluster"), ["store.etcd", "tenants[].provider", "tenants_from.etcd"]);
        assert_eq!(homes("tenants"), [""]);
        assert!(homes("pem").contains(&"tenants[].keys[]".to_owned()), "{:?}", homes("pem"));
    }
}

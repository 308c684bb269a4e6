//! The guides for a migration name only fields that exist.
#![allow(clippy::restriction, clippy::disallowed_methods, reason = "tests")]

use serde_json::Value;

/// Whether the schema has the field at a path such as `access[].allow.groups`, of the top level or
/// of a tenant.
fn exists(schema: &Value, path: &str) -> bool {
    let step = |node: &Value, name: &str| {
        let field = node["properties"].get(name.trim_end_matches("[]"))?;
        Some(if name.ends_with("[]") { field["items"].clone() } else { field.clone() })
    };
    [schema, &schema["$defs"]["tenant"]]
        .iter()
        .any(|top| path.split('.').try_fold((*top).clone(), |node, name| step(&node, name)).is_some())
}

#[test]
fn every_field_of_the_tables_exists() {
    let schema: Value = serde_json::from_str(include_str!("../src/config/schema.json")).unwrap();
    let guides = [
        include_str!("../docs/guides/migrate-from-oauth2-proxy.md"),
        include_str!("../docs/guides/migrate-from-envoy-oauth2.md"),
    ];
    for guide in guides {
        let rows: Vec<&str> = guide.lines().filter(|line| line.starts_with("| `")).collect();
        assert!(rows.len() > 30);
        for row in rows {
            let ours = row.split(" | ").nth(1).unwrap();
            let field = ours.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
            let is_there = field.map_or(ours == "none", |field| exists(&schema, field));
            assert!(is_there, "{row}");
        }
    }
}

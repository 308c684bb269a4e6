//! Findings in the Static Analysis Results Interchange Format (SARIF 2.1.0).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::FileReport;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::Source;

pub(super) fn write(files: &[FileReport]) -> String {
    let found = || files.iter().flat_map(|file| file.diagnostics.iter().map(move |found| (&file.source, found)));
    let used: BTreeSet<_> = found().map(|(_, found)| found.code).collect();
    let rules: Vec<Value> = used
        .into_iter()
        .map(|code| {
            let title = codes::find(code).map_or("", |known| known.title);
            json!({ "id": code.to_string(), "shortDescription": { "text": title } })
        })
        .collect();
    let results: Vec<Value> = found().map(|(source, found)| result(source, found)).collect();
    let report = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tenantgate", "version": env!("CARGO_PKG_VERSION"), "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{report:#}\n")
}

fn result(source: &Source, diagnostic: &Diagnostic) -> Value {
    let help = diagnostic.help.as_ref().map_or_else(String::new, |help| format!("; {help}"));
    let region = diagnostic.span.as_ref().map(|span| {
        let (start, end) = (source.position(span.start), source.position(span.end));
        json!({
            "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
        })
    });
    let artifact = json!({ "uri": source.name.replace(' ', "%20") });
    let location = match region {
        Some(region) => json!({ "artifactLocation": artifact, "region": region }),
        None => json!({ "artifactLocation": artifact }),
    };
    json!({
        "ruleId": diagnostic.code.to_string(),
        "level": diagnostic.severity.name(),
        "message": { "text": format!("{}{help}", diagnostic.text()) },
        "locations": [{ "physicalLocation": location }],
    })
}

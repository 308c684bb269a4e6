//! Findings for programs.

use serde_json::{Value, json};

use super::FileReport;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Source;

pub(super) fn write(files: &[FileReport]) -> String {
    let all = files.iter().flat_map(|file| file.diagnostics.iter().map(|found| one(&file.source, found)));
    let count = |severity| files.iter().map(|file| file.count(severity)).sum::<usize>();
    let report = json!({
        "diagnostics": all.collect::<Vec<_>>(),
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
    });
    format!("{report:#}\n")
}

fn one(source: &Source, diagnostic: &Diagnostic) -> Value {
    let range = diagnostic.span.as_ref().map(|span| (source.position(span.start), source.position(span.end)));
    json!({
        "file": source.name,
        "line": range.map(|(start, _)| start.line),
        "column": range.map(|(start, _)| start.column),
        "end_line": range.map(|(_, end)| end.line),
        "end_column": range.map(|(_, end)| end.column),
        "severity": diagnostic.severity.name(),
        "code": diagnostic.code.to_string(),
        "subject": diagnostic.subject,
        "path": diagnostic.path,
        "message": diagnostic.message,
        "help": diagnostic.help,
    })
}

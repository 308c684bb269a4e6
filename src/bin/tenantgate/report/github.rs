//! Findings as workflow commands of GitHub Actions.

use std::fmt::Write as _;

use super::{FileReport, totals};

pub(super) fn write(files: &[FileReport]) -> String {
    let mut out = String::new();
    for file in files {
        for diagnostic in &file.diagnostics {
            let place = diagnostic.span.as_ref().map(|span| file.source.position(span.start));
            let place = place.map_or_else(String::new, |at| format!(",line={},col={}", at.line, at.column));
            let help = diagnostic.help.as_ref().map_or_else(String::new, |help| format!("; {help}"));
            let _ = writeln!(
                out,
                "::{} file={}{place},title={}::{}",
                diagnostic.severity.name(),
                property(&file.source.name),
                diagnostic.code,
                message(&format!("{}{help}", diagnostic.text())),
            );
        }
    }
    let _ = writeln!(out, "{}", totals(files));
    out
}

/// The escapes of a command's message.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The escapes of a command's property.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

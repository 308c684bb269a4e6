//! The forms in which findings are printed.

mod github;
mod human;
mod json;
mod sarif;

use std::ops::Range;

use clap::ValueEnum;

use super::diagnostic::{Diagnostic, Severity};
use super::source::Source;

/// The findings about one file.
pub(crate) struct FileReport {
    pub(crate) source: Source,
    /// The bytes that are not shown. `None` if they are not known, because the text is no YAML.
    pub(crate) secrets: Option<Vec<Range<usize>>>,
    /// In the order of the file.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What the tenants of the file do, for people.
    pub(crate) summary: Vec<String>,
}

/// A form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: the line, and what to write instead.
    Human,
    /// One JSON object with all findings.
    Json,
    /// SARIF 2.1.0, which code scanners read.
    Sarif,
    /// Workflow commands, which GitHub shows beside the line.
    Github,
}

impl FileReport {
    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }
}

/// The output for these files.
pub(crate) fn write(format: Format, files: &[FileReport], colors: bool) -> String {
    match format {
        Format::Human => human::write(files, colors),
        Format::Json => json::write(files),
        Format::Sarif => sarif::write(files),
        Format::Github => github::write(files),
    }
}

/// How many of them there are, such as `2 errors, 1 warning`.
pub(crate) fn totals(files: &[FileReport]) -> String {
    let count = |severity| files.iter().map(|file| file.count(severity)).sum::<usize>();
    let of = |number: usize, name: &str| format!("{number} {name}{}", if number == 1 { "" } else { "s" });
    format!("{}, {}", of(count(Severity::Error), "error"), of(count(Severity::Warning), "warning"))
}

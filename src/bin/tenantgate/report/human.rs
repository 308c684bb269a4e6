//! Findings for people.

use std::fmt::Write as _;
use std::ops::Range;

use super::{FileReport, totals};
use crate::diagnostic::{Diagnostic, Severity};
use crate::secrets;

/// `file:line:column: error[TG014] …`, the line with the place, and what to write instead.
pub(super) fn write(files: &[FileReport], colors: bool) -> String {
    let mut out = String::new();
    for file in files {
        for diagnostic in &file.diagnostics {
            one(&mut out, file, diagnostic, colors);
        }
        for line in &file.summary {
            let name = if files.len() > 1 { format!("{}: ", file.source.name) } else { String::new() };
            let _ = writeln!(out, "{name}{line}");
        }
    }
    let _ = writeln!(out, "{}", totals(files));
    out
}

fn one(out: &mut String, file: &FileReport, diagnostic: &Diagnostic, colors: bool) {
    let source = &file.source;
    let severity = diagnostic.severity.name();
    let (start, end) = match (colors, diagnostic.severity) {
        (false, _) => ("", ""),
        (true, Severity::Error) => ("\x1b[1;31m", "\x1b[0m"),
        (true, Severity::Warning) => ("\x1b[1;33m", "\x1b[0m"),
    };
    let position = diagnostic.span.as_ref().map(|span| source.position(span.start));
    let place = position.map_or_else(String::new, |at| format!("{}:{}:", at.line, at.column));
    let name = &source.name;
    let _ = writeln!(out, "{name}:{place} {start}{severity}[{}]{end} {}", diagnostic.code, diagnostic.text());
    if let (Some(span), Some(at)) = (&diagnostic.span, position) {
        let number = at.line.to_string();
        let (line, before, pointed) = shown(file, span);
        // A tab before the place moves the mark as far as the line.
        let before: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let _ = writeln!(out, " {number} | {line}");
        let _ = writeln!(out, " {} | {before}{start}{}{end}", " ".repeat(number.len()), "^".repeat(pointed.max(1)));
    }
    if let Some(help) = &diagnostic.help {
        // Further lines are YAML to copy.
        let _ = writeln!(out, "   help: {}", help.trim_end().replace('\n', "\n         "));
    }
}

/// The line of the place, what of it stands before the place, and the characters to mark. Secrets
/// are masked.
fn shown(file: &FileReport, span: &Range<usize>) -> (String, String, usize) {
    let text = &file.source.text;
    let start = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |end| end.saturating_add(1));
    let end =
        text.get(span.start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| at.saturating_add(span.start));
    let line = file.source.slice(start..end).trim_end_matches('\r');
    let Some(secrets) = &file.secrets else {
        let guessed = secrets::guess(line);
        let before = file.source.slice(start..span.start);
        return match guessed.starts_with(before) {
            true => (guessed, before.to_owned(), 1),
            false => (guessed, String::new(), 1),
        };
    };
    let masked = |range: Range<usize>| masked(file.source.slice(range.clone()), range.start, secrets);
    let before = masked(start..span.start);
    let pointed = masked(span.start..span.end.min(end)).trim_end().chars().count();
    let rest = masked(span.start..start.saturating_add(line.len()));
    (format!("{before}{rest}"), before, pointed)
}

/// The text, which begins at the byte `start` of the file, with each secret in it masked.
fn masked(text: &str, start: usize, secrets: &[Range<usize>]) -> String {
    let mut out = String::new();
    let mut hidden = false;
    for (at, c) in text.char_indices() {
        let is_secret = secrets.iter().any(|secret| secret.contains(&start.saturating_add(at)));
        if is_secret && !hidden {
            out.push_str(secrets::MASK);
        } else if !is_secret {
            out.push(c);
        }
        hidden = is_secret;
    }
    out
}

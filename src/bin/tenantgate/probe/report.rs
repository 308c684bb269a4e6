//! The findings of a probe, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::finding::{Finding, Severity};

/// The findings about one tenant.
pub(super) struct Report {
    pub(super) tenant: String,
    pub(super) issuer: String,
    pub(super) findings: Vec<Finding>,
}

/// One line for each finding, and below it what to do.
pub(super) fn text(reports: &[Report], colors: bool) -> String {
    let mut out = String::new();
    for Report { tenant, issuer, findings } in reports {
        let at = if issuer.is_empty() { String::new() } else { format!(" at {issuer}") };
        let _ = writeln!(out, "tenant {tenant:?}{at}");
        for Finding { severity, about, message, help } in findings {
            let (start, end) = match (colors, severity) {
                (false, _) => ("", ""),
                (true, Severity::Ok) => ("\x1b[32m", "\x1b[0m"),
                (true, Severity::Warning) => ("\x1b[1;33m", "\x1b[0m"),
                (true, Severity::Error) => ("\x1b[1;31m", "\x1b[0m"),
            };
            let _ = writeln!(out, "{start}{}{end}: {about}: {message}", severity.name());
            if let Some(help) = help {
                let _ = writeln!(out, "   help: {help}");
            }
        }
    }
    let count =
        |severity| reports.iter().flat_map(|report| &report.findings).filter(|one| one.severity == severity).count();
    let of = |number: usize, name: &str| format!("{number} {name}{}", if number == 1 { "" } else { "s" });
    let _ = writeln!(out, "{}, {}", of(count(Severity::Error), "error"), of(count(Severity::Warning), "warning"));
    out
}

/// One JSON object.
pub(super) fn json(reports: &[Report]) -> Value {
    let finding = |finding: &Finding| {
        let Finding { severity, about, message, help } = finding;
        json!({ "severity": severity.name(), "about": about, "message": message, "help": help })
    };
    let report = |report: &Report| {
        let findings: Vec<Value> = report.findings.iter().map(finding).collect();
        json!({ "tenant": report.tenant, "issuer": report.issuer, "findings": findings })
    };
    json!({ "tenants": reports.iter().map(report).collect::<Vec<_>>() })
}

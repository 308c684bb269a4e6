//! What a check finds: a mistake or a warning with its place, and what to write instead.

use std::ops::Range;

use tenantgate::config::{Code, ConfigError};

/// A finding about one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    pub(crate) code: Code,
    pub(crate) severity: Severity,
    /// What it is about besides the path, such as `tenant "acme"`.
    pub(crate) subject: Option<String>,
    /// The path of the value, within the tenant if there is one. It may be empty.
    pub(crate) path: String,
    pub(crate) message: String,
    /// What to write instead.
    pub(crate) help: Option<String>,
    /// The bytes of the file to point at.
    pub(crate) span: Option<Range<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// The gate or Envoy refuses it, or a tenant does not serve.
    Error,
    /// It is accepted, and probably not what is meant.
    Warning,
}

impl Severity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Diagnostic {
    /// An error with this code and message.
    pub(crate) fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            subject: None,
            path: String::new(),
            message: message.into(),
            help: None,
            span: None,
        }
    }

    /// A warning with this code and message.
    pub(crate) fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// An error whose message says after a semicolon what would be right.
    pub(crate) fn split(code: Code, message: &str) -> Self {
        let (message, help) = split_help(message);
        Self { help: help.map(str::to_owned), ..Self::error(code, message) }
    }

    /// The same finding as a warning.
    pub(crate) fn into_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// A mistake that the filter finds when it loads the configuration.
    pub(crate) fn of_mistake(mistake: &ConfigError) -> Self {
        Self {
            subject: mistake.tenant().map(str::to_owned),
            path: mistake.path().to_owned(),
            ..Self::split(mistake.code(), mistake.message())
        }
    }

    pub(crate) fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    pub(crate) fn at_path(self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub(crate) fn span(self, span: Range<usize>) -> Self {
        Self { span: Some(span), ..self }
    }

    /// Subject, path and message in one line.
    pub(crate) fn text(&self) -> String {
        let subject = self.subject.as_deref().into_iter();
        let path = (!self.path.is_empty()).then_some(self.path.as_str());
        let parts: Vec<&str> = subject.chain(path).chain([self.message.as_str()]).collect();
        parts.join(": ")
    }
}

/// Splits a message of the filter at the semicolon outside of quotes, behind which it says what is
/// right.
fn split_help(message: &str) -> (&str, Option<&str>) {
    let mut quoted = None;
    for (at, c) in message.char_indices() {
        match (c, quoted) {
            ('"' | '`', None) => quoted = Some(c),
            (_, Some(quote)) if quote == c => quoted = None,
            (';', None) => {
                let (before, after) = message.split_at_checked(at).unwrap_or((message, ""));
                return (before, after.strip_prefix("; "));
            }
            _ => {}
        }
    }
    (message, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_stands_behind_the_semicolon() {
        for (message, expected) in [
            ("is missing", ("is missing", None)),
            ("is empty; at least one is needed", ("is empty", Some("at least one is needed"))),
            ("\"a; b\" is no host; write it", ("\"a; b\" is no host", Some("write it"))),
            ("needs `a; b`", ("needs `a; b`", None)),
        ] {
            assert_eq!(split_help(message), expected);
        }
    }
}

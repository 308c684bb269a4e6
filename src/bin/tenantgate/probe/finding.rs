//! What a probe finds.

/// One thing that was asked of a provider, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// What it is about, in a few words.
    pub(crate) about: &'static str,
    pub(crate) message: String,
    /// What to write, or what to register at the provider.
    pub(crate) help: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Ok,
    /// It may be a mistake, or it could not be asked.
    Warning,
    /// Somebody cannot sign in.
    Error,
}

impl Severity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Finding {
    pub(super) fn ok(about: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Ok, about, message: message.into(), help: None }
    }

    pub(super) fn warning(about: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::ok(about, message) }
    }

    pub(super) fn error(about: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, ..Self::ok(about, message) }
    }

    /// An error if it matters to the filter, otherwise a warning.
    pub(super) fn error_if(matters: bool, about: &'static str, message: impl Into<String>) -> Self {
        if matters { Self::error(about, message) } else { Self::warning(about, message) }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// Two values that should be the same, as they are.
pub(super) fn compared(what: &str, expected: &str, received: &str) -> String {
    format!("{what}: expected {}, received {}", quoted(expected), quoted(received))
}

/// A text of somebody else: in quotes, on one line, and cut.
pub(super) fn quoted(text: &str) -> String {
    let cut = text.chars().count() > LONGEST;
    let text: String = text.chars().take(LONGEST).collect();
    format!("{text:?}{}", if cut { " (cut)" } else { "" })
}

/// The names of a list of somebody else.
pub(super) fn listed<'t>(names: impl IntoIterator<Item = &'t str>) -> String {
    let names: Vec<String> = names.into_iter().take(MOST).map(quoted).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

const LONGEST: usize = 200;
const MOST: usize = 20;

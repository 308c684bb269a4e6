//! The one configuration that a command works on.

use std::collections::HashMap;
use std::path::Path;

use super::gate::{Form, gates};
use super::source::{Source, SourceError};
use super::yaml::{Node, documents};

/// The first configuration of a gate in a file.
pub(crate) struct Configured {
    pub(crate) source: Source,
    /// What it was found in.
    pub(crate) form: Form,
    /// The value, with places in the file.
    pub(crate) node: Node,
    /// The variables with a value in the file.
    pub(crate) fixed: HashMap<String, String>,
    /// How many documents the file has.
    pub(crate) documents: usize,
}

impl Configured {
    /// Reads a file, or standard input for `-`.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let source = Source::read(file).map_err(|error| match error {
            SourceError::Unreadable(problem) => problem,
            SourceError::Encoding(problem) => format!("{}: {problem}", file.display()),
        })?;
        Self::of(source)
    }

    /// Reads a text.
    pub(crate) fn of(source: Source) -> Result<Self, String> {
        let invalid = |problem: &str| format!("{}: {problem}; `tenantgate check` says more", source.name);
        let documents = documents(&source.text);
        let count = documents.len();
        for document in documents {
            let document = document.map_err(|_| invalid("is not YAML"))?;
            let found = gates(&document, &source.text).into_iter().find_map(|gate| {
                let configuration = gate.configuration?;
                Some((configuration.node, gate.form, gate.fixed))
            });
            if let Some((node, form, fixed)) = found {
                return Ok(Self { source, form, node, fixed, documents: count });
            }
        }
        Err(invalid("has no configuration of Tenantgate"))
    }
}

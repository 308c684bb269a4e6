//! The files of a check. All are read before any is checked, since what belongs to a gate may stand
//! in another file.

use std::path::{Path, PathBuf};

use super::source::{Source, SourceError, files};
use super::yaml::{Document, Node, documents};

/// A file that was read.
pub(crate) struct Input {
    pub(crate) source: Source,
    pub(crate) documents: Vec<Document>,
    /// Why it is no text.
    pub(crate) problem: Option<String>,
    /// The folder that it was found in, unless it was named itself.
    pub(crate) folder: Option<PathBuf>,
}

/// The files that these arguments name.
pub(crate) fn inputs(paths: &[PathBuf]) -> Result<Vec<Input>, String> {
    let mut inputs = Vec::new();
    for path in paths {
        let found = files(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let folder = path.is_dir().then_some(path);
        for file in &found {
            inputs.push(Input::read(file, folder)?);
        }
    }
    Ok(inputs)
}

impl Input {
    fn read(path: &Path, folder: Option<&PathBuf>) -> Result<Self, String> {
        let folder = folder.cloned();
        match Source::read(path) {
            Ok(source) => {
                let documents = documents(&source.text);
                Ok(Self { source, documents, problem: None, folder })
            }
            Err(SourceError::Unreadable(problem)) => Err(problem),
            Err(SourceError::Encoding(problem)) => {
                let source = Source { name: path.display().to_string(), text: String::new() };
                Ok(Self { source, documents: Vec::new(), problem: Some(problem), folder })
            }
        }
    }

    /// Whether the file may have what is around a gate: manifests, or resources of Envoy.
    pub(crate) fn is_around(&self) -> bool {
        let is_known = |node: &Node| AROUND.iter().any(|name| node.get(name).is_some());
        self.documents.iter().flatten().any(is_known)
    }
}

/// Fields at the top of manifests, of resources of the xDS APIs and of a bootstrap.
const AROUND: [&str; 3] = ["kind", "resources", "static_resources"];

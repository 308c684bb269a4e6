//! All documents of a check.

use super::spot::Spot;
use crate::yaml::Node;

/// The documents of all files. What is around a gate may stand in another document or file.
#[derive(Default)]
pub(crate) struct Landscape<'d> {
    documents: Vec<Spot<'d>>,
}

impl<'d> Landscape<'d> {
    /// Adds a document of the file with this number and text.
    pub(crate) fn add(&mut self, file: usize, text: &'d str, node: &'d Node) {
        self.documents.push(Spot { file, text, node });
    }

    /// The document alone, the documents of its file, all documents.
    pub(super) fn scopes(&self, document: Spot<'d>) -> [Vec<Spot<'d>>; 3] {
        let of_file = self.documents.iter().filter(|other| other.file == document.file);
        [vec![document], of_file.copied().collect(), self.documents.clone()]
    }

    /// The manifests of this kind, those of `file` first.
    pub(super) fn manifests(&self, kind: &str, file: usize) -> Vec<Spot<'d>> {
        let is_kind = |document: &&Spot<'d>| document.text_of(&["kind"]) == Some(kind);
        let mut found: Vec<Spot<'d>> = self.documents.iter().filter(is_kind).copied().collect();
        found.sort_by_key(|document| document.file != file);
        found
    }
}

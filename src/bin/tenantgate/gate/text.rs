//! A configuration as JSON text: alone in a file, or in a `StringValue`.

use super::{Configuration, Json};
use crate::yaml::{Content, Node, Style, documents};

/// The JSON text of a file that is no YAML of another kind.
pub(super) fn whole(document: &Node, text: &str) -> Option<Json> {
    text.trim_start().starts_with('{').then(|| Json {
        text: text.to_owned(),
        span: document.span.clone(),
        lines: line_starts(text).collect(),
    })
}

/// The configuration in a scalar. Its places are exact if the scalar is a literal block.
pub(super) fn json(scalar: &Node, source: &str) -> Option<Configuration> {
    let Content::Scalar(held) = &scalar.content else { return None };
    let lines = if held.style == Style::Literal { literal_lines(scalar, &held.text, source) } else { Vec::new() };
    let json = Json { text: held.text.clone(), span: scalar.span.clone(), lines };
    let inner = documents(&held.text).into_iter().next().and_then(Result::ok);
    let mut node = inner.unwrap_or_else(|| scalar.clone());
    if node.span != scalar.span {
        json.relocate(&mut node);
    }
    Some(Configuration { node, json: Some(json) })
}

/// Where each line of the content of a literal block begins in the file.
fn literal_lines(scalar: &Node, text: &str, source: &str) -> Vec<usize> {
    let Some(first) = text.lines().find(|line| !line.is_empty()) else { return Vec::new() };
    let before = source.get(..scalar.span.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |end| end.saturating_add(1));
    let mut lines = line_starts(source).filter(|&start| start >= line_start).peekable();
    let content = |start: usize| source.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    // The indentation of the first line is that of all others.
    while lines.peek().is_some_and(|&start| !content(start).ends_with(first)) {
        lines.next();
    }
    let indent = lines.peek().map_or(0, |&start| content(start).len().saturating_sub(first.len()));
    lines.take(text.lines().count()).map(|start| start.saturating_add(indent)).collect()
}

/// Where each line begins.
fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at.saturating_add(1)))
}

impl Json {
    /// The byte of the file for this byte of the text.
    fn offset(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count();
        let column = before.len().saturating_sub(before.rfind('\n').map_or(0, |end| end.saturating_add(1)));
        self.lines.get(line).map_or(self.span.start, |start| start.saturating_add(column))
    }

    /// The byte of the file for a line and a column of the text, both from 1 on.
    pub(crate) fn place(&self, line: usize, column: usize) -> usize {
        let start = self.lines.get(line.saturating_sub(1));
        start.map_or(self.span.start, |start| start.saturating_add(column.saturating_sub(1)))
    }

    fn relocate(&self, node: &mut Node) {
        node.span = match self.lines.is_empty() {
            true => self.span.clone(),
            false => self.offset(node.span.start)..self.offset(node.span.end),
        };
        match &mut node.content {
            Content::Scalar(_) => {}
            Content::List(elements) => elements.iter_mut().for_each(|element| self.relocate(element)),
            Content::Map(members) => members.iter_mut().for_each(|member| {
                self.relocate(&mut member.key);
                self.relocate(&mut member.value);
            }),
        }
    }
}

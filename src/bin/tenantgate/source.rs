//! The files that a command reads, and positions in them.

use std::fs;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The text of one file.
pub(crate) struct Source {
    /// The name as the user gave it, or `<stdin>`.
    pub(crate) name: String,
    /// The text, without a byte order mark.
    pub(crate) text: String,
}

/// A line and a column, both from 1 on. The column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The reason why a file could not be read as text.
pub(crate) enum SourceError {
    /// The file system did not give it.
    Unreadable(String),
    /// It is no UTF-8, with advice.
    Encoding(String),
}

impl Source {
    /// Reads standard input for `-`, and otherwise the file.
    pub(crate) fn read(path: &Path) -> Result<Self, SourceError> {
        let name = if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() };
        let mut bytes = Vec::new();
        let read = match path == Path::new("-") {
            true => io::stdin().read_to_end(&mut bytes).map(|_| bytes),
            false => fs::read(path),
        };
        let bytes = read.map_err(|error| SourceError::Unreadable(format!("{name}: {error}")))?;
        decode(bytes).map(|text| Self { name, text }).map_err(SourceError::Encoding)
    }

    /// The position of the byte with this offset.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end.saturating_add(1));
        let line = before.bytes().filter(|&b| b == b'\n').count().saturating_add(1);
        let column = before.get(line_start..).unwrap_or_default().chars().count().saturating_add(1);
        Position { line, column }
    }

    /// The offset of the beginning of the line with this number, from 1 on.
    pub(crate) fn offset(&self, line: usize) -> usize {
        let ends = self.text.match_indices('\n').map(|(at, _)| at.saturating_add(1));
        std::iter::once(0).chain(ends).nth(line.saturating_sub(1)).unwrap_or(self.text.len())
    }

    /// The line with this number, from 1 on, without its end.
    pub(crate) fn line(&self, number: usize) -> &str {
        self.text.lines().nth(number.saturating_sub(1)).unwrap_or_default()
    }

    /// The text of a range of bytes.
    pub(crate) fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }
}

/// The files that an argument names: itself, or for a folder the YAML and JSON files in it and
/// below, in the order of their names.
pub(crate) fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries =
        fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        let is_hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let suffix = entry.extension().and_then(|suffix| suffix.to_str());
        if is_hidden {
            continue;
        } else if entry.is_dir() {
            found.extend(files(&entry)?);
        } else if matches!(suffix, Some("yaml" | "yml" | "json")) {
            found.push(entry);
        }
    }
    Ok(found)
}

/// The text of the bytes, which have to be UTF-8. Envoy takes a byte order mark.
fn decode(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("is UTF-16; save it as UTF-8".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        format!("is not UTF-8 from byte {} on; save it as UTF-8", error.utf8_error().valid_up_to().saturating_add(1))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

//! Lines on standard output, written as they come: there may be many.

use std::io::{self, Write as _};

/// Prints lines. A closed pipe is an error, not a panic.
pub(super) fn print(text: &str) -> Result<(), String> {
    match text {
        "" => Ok(()),
        text => writeln!(io::stdout(), "{}", text.trim_end()).map_err(|error| error.to_string()),
    }
}

/// Prints the elements of a list in a JSON object, one after the other.
#[derive(Default)]
pub(super) struct JsonList {
    has_any: bool,
}

impl JsonList {
    /// Begins an object with the list of this name.
    pub(super) fn begin(name: &str) -> Result<Self, String> {
        print(&format!("{{\n  \"{name}\": ["))?;
        Ok(Self::default())
    }

    /// Prints an element in a line.
    pub(super) fn add(&mut self, element: &serde_json::Value) -> Result<(), String> {
        let comma = if std::mem::replace(&mut self.has_any, true) { "," } else { " " };
        print(&format!("   {comma}{element}"))
    }

    /// Ends the list and the object, which has these further members.
    pub(super) fn end(self, members: &[(&str, serde_json::Value)]) -> Result<(), String> {
        let members: String = members.iter().map(|(name, value)| format!(",\n  \"{name}\": {value}")).collect();
        print(&format!("  ]{members}\n}}"))
    }
}

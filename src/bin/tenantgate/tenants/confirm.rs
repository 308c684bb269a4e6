//! Asks before something is written.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// Whether to go on: it was said on the command line, or at the terminal.
pub(super) fn confirmed(question: &str, yes: bool) -> Result<bool, String> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Err("nothing was written, because there is no terminal to ask at; give `--yes`".to_owned());
    }
    write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stderr().flush()).map_err(|error| error.to_string())?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| error.to_string())?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

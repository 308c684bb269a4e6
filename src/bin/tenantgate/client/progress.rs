//! Says on a terminal what takes long.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Writes to standard error, if that is a terminal.
pub(crate) struct Progress {
    is_terminal: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self { is_terminal: io::stderr().is_terminal() }
    }
}

impl Progress {
    /// Does the work. What it is about is shown from one second on, and removed at the end.
    pub(crate) fn during<T>(&self, about: &str, work: impl FnOnce() -> T) -> T {
        if !self.is_terminal {
            return work();
        }
        let (done, is_done) = mpsc::channel::<()>();
        let line = format!("waiting for {}", about.split('?').next().unwrap_or_default());
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut shown = false;
                while is_done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    let dots = if shown { "." } else { line.as_str() };
                    let _ = write!(io::stderr(), "{dots}").and_then(|()| io::stderr().flush());
                    shown = true;
                }
                if shown {
                    let _ = write!(io::stderr(), "\r\x1b[K");
                }
            });
            let result = work();
            drop(done);
            result
        })
    }
}

const PATIENCE: Duration = Duration::from_secs(1);

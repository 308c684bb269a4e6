//! What the host gives: time, randomness, environment variables, the log.

use std::time::UNIX_EPOCH;

use proxy_wasm::hostcalls;
use proxy_wasm::types::LogLevel;

use crate::config::Environment;
use crate::env::{Entropy, NoEntropy, UnixTime};
use crate::reply::Level;

/// The time, if the host can tell it.
pub(super) fn now() -> Option<UnixTime> {
    let time = hostcalls::get_current_time().ok()?;
    time.duration_since(UNIX_EPOCH).ok().map(|since| UnixTime(since.as_secs()))
}

/// The host's random numbers (`random_get` of WASI).
pub(super) struct VmEntropy;

impl Entropy for VmEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is where randomness comes in")]
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(buffer).map_err(|_| NoEntropy)
    }
}

/// The environment variables that the VM was given.
pub(super) struct VmEnvironment;

impl Environment for VmEnvironment {
    #[expect(clippy::disallowed_methods, reason = "this is where environment variables come in")]
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// Writes one line to the host's log. A host that refuses it is no reason to do anything else differently.
pub(super) fn log(level: Level, line: &str) {
    let level = match level {
        Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    };
    let _ = hostcalls::log(level, line);
}

//! The functions of the host for time, randomness, environment variables and the log.

use std::cell::Cell;
use std::net::IpAddr;
use std::time::UNIX_EPOCH;

use proxy_wasm::hostcalls;
use proxy_wasm::types::LogLevel;

use super::abi::log_level;
use crate::base::event::Level;
use crate::base::time::UnixTime;
use crate::config::Environment;
use crate::env::{ClientAddress, Entropy, NoEntropy};

/// The current time. `None` if the host returns an error.
pub(super) fn now() -> Option<UnixTime> {
    let time = hostcalls::get_current_time().ok()?;
    time.duration_since(UNIX_EPOCH).ok().map(|since| UnixTime(since.as_secs()))
}

/// The random bytes of the host (`random_get` of WASI).
pub(super) struct VmEntropy;

impl Entropy for VmEntropy {
    #[expect(clippy::disallowed_methods, reason = "the shell is where randomness enters the core")]
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(buffer).map_err(|_| NoEntropy)
    }
}

/// The address of the client of the current stream: the attribute `source.address` of Envoy, which
/// follows the settings about trusted proxies.
pub(super) struct VmClientAddress;

impl ClientAddress for VmClientAddress {
    fn client_address(&self) -> Option<IpAddr> {
        let address = hostcalls::get_property(vec!["source", "address"]).ok()??;
        // The form is `10.0.0.1:40000` or `[2001:db8::1]:40000`. The reader of the standard library
        // for addresses with ports would make the module larger.
        let (address, _port) = std::str::from_utf8(&address).ok()?.rsplit_once(':')?;
        address.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }
}

/// The environment variables that the host gives to the VM.
pub(super) struct VmEnvironment;

impl Environment for VmEnvironment {
    #[expect(clippy::disallowed_methods, reason = "this is where environment variables come in")]
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// All of these variables.
pub(super) fn variables() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    std::env::vars_os().map(|(name, value)| (name.into_encoded_bytes(), value.into_encoded_bytes()))
}

thread_local! {
    /// The lowest level that the host logs, as it was at the last tick.
    static LOG_LEVEL: Cell<u32> = const { Cell::new(0) };
}

/// Updates the log level from the host.
pub(super) fn ask_log_level() {
    LOG_LEVEL.set(log_level());
}

/// Writes one line to the log of the host, if the host logs its level. The check avoids a host call
/// for a line that the host drops, which took 1.6 of 29 microseconds. An error of the host is
/// ignored.
pub(super) fn log(level: Level, line: &str) {
    let (level, number) = match level {
        Level::Debug => (LogLevel::Debug, 1),
        Level::Info => (LogLevel::Info, 2),
        Level::Warn => (LogLevel::Warn, 3),
        Level::Error => (LogLevel::Error, 4),
    };
    if number >= LOG_LEVEL.get() {
        let _ = hostcalls::log(level, line);
    }
}

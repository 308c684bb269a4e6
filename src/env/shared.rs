//! The data that the VMs of one Envoy process share: a small key-value store of the host. With it
//! the VMs agree on which of them makes a call, and receive what one of them has fetched or
//! recorded. The store may lose everything at any time.

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::base::encoding::base64url;
use crate::base::time::UnixTime;

/// The host's shared data. Every VM of the process can write there, so a value that is read is
/// treated as untrusted input.
pub trait SharedData {
    /// The value under `key` and its version, if there is one.
    fn get(&self, key: &str) -> Option<(Vec<u8>, Version)>;

    /// Writes `value` under `key` if the present version is still `version`. If `version` is
    /// `None`, the value is written in any case.
    ///
    /// # Errors
    /// [`SharedWriteError`] if the value was written since, or if the host has no such store.
    fn set(&self, key: &str, value: &[u8], version: Option<Version>) -> Result<(), SharedWriteError>;
}

/// The version of a value, which changes with each write under its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u32);

/// The value was not written: it was written by another VM in the meantime, or there is no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedWriteError;

impl fmt::Display for SharedWriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shared value was not written")
    }
}

impl std::error::Error for SharedWriteError {}

/// A host that stores nothing.
pub struct NoSharedData;

impl SharedData for NoSharedData {
    fn get(&self, _key: &str) -> Option<(Vec<u8>, Version)> {
        None
    }

    fn set(&self, _key: &str, _value: &[u8], _version: Option<Version>) -> Result<(), SharedWriteError> {
        Err(SharedWriteError)
    }
}

/// Creates a value under `key` if there is none. Creation is not atomic: several VMs may create a
/// value, and each overwrites that of the other. So call it only when no VM changes the value.
///
/// # Errors
/// [`SharedWriteError`] if the host has no such store.
pub(crate) fn create(shared: &dyn SharedData, key: &str) -> Result<(), SharedWriteError> {
    if shared.get(key).is_some() { Ok(()) } else { shared.set(key, EMPTY, None) }
}

/// Replaces the value under `key` with the result of `change`, unless that is `None`. If several
/// VMs change an existing value at the same time, exactly one succeeds.
///
/// # Errors
/// [`SharedWriteError`] if the value was not changed.
pub(crate) fn change(
    shared: &dyn SharedData,
    key: &str,
    change: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<(), SharedWriteError> {
    create(shared, key)?;
    let (value, version) = shared.get(key).ok_or(SharedWriteError)?;
    shared.set(key, &change(&value).ok_or(SharedWriteError)?, Some(version))
}

/// The key that belongs to `parts`. Different lists of parts have different keys.
pub(crate) fn key_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    base64url(&hash.finalize())
}

/// Whether work is due at `now` that one VM of a process does for all, and that one of them has
/// planned for `next`. If the clock was set back, it is not waited for until the old time is
/// reached again.
pub(crate) fn is_due(next: UnixTime, now: UnixTime) -> bool {
    now >= next || next > now.plus(LONGEST_PAUSE)
}

/// The longest time to the next work: the longest interval, and that of work with many calls.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// The value of a new key. It has a byte, because some hosts treat an empty value as absent.
const EMPTY: &[u8] = b"-";

#[cfg(test)]
mod tests {
    use super::*;

    /// Also if the clock was set back.
    #[test]
    fn when_work_is_due() {
        for (next, due) in [(999, true), (1000, true), (1001, false), (1120, false), (1121, true)] {
            assert_eq!(is_due(UnixTime(next), UnixTime(1000)), due, "{next}");
        }
    }
}

//! What the VMs of one Envoy process have in common: a small store of the host, by which they agree on who calls out and see
//! what one of them has learnt. It may lose everything at any time.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::base::encoding::base64url;

/// The host's shared data. Every VM of the process can write there, so what is read is looked at as if it came from outside.
pub trait SharedData {
    /// The value under `key` with its version, if there is one.
    fn get(&self, key: &str) -> Option<(Vec<u8>, Version)>;

    /// Writes `value` if nobody has written since `version` was read; whatever is there if it is `None`.
    ///
    /// # Errors
    /// [`SharedWriteError`] if somebody has, or if the host has no such store.
    fn set(&self, key: &str, value: &[u8], version: Option<Version>) -> Result<(), SharedWriteError>;
}

/// Changes with each write under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u32);

/// Somebody else was faster, or there is no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedWriteError;

impl fmt::Display for SharedWriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shared value was not written")
    }
}

impl std::error::Error for SharedWriteError {}

/// A host that keeps nothing.
pub struct NoSharedData;

impl SharedData for NoSharedData {
    fn get(&self, _key: &str) -> Option<(Vec<u8>, Version)> {
        None
    }

    fn set(&self, _key: &str, _value: &[u8], _version: Option<Version>) -> Result<(), SharedWriteError> {
        Err(SharedWriteError)
    }
}

/// Puts something under `key` if there is nothing yet. A host lets any number of VMs create a value, each over that of the other, so
/// this is for a moment at which nobody changes it.
pub(crate) fn create(shared: &dyn SharedData, key: &str) -> Result<(), SharedWriteError> {
    if shared.get(key).is_some() { Ok(()) } else { shared.set(key, EMPTY, None) }
}

/// Changes the value under `key`, unless `change` does not want to. Of several VMs that change it at the same moment exactly one
/// succeeds, if it was there before.
///
/// # Errors
/// [`SharedWriteError`] if it was not changed.
pub(crate) fn change(
    shared: &dyn SharedData,
    key: &str,
    change: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<(), SharedWriteError> {
    create(shared, key)?;
    let (value, version) = shared.get(key).ok_or(SharedWriteError)?;
    shared.set(key, &change(&value).ok_or(SharedWriteError)?, Some(version))
}

/// A name for what belongs to `parts`. No two different lists of parts have the same.
pub(crate) fn key_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    base64url(&hash.finalize())
}

/// Some hosts take a value of no bytes for none.
const EMPTY: &[u8] = b"-";

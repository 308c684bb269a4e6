//! The shared data of the host: one store for all VMs of the process.

use proxy_wasm::hostcalls;

use crate::env::shared::{SharedData, SharedWriteError, Version};

/// The shared data of the host.
pub(super) struct VmSharedData;

impl SharedData for VmSharedData {
    fn get(&self, key: &str) -> Option<(Vec<u8>, Version)> {
        let (value, version) = hostcalls::get_shared_data(key).ok()?;
        Some((value?, Version(version?)))
    }

    fn set(&self, key: &str, value: &[u8], version: Option<Version>) -> Result<(), SharedWriteError> {
        let version = version.map(|Version(version)| version);
        hostcalls::set_shared_data(key, Some(value), version).map_err(|_| SharedWriteError)
    }
}

//! Host functions that the module declares itself, because their wrappers in the SDK panic.
//!
//! For a header map, the SDK allocates every name and value, and panics if a name is not UTF-8 or
//! the host returns an error. For the log level, it uses an enum that has no value for "off".

#![expect(unsafe_code, reason = "the host writes into the memory of the module")]

use std::ptr::null_mut;

use proxy_wasm::types::MapType;

use crate::http::request::RequestHead;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    /// Writes the header map to memory that the host gets from `proxy_on_memory_allocate`, and the
    /// address and the size of that memory to `data` and `size`. Returns 0 on success.
    fn proxy_get_header_map_pairs(map: MapType, data: *mut *mut u8, size: *mut usize) -> u32;

    /// Writes the log level to `level`. Returns 0 on success.
    fn proxy_get_log_level(level: *mut u32) -> u32;
}

/// The lowest level that the host logs, by the numbers of the ABI. 0 (trace) if the host returns an
/// error.
pub(super) fn log_level() -> u32 {
    let mut level = 0;
    // SAFETY: the pointer points to a live variable of the type that the ABI requires.
    let status = unsafe { proxy_get_log_level(&raw mut level) };
    if status == 0 { level } else { 0 }
}

/// A header map of the current stream or call. `None` if the host returns an error or an invalid
/// map.
pub(super) fn header_map(map: MapType) -> Option<RequestHead> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: both pointers point to live variables of the types that the ABI requires.
    let status = unsafe { proxy_get_header_map_pairs(map, &raw mut data, &raw mut size) };
    if status != 0 {
        return None;
    }
    if data.is_null() {
        return Some(RequestHead::default());
    }
    // SAFETY: the host got this memory from the SDK's `proxy_on_memory_allocate`, which allocates a
    // vector of this capacity and forgets it. The host has written all `size` bytes, and nothing
    // else has the pointer.
    RequestHead::from_host(unsafe { Vec::from_raw_parts(data, size, size) })
}

//! Functions of the host that the SDK has in another form than is wanted here.
//!
//! Of a header map it makes a text of every name and value, and panics where a name is not UTF-8 or the host refuses; and it takes the log
//! level for one of its own, which "off" is not.

#![expect(unsafe_code, reason = "the host writes into the memory of the module")]

use std::ptr::null_mut;

use proxy_wasm::types::MapType;

use crate::http::request::RequestHead;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    /// Writes the map into memory that it gets from `proxy_on_memory_allocate`, and its address and size to `data` and `size`. 0 if so.
    fn proxy_get_header_map_pairs(map: MapType, data: *mut *mut u8, size: *mut usize) -> u32;

    /// Writes the level to `level`. 0 if so.
    fn proxy_get_log_level(level: *mut u32) -> u32;
}

/// The level below which the host's log takes no line, by the numbers of the ABI; 0 (trace) if the host does not say.
pub(super) fn log_level() -> u32 {
    let mut level = 0;
    // SAFETY: the address is that of a live variable of the type that the ABI has.
    let status = unsafe { proxy_get_log_level(&raw mut level) };
    if status == 0 { level } else { 0 }
}

/// The pairs of a map of the current stream, if the host gives it.
pub(super) fn header_map(map: MapType) -> Option<RequestHead> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: both addresses are those of live variables of the types that the ABI has.
    let status = unsafe { proxy_get_header_map_pairs(map, &raw mut data, &raw mut size) };
    if status != 0 {
        return None;
    }
    if data.is_null() {
        return Some(RequestHead::default());
    }
    // SAFETY: the host got this memory from the SDK's `proxy_on_memory_allocate`, which makes it a vector of this capacity and forgets that,
    // and wrote all of it; nobody else knows the address.
    RequestHead::from_host(unsafe { Vec::from_raw_parts(data, size, size) })
}

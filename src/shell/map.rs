//! Header maps, in the one buffer in which the host hands them over.
//!
//! The SDK makes a text of every name and value, and panics where a name is not UTF-8 or the host refuses.

#![expect(unsafe_code, reason = "the host writes the map into the memory of the module and gives the address")]

use std::ptr::null_mut;

use proxy_wasm::types::MapType;

use crate::request::RequestHead;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    /// Writes the map into memory that it gets from `proxy_on_memory_allocate`, and its address and size to `data` and `size`. 0 if so.
    fn proxy_get_header_map_pairs(map: MapType, data: *mut *mut u8, size: *mut usize) -> u32;
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

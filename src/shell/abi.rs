//! The parts of the ABI for which the SDK is not used.
//!
//! For a header map, the SDK allocates every name and value, and panics if a name is not UTF-8 or
//! the host returns an error. For the log level, it uses an enum that has no value for "off".
//!
//! A callback for headers can return more than the two actions of the SDK. With `Pause`, an Envoy
//! that has `allow_on_headers_stop_iteration` delivers the body to the filter, which can only
//! buffer it: a body above the buffer limit ends in 413 or 500. With
//! `StopAllIterationAndWatermark`, Envoy keeps the body back and slows the sender down. So the
//! module exports two callbacks of its own, and `callbacks.wat` gives them the names of the ABI.

#![expect(unsafe_code, reason = "the host writes into the memory of the module and calls it")]

use std::cell::Cell;
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

unsafe extern "C" {
    /// The callback of the SDK. It returns 0 for `Continue` and 1 for `Pause`.
    fn proxy_on_request_headers(context: u32, headers: usize, end_of_stream: bool) -> u32;

    /// As [`proxy_on_request_headers`], for the response.
    fn proxy_on_response_headers(context: u32, headers: usize, end_of_stream: bool) -> u32;
}

thread_local! {
    /// Whether the filter reads the body of the request whose head came last.
    static READS_BODY: Cell<bool> = const { Cell::new(false) };
}

/// Sets whether the filter reads the body of the request whose head came last. If it does not, a
/// paused request keeps its body back.
pub(super) fn set_reads_body(reads: bool) {
    READS_BODY.set(reads);
}

/// The callback for the head of a request, exported as `proxy_on_request_headers`.
#[unsafe(no_mangle)]
extern "C" fn tenantgate_on_request_headers(context: u32, headers: usize, end_of_stream: bool) -> u32 {
    // SAFETY: the SDK defines this function with these types.
    let status = unsafe { proxy_on_request_headers(context, headers, end_of_stream) };
    if status == CONTINUE || READS_BODY.get() { status } else { STOP_ALL_ITERATION_AND_WATERMARK }
}

/// The callback for the head of a response, exported as `proxy_on_response_headers`.
#[unsafe(no_mangle)]
extern "C" fn tenantgate_on_response_headers(context: u32, headers: usize, end_of_stream: bool) -> u32 {
    // SAFETY: the SDK defines this function with these types.
    let status = unsafe { proxy_on_response_headers(context, headers, end_of_stream) };
    if status == CONTINUE { status } else { STOP_ALL_ITERATION_AND_WATERMARK }
}

/// `FilterHeadersStatus` of the ABI.
const CONTINUE: u32 = 0;
const STOP_ALL_ITERATION_AND_WATERMARK: u32 = 4;

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

//! Outbound calls: how one is made, and what came of it.

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType, Status};

use super::abi::header_map;
use crate::base::secret::Secret;
use crate::http::call::{CallFailure, CallResponse, HttpCall};

/// Makes the call; the host tells how it ended under this token.
pub(super) fn dispatch(call: &HttpCall) -> Result<u32, Status> {
    let headers = call.headers.iter().map(|(name, value)| (*name, value.expose_secret().as_str())).collect();
    let body = call.body.expose_secret().as_bytes();
    hostcalls::dispatch_http_call(&call.cluster, headers, Some(body), Vec::new(), call.timeout)
}

/// No headers is how the host says that the call failed.
pub(super) fn response(headers: usize, body: usize) -> Result<CallResponse, CallFailure> {
    if headers == 0 || headers > MAX_HEADERS {
        return Err(CallFailure::NoAnswer);
    }
    let head = header_map(MapType::HttpCallResponseHeaders).ok_or(CallFailure::NoAnswer)?;
    let status = head.only(":status").and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    // One byte more than is looked at shows that there is more.
    let length = body.min(CallResponse::MAX_BODY.saturating_add(1));
    let body = match length {
        0 => Vec::new(),
        _ => hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, length).ok().flatten().unwrap_or_default(),
    };
    Ok(CallResponse { status: status.ok_or(CallFailure::NoAnswer)?, body: Secret::new(body) })
}

/// The host hands over 1,024 pairs at most.
pub(super) const MAX_HEADERS: usize = 1000;

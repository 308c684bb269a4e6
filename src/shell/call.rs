//! Outbound calls and their responses.

use std::time::SystemTime;

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType, Status};

use super::abi::header_map;
use super::counters::Counters;
use crate::base::secret::Secret;
use crate::http::call::{CallFailure, CallResponse, HttpCall, LocalReason};

/// A call in progress.
#[derive(Clone, Copy)]
pub(super) struct DispatchedCall {
    /// The host passes it to the callback of the response.
    pub(super) token: u32,
    /// When the call was made.
    began: Option<SystemTime>,
}

impl DispatchedCall {
    /// Measures the call, which has ended.
    pub(super) fn ended(self) {
        self.began.into_iter().for_each(Counters::call_ended);
    }
}

/// Makes the call.
///
/// # Errors
/// [`CallFailure`] if the host does not accept the call. Envoy has another status for a cluster
/// without endpoints than for one that does not exist.
pub(super) fn dispatch(call: &HttpCall) -> Result<DispatchedCall, CallFailure> {
    let headers = call.headers.iter().map(|(name, value)| (*name, value.expose_secret().as_str())).collect();
    let body = call.body.expose_secret().as_bytes();
    let token = hostcalls::dispatch_http_call(&call.cluster, headers, Some(body), Vec::new(), call.timeout).map_err(
        |status| if status == Status::InternalFailure { CallFailure::NoEndpoint } else { CallFailure::Refused },
    )?;
    Ok(DispatchedCall { token, began: hostcalls::get_current_time().ok() })
}

/// Reads the response in the callback of a call. The host reports a failed call as a response
/// without headers.
///
/// # Errors
/// [`CallFailure`] if the call failed, its headers could not be read, or Envoy answered itself.
pub(super) fn response(headers: usize, body: usize) -> Result<CallResponse, CallFailure> {
    if headers == 0 || headers > MAX_HEADERS {
        return Err(CallFailure::NoAnswer);
    }
    let head = header_map(MapType::HttpCallResponseHeaders).ok_or(CallFailure::NoAnswer)?;
    let status = head.only(":status").and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    let status = status.ok_or(CallFailure::NoAnswer)?;
    // One byte more than the limit shows that the body is too long.
    let length = body.min(CallResponse::MAX_BODY.saturating_add(1));
    let body = match length {
        0 => Vec::new(),
        _ => hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, length).ok().flatten().unwrap_or_default(),
    };
    if status >= 500 && head.only(SERVICE_TIME).is_none() {
        return Err(CallFailure::Local(LocalReason::new(&body)));
    }
    Ok(CallResponse { status, body: Secret::new(body) })
}

/// The header that Envoy adds to every response of a server, and not to a reply in its place.
const SERVICE_TIME: &str = "x-envoy-upstream-service-time";
/// The most headers that are read. The host passes at most 1,024 pairs.
pub(super) const MAX_HEADERS: usize = 1000;

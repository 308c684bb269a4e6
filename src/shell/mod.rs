//! The boundary to the host (proxy-wasm ABI 0.2.1): callbacks become inputs, and effects become
//! host calls.
//!
//! Only this module uses the SDK and depends on the order of callbacks. It makes no decision about
//! a request.
//!
//! The SDK panics on an unexpected status of the host. The panic ends the VM, and the request gets
//! 503. `envoy/README.md` describes the failure policy that restarts the VM.

mod abi;
mod call;
mod counters;
mod host;
mod plugin_calls;
mod root;
mod shared;
mod stream;
mod stream_state;
mod verifier;
mod waiting;

use proxy_wasm::traits::RootContext;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|id| -> Box<dyn RootContext> { Box::new(root::Root::new(id)) });
}}

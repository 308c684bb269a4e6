//! The boundary to the host (proxy-wasm ABI 0.2.1): callbacks become inputs, and effects become
//! host calls.
//!
//! This room knows the SDK and the order of callbacks. It decides nothing about a request.
//!
//! The SDK panics on an unexpected status of the host. That ends the VM and answers the request
//! with 503; `envoy/README.md` describes the failure policy that restarts the VM.

mod abi;
mod call;
mod counters;
mod host;
mod root;
mod shared;
mod stream;
mod verifier;
mod waiting;

use proxy_wasm::traits::RootContext;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| -> Box<dyn RootContext> { Box::new(root::Root::default()) });
}}
